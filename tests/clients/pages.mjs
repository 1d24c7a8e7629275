// Shared by the tests in a browser: the browser, a web host, and checks of a page.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { chromium } from "playwright-core";
import { ask as askAt, root } from "./support.mjs";

const TYPES = { ".css": "text/css", ".html": "text/html; charset=utf-8", ".js": "text/javascript" };

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** The documentation of the pages, whose policies the tests use. */
export const documentation = readFileSync(`${root}/docs/web.md`, "utf8");

export const screenshots = process.env.FEEDBACK_SCREENSHOTS ?? tmpdir();

export function setting(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; the head of this file says what it is for`);
  return value;
}

/** The data that an operation gives to staff. */
export function ask(query, variables) {
  const url = process.env.FEEDBACK_STAFF_URL ?? setting("FEEDBACK_URL");
  return askAt(query, variables, `${url}/graphql`);
}

export async function launch(flags = []) {
  await mkdir(screenshots, { recursive: true });
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", ...flags],
  });
}

export async function eventually(attempt) {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const value = await attempt();
    if (value) return value;
    assert.ok(Date.now() < deadline, `no result after ten seconds: ${attempt}`);
    await sleep(50);
  }
}

/**
 * A web host at an origin, or at any free port of 127.0.0.1: the files of the folder web, and pages by their paths.
 * `edit` changes a file's text, as whoever hosts it would.
 */
export async function host({ origin = "http://127.0.0.1:0", policy, pages = {}, edit = (path, text) => text }) {
  const { hostname, port } = new URL(origin);
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, origin);
    const file = join(root, "web", normalize(pathname));
    const body = pages[pathname] ?? (await readFile(file, "utf8").then((text) => edit(pathname, text), () => undefined));
    if (body === undefined) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, {
      "Content-Type": TYPES[extname(pathname)] ?? TYPES[".html"],
      "Content-Security-Policy": policy,
      "X-Content-Type-Options": "nosniff",
    });
    response.end(body);
  }).listen(Number(port), hostname);
  await once(server, "listening");
  return {
    pages,
    url: `http://${hostname}:${server.address().port}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** A page in a context of its own, and whatever the browser holds against it. */
export async function newPage(t, browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  t.after(() => context.close());
  const page = await context.newPage();
  page.problems = [];
  page.on("pageerror", (error) => page.problems.push(error.stack));
  page.on("dialog", (dialog) => page.problems.push(`a dialog: ${dialog.message()}`));
  page.on("console", (message) => {
    if (/Content Security Policy|integrity/i.test(message.text())) page.problems.push(message.text());
  });
  return page;
}

/** Nothing that axe finds, shadow trees included. */
export async function assertAccessible(page) {
  await page.evaluate(axe);
  // Colours in the middle of a transition are not those that anybody reads.
  await page.evaluate(() => Promise.all(document.getAnimations().map(({ finished }) => finished.catch(() => {}))));
  const { violations } = await page.evaluate(() => window.axe.run());
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target, failureSummary }) => `${target} ${failureSummary}`)}`);
  assert.deepEqual(found, []);
}

/** Nothing that has to be scrolled for sideways. */
export async function assertFits(page) {
  const [needed, width] = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return [scrollWidth, clientWidth];
  });
  assert.ok(needed <= width, `${needed} px on a screen of ${width} px`);
}

/** Texts that are markup, formulas or templates to a page that is not careful. */
export const HOSTILE = [
  "<script>document.body.remove(); alert(1)</script>",
  "<img src=x onerror=\"alert(1)\">",
  "\u202Eمرحبا بالعالم\u202C שלום <b>RTL</b>",
  "{{7*7}} ${7*7} =cmd|' /C calc'!A0",
];
