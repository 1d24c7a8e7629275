// The form of the folder web, in a browser, on a page of another origin than the service.
//
//   FEEDBACK_ALLOWED_ORIGINS=http://127.0.0.1:4999 cargo run -- --in-memory
//   FEEDBACK_URL=http://127.0.0.1:4000 FEEDBACK_ALLOWED_ORIGIN=http://127.0.0.1:4999 node --test feedback-form.mjs
//
// FEEDBACK_STAFF_URL says where feedback can be read, if that is elsewhere; CHROMIUM and FEEDBACK_SCREENSHOTS are those
// of browser.mjs.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import {
  HOSTILE, assertAccessible, assertFits, ask, documentation, eventually, host, launch, newPage, screenshots, setting,
} from "./pages.mjs";
import { newTopic, root } from "./support.mjs";

const endpoint = `${setting("FEEDBACK_URL")}/graphql`;
const script = readFileSync(join(root, "web/feedback-form.js"));
const integrity = `sha384-${createHash("sha384").update(script).digest("base64")}`;

// As the documentation has it, for the hosts of this test.
const [, documented] = /```\n(script-src .*feedback-form\.js; connect-src .*)\n```/.exec(documentation);

let browser;
let site;

before(async () => {
  browser = await launch();
  const origin = setting("FEEDBACK_ALLOWED_ORIGIN");
  const policy = documented
    .replace("https://static.example.org", origin)
    .replace("https://api.example.org/graphql", endpoint);
  site = await host({ origin, policy: `default-src 'none'; style-src 'nonce-page'; ${policy}` });
});

after(async () => {
  await browser?.close();
  site?.close();
});

/** Shows a form on an empty page, with these attributes and elements for its slots. */
async function open(t, { attributes = {}, slots = "", lang = "en", path = "/shop?user=ana#cart", ...options } = {}) {
  const topic = attributes.topic ?? newTopic("form");
  const page = await newPage(t, browser, options);
  const named = Object.entries({ endpoint, topic, ...attributes }).map(([name, value]) => `${name}="${value}"`);
  const html = `<!doctype html><html lang="${lang}"><meta charset="utf-8"><title>Shop</title>
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <style nonce="page">:root { color-scheme: light dark } body { margin: 1rem; font: 1rem/1.5 system-ui }</style>
    <script type="module" src="/feedback-form.js" crossorigin="anonymous" integrity="${integrity}"></script>
    <main><h1>Shop</h1><feedback-form ${named.join(" ")}>${slots}</feedback-form></main></html>`;
  site.pages[new URL(path, site.url).pathname] = html;
  await page.addInitScript(() => {
    window.told = [];
    for (const name of ["feedback-submitted", "feedback-failed"]) {
      addEventListener(name, ({ detail }) => window.told.push([name, detail]));
    }
  });
  await page.goto(site.url + path);
  const form = page.locator("feedback-form");
  const fields = {
    message: form.getByLabel(/^(Your feedback|Ihr Feedback)$/),
    email: form.getByLabel(/email address|E-Mail-Adresse/),
    send: form.getByRole("button", { name: /^(Send|Senden|Send now|Jetzt senden)$/ }),
    status: form.getByRole("status").first(),
    thanks: form.getByText(/Thank you|Vielen Dank/).filter({ visible: true }),
  };
  await fields.send.waitFor();
  return { page, form, topic, told: () => page.evaluate(() => window.told), ...fields };
}

/** The feedback that is stored on a topic, the newest first. */
async function stored(topic) {
  const query = `query ($topic: String!) { feedbacks(first: 20, filter: { topic: $topic }) {
    nodes { id message rating email topic pageUrl metadata { key value } } } }`;
  const { feedbacks } = await ask(query, { topic });
  return feedbacks.nodes;
}

/** Answers the first requests in place of the service, each as one of these; the inputs of all requests. */
async function intercept(page, ...answers) {
  const inputs = [];
  await page.route(endpoint, async (route) => {
    const request = route.request();
    if (request.method() !== "POST") return route.continue();
    inputs.push(request.postDataJSON().variables.input);
    const answer = answers.shift();
    if (!answer) return route.continue();
    if (answer === "no connection") return route.abort("connectionreset");
    if (answer === "lost") {
      await route.fetch();
      return route.abort("connectionreset");
    }
    const { headers, ...rest } = answer;
    const cors = { "Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Retry-After" };
    return route.fulfill({ contentType: "application/json", headers: { ...cors, ...headers }, ...rest });
  });
  return inputs;
}

const busy = (status, headers, code = "SERVICE_UNAVAILABLE") => ({
  status,
  headers,
  body: JSON.stringify({ errors: [{ message: "busy", extensions: { code } }] }),
});

describe("the file of the form", () => {
  test("has at most 6 KB, gzipped", () => {
    const size = gzipSync(script, { level: 9 }).length;
    console.log(`feedback-form.js: ${size} bytes gzipped, of ${script.length}`);
    assert.ok(size <= 6 * 1024, `${size} bytes`);
  });

  test("has the integrity hash of the documentation", () => {
    assert.ok(documentation.includes(`integrity="${integrity}"`), `docs/web.md has another hash than ${integrity}`);
  });

  test("has no way for text to become markup", () => {
    assert.doesNotMatch(script.toString(), /innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function/);
  });

  test("has every attribute, event and property that is documented, and no text without an attribute", () => {
    const texts = [...script.toString().split("de: {")[0].matchAll(/^ {4}"?([\w-]+)"?: "/gm)].map(([, name]) => name);
    const named = [...documentation.matchAll(/`text-([\w-]+)`/g)].map(([, name]) => name);
    assert.deepEqual(named.sort(), texts.sort());
    for (const [, name] of documentation.matchAll(/`(--feedback-[\w-]+|no-\w+|with-query|feedback-(?:submitted|failed))`/g)) {
      assert.ok(script.includes(name), name);
    }
  });
});

describe("the form", () => {
  test("sends what somebody writes by mouse, under a strict policy, and tells the page", async (t) => {
    const { page, form, topic, message, email, send, thanks, told } = await open(t);
    await page.evaluate(() => (document.querySelector("feedback-form").metadata = { version: "1.4.2", build: 7 }));
    await form.getByTitle("Satisfied", { exact: true }).click();
    await message.fill("The basket is easy to find.");
    await email.fill("ana@example.org");
    await page.screenshot({ path: join(screenshots, "form.png") });
    await send.click();
    await thanks.waitFor();
    const [{ id, ...feedback }] = await stored(topic);
    assert.deepEqual(feedback, {
      message: "The basket is easy to find.",
      rating: 4,
      email: "ana@example.org",
      topic,
      pageUrl: `${site.url}/shop`,
      metadata: [{ key: "version", value: "1.4.2" }, { key: "build", value: "7" }],
    });
    assert.deepEqual(await told(), [["feedback-submitted", { id }]]);
    await page.screenshot({ path: join(screenshots, "form-sent.png") });
    assert.deepEqual(page.problems, []);

    await form.getByRole("button", { name: "Send more feedback" }).click();
    assert.equal(await message.inputValue(), "");
    await message.fill("The same again.");
    await send.click();
    await thanks.waitFor();
    assert.equal((await stored(topic)).length, 2);
  });

  test("is filled in and sent by the keyboard alone, and says what happened where the focus is", async (t) => {
    const { page, form, topic, thanks } = await open(t);
    const focused = () => page.evaluate(() => {
      const element = document.activeElement.shadowRoot?.activeElement;
      return element?.getAttribute("aria-label") || element?.id || element?.textContent;
    });
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "Very dissatisfied");
    for (let n = 0; n < 2; n++) await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    assert.equal(await form.getByRole("radio", { checked: true }).count(), 0);
    await page.keyboard.press("Space");
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "message");
    await page.keyboard.type("Two lines");
    await page.keyboard.press("Enter");
    await page.keyboard.type("of text");
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "email");
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "Send", "nobody meets the field for robots");
    await page.keyboard.press("Enter");
    await thanks.waitFor();
    assert.match(await page.evaluate(() => document.activeElement.shadowRoot.activeElement.className), /thanks/);
    assert.deepEqual((await stored(topic)).map(({ message, rating }) => [message, rating]), [["Two lines\nof text", 2]]);
  });

  for (const [colorScheme, lang] of [["light", "en"], ["dark", "de-AT"]]) {
    test(`gives axe nothing to find, ${colorScheme}, in ${lang}`, async (t) => {
      const { page, form, message, email, send, thanks } = await open(t, { colorScheme, lang });
      await assertAccessible(page);
      await send.click();
      assert.equal(await message.getAttribute("aria-invalid"), "true");
      await assertAccessible(page);
      await form.getByRole("radio").first().check();
      await message.fill("x".repeat(4_900));
      await email.fill("nobody");
      await send.click();
      await eventually(() => email.getAttribute("aria-invalid"));
      await page.screenshot({ path: join(screenshots, `form-errors-${colorScheme}.png`) });
      await assertAccessible(page);
      await email.fill("");
      await send.click();
      await thanks.waitFor();
      await assertAccessible(page);
      assert.deepEqual(page.problems, []);
    });
  }

  test("speaks the language of the page around it, unless it is told another, and takes texts and elements", async (t) => {
    const german = await open(t, { lang: "de-AT" });
    assert.equal(await german.form.getByRole("heading").textContent(), "Feedback senden");
    const english = await open(t, { lang: "de", attributes: { lang: "en" } });
    assert.equal(await english.form.getByRole("heading").textContent(), "Send feedback");
    const own = await open(t, {
      lang: "fr",
      attributes: { "text-submit": "Send", "text-message": "Your feedback", "text-rating": "Et <b>vous</b> ?", "no-email": "" },
      slots: `<h3 slot="heading">Votre avis</h3><p slot="privacy">Nous gardons tout.</p><p slot="thanks">Thank you, merci.</p>`,
    });
    assert.deepEqual(await own.form.getByRole("heading").allTextContents(), ["Votre avis"]);
    assert.ok(await own.form.getByText("Et <b>vous</b> ?").isVisible());
    assert.ok(await own.form.getByText("Nous gardons tout.").isVisible());
    assert.equal(await own.email.isVisible(), false);
    await own.message.fill("Bon.");
    await own.send.click();
    await own.thanks.waitFor();
  });

  test("ties errors to their fields, leads to the first, and keeps what was written", async (t) => {
    const { page, topic, form, message, email, send, thanks, told } = await open(t);
    const inputs = await intercept(page);
    await message.fill("   \n ");
    await send.click();
    const described = (field) => field.evaluate((element) => element.getAttribute("aria-describedby").split(" ")
      .map((id) => element.getRootNode().getElementById(id).textContent).join(" "));
    assert.match(await described(message), /^Please write something first\./);
    assert.deepEqual(inputs, [], "what is plainly empty is not sent");

    const long = "ü".repeat(5_001);
    await message.fill(long);
    await email.fill("ana@");
    assert.ok(await form.getByText("5001 characters of 5000").isVisible());
    await send.click();
    await eventually(() => email.getAttribute("aria-invalid"));
    assert.match(await described(message), /^Please shorten this text\./);
    assert.match(await described(email), /^Please check this email address\./);
    assert.ok(await message.evaluate((element) => element.getRootNode().activeElement === element));
    assert.equal(await message.inputValue(), long);
    const [[name, { reason, willRetry, userErrors }]] = await told();
    assert.deepEqual([name, reason, willRetry], ["feedback-failed", "USER_ERRORS", false]);
    assert.deepEqual(userErrors.map(({ field, code }) => [field, code]), [[["message"], "TOO_LONG"], [["email"], "INVALID_EMAIL"]]);

    await message.fill(long.slice(1));
    await email.fill("");
    await send.click();
    await thanks.waitFor();
    assert.equal(await message.getAttribute("aria-invalid"), null);
    assert.deepEqual((await stored(topic)).map((feedback) => feedback.message), [long.slice(1)]);
  });

  test("says so where the page around it is wrong, and keeps the text", async (t) => {
    const { page, message, send, status, told } = await open(t, { attributes: { topic: "x".repeat(65) } });
    await message.fill("Kept.");
    await send.click();
    await eventually(async () => (await status.textContent()).includes("could not be sent"));
    assert.equal(await message.inputValue(), "Kept.");
    const [[, { userErrors }]] = await told();
    assert.deepEqual(userErrors.map(({ field, code }) => [field, code]), [[["topic"], "TOO_LONG"]]);
    await page.reload();
    assert.equal(await message.inputValue(), "Kept.");
  });

  test("sends text as text, in every field and in every script", async (t) => {
    for (const text of [...HOSTILE, `${"🙂".repeat(4_999)}.`]) {
      const { page, topic, message, email, send, thanks } = await open(t);
      await message.fill(text);
      await email.fill(text);
      await send.click();
      await eventually(() => email.getAttribute("aria-invalid"));
      await email.fill("");
      await send.click();
      await thanks.waitFor();
      assert.deepEqual((await stored(topic)).map((feedback) => feedback.message), [text]);
      assert.deepEqual(page.problems, []);
    }
  });

  test("sends the page's query where it is asked to, and no URL that is none", async (t) => {
    const withQuery = await open(t, { attributes: { "with-query": "" } });
    const tooLong = await open(t, { attributes: { "with-query": "" }, path: `/shop?${"x".repeat(2_048)}` });
    for (const { message, send, thanks } of [withQuery, tooLong]) {
      await message.fill("From a page.");
      await send.click();
      await thanks.waitFor();
    }
    assert.deepEqual((await stored(withQuery.topic)).map(({ pageUrl }) => pageUrl), [`${site.url}/shop?user=ana`]);
    assert.deepEqual((await stored(tooLong.topic)).map(({ pageUrl }) => pageUrl), [null]);
  });
});

describe("the fields for robots", () => {
  test("are sent, one empty and one with the time, and are nowhere that a person gets", async (t) => {
    const { page, form, message, send, thanks } = await open(t);
    const inputs = await intercept(page);
    assert.equal(await form.getByRole("textbox").count(), 2);
    const trap = form.locator("[name=details]");
    const { x, width } = await trap.boundingBox();
    assert.ok(x + width < 0, "it is beside the screen");
    await message.fill("From a person.");
    await send.click();
    await thanks.waitFor();
    assert.equal(inputs[0].trap, "");
    assert.ok(Number.isInteger(inputs[0].elapsedMs) && inputs[0].elapsedMs >= 0);
  });

  test("tell what a robot writes into them, and the time before a reload too", async (t) => {
    const { page, form, message, send, thanks } = await open(t);
    await page.clock.install();
    await page.clock.runFor(60_000);
    await message.fill("Buy this.");
    await page.reload();
    const inputs = await intercept(page);
    await form.locator("[name=details]").evaluate((field) => (field.value = "https://spam.example"));
    await send.click();
    await thanks.waitFor();
    assert.equal(inputs[0].trap, "https://spam.example");
    assert.ok(inputs[0].elapsedMs >= 60_000, String(inputs[0].elapsedMs));
  });
});

describe("a draft", () => {
  test("is sent again after a 503 and a 429 as Retry-After says, no earlier, and stored once", async (t) => {
    const { page, topic, message, send, status, thanks, told } = await open(t);
    const inputs = await intercept(page, busy(503, { "Retry-After": "30" }), busy(429, {
      "Retry-After": new Date(Date.now() + 200_000).toUTCString(),
    }, "TOO_MANY_REQUESTS"));
    await page.clock.install();
    await message.fill("In spite of all.");
    await send.click();
    await eventually(async () => (await status.textContent()).includes("could not be sent yet"));
    await page.clock.runFor(29_000);
    assert.equal(inputs.length, 1);
    await page.clock.runFor(10_000);
    await eventually(() => inputs.length === 2);
    await eventually(async () => (await told()).length === 2);
    await page.clock.runFor(100_000);
    assert.equal(inputs.length, 2);
    await eventually(() => page.clock.runFor(5_000).then(() => inputs.length === 3));
    await thanks.waitFor();
    assert.equal((await stored(topic)).length, 1);
    assert.equal(new Set(inputs.map(({ idempotencyKey }) => idempotencyKey)).size, 1);
    const events = (await told()).map(([name, { reason, willRetry }]) => [name, reason, willRetry]);
    assert.deepEqual(events, [
      ["feedback-failed", "SERVICE_UNAVAILABLE", true],
      ["feedback-failed", "TOO_MANY_REQUESTS", true],
      ["feedback-submitted", undefined, undefined],
    ]);
  });

  test("whose answer was lost is sent again, and stored once", async (t) => {
    const { page, topic, message, send, thanks } = await open(t);
    const inputs = await intercept(page, "lost", "no connection", { status: 502, body: "<h1>Bad gateway</h1>" });
    await page.clock.install();
    await message.fill("Once.");
    await send.click();
    for (const n of [1, 2, 3]) {
      await eventually(() => inputs.length === n);
      await eventually(() => send.textContent().then((text) => text === "Send now"));
      await page.clock.runFor(10_000);
    }
    await thanks.waitFor();
    assert.equal(inputs.length, 4);
    assert.equal((await stored(topic)).length, 1);
  });

  test("that was changed after its answer was lost is stored as it is now too", async (t) => {
    const { page, topic, message, send, thanks } = await open(t);
    const inputs = await intercept(page, "lost");
    await message.fill("First.");
    await page.clock.install();
    await send.click();
    await eventually(() => send.textContent().then((text) => text === "Send now"));
    await message.fill("Second.");
    await page.clock.runFor(600_000);
    assert.equal(inputs.length, 1, "nothing is sent while it is being changed");
    await send.click();
    await thanks.waitFor();
    assert.deepEqual((await stored(topic)).map((feedback) => feedback.message), ["Second.", "First."]);
  });

  test("waits offline until the browser is online, and is stored once", async (t) => {
    const { page, topic, message, send, status, thanks } = await open(t);
    const inputs = await intercept(page);
    await page.context().setOffline(true);
    await message.fill("From the train.");
    await send.click();
    await eventually(async () => (await status.textContent()).startsWith("You are offline."));
    await page.screenshot({ path: join(screenshots, "form-offline.png") });
    assert.equal(inputs.length, 0);
    await page.context().setOffline(false);
    await thanks.waitFor();
    assert.deepEqual((await stored(topic)).map((feedback) => feedback.message), ["From the train."]);
  });

  test("outlives a reload, and is sent after one that came before the answer", async (t) => {
    const { page, form, topic, message, email, send, status, thanks } = await open(t);
    await form.getByRole("radio").nth(2).check();
    await message.fill("Half a thought");
    await email.fill("bo@example.org");
    await page.reload();
    assert.equal(await message.inputValue(), "Half a thought");
    assert.equal(await email.inputValue(), "bo@example.org");
    assert.ok(await form.getByRole("radio").nth(2).isChecked());

    const inputs = await intercept(page, "lost");
    await send.click();
    await eventually(async () => (await status.textContent()).includes("could not be sent yet"));
    await page.reload();
    await thanks.waitFor();
    assert.equal(new Set(inputs.map(({ idempotencyKey }) => idempotencyKey)).size, 1);
    assert.deepEqual((await stored(topic)).map(({ message, rating }) => [message, rating]), [["Half a thought", 3]]);
    assert.deepEqual(await page.evaluate(() => Object.keys(sessionStorage)), []);
  });

  test("stays where the service refuses it, and where storage is blocked", async (t) => {
    const { page, message, send, status, thanks, told } = await open(t);
    await page.evaluate(() => {
      Object.defineProperty(window, "sessionStorage", { get: () => { throw new DOMException("blocked"); } });
    });
    const refusal = { errors: [{ message: "no", extensions: { code: "FORBIDDEN" } }] };
    await intercept(page, { status: 403, body: JSON.stringify(refusal) });
    await message.fill("Kept.");
    await send.click();
    await eventually(async () => (await status.textContent()).includes("try again later"));
    assert.equal(await message.inputValue(), "Kept.");
    assert.deepEqual((await told()).map(([, { reason, willRetry }]) => [reason, willRetry]), [["FORBIDDEN", false]]);
    await send.click();
    await thanks.waitFor();
  });
});

describe("the form's layout", () => {
  for (const [name, options] of Object.entries({
    narrow: { viewport: { width: 320, height: 800 } },
    "narrow-dark": { viewport: { width: 320, height: 800 }, colorScheme: "dark" },
  })) {
    test(`fits, with text of 200 % too: ${name}`, async (t) => {
      const { page, form, send } = await open(t, { lang: "de", ...options });
      const card = () => form.evaluate(({ shadowRoot }) => {
        const { scrollWidth, clientWidth } = shadowRoot.querySelector(".card");
        return scrollWidth - clientWidth;
      });
      await send.click();
      await assertFits(page);
      await page.screenshot({ path: join(screenshots, `form-${name}.png`) });
      await page.evaluate(() => document.styleSheets[0].insertRule(":root { font-size: 200% }"));
      await assertFits(page);
      assert.equal(await card(), 0, "nothing leaves the form");
      await page.screenshot({ path: join(screenshots, `form-${name}-200.png`), fullPage: true });
    });
  }

  test("follows the page where it is light on a dark system, and moves nothing where motion is reduced", async (t) => {
    const { page, form } = await open(t, { colorScheme: "dark", reducedMotion: "reduce" });
    const colour = () => form.evaluate((element) => getComputedStyle(element).color);
    const dark = await colour();
    await page.evaluate(() => document.styleSheets[0].insertRule(":root { color-scheme: light !important }"));
    assert.notEqual(await colour(), dark);
    const moving = await form.evaluate((element) => [...element.shadowRoot.querySelectorAll("*")]
      .filter((each) => !["0s", ""].includes(getComputedStyle(each).transitionDuration)).length);
    assert.equal(moving, 0);
  });
});
