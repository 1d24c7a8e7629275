// A browser against a running server: the explorer page, pages of other origins, and pages that mean a laptop harm.
//
//   FEEDBACK_ALLOWED_ORIGINS=http://127.0.0.1:4999 cargo run -- --in-memory --explorer-assets DIR
//   FEEDBACK_URL=http://127.0.0.1:4000 FEEDBACK_ALLOWED_ORIGIN=http://127.0.0.1:4999 \
//     FEEDBACK_ENGINE_URL=http://127.0.0.1:4001 node --test browser.mjs
//
// Without FEEDBACK_ENGINE_URL, what only a laptop has is left out. CHROMIUM names another browser than
// /usr/bin/chromium, FEEDBACK_SCREENSHOTS another folder than the system's temporary one. Without internet, DIR holds
// the explorer's files: see the server's --help.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { eventually, launch, screenshots, setting } from "./pages.mjs";
import { here } from "./support.mjs";

const endpoint = `${setting("FEEDBACK_URL")}/graphql`;
// Where feedback can be read, if that is elsewhere.
const staffEndpoint = `${process.env.FEEDBACK_STAFF_URL ?? setting("FEEDBACK_URL")}/graphql`;
const allowedOrigin = setting("FEEDBACK_ALLOWED_ORIGIN");
// The embedded engine, where there is one.
const engine = process.env.FEEDBACK_ENGINE_URL;

// Executed for everybody, where others need a credential.
const trusted = `${here}/../../examples/trusted-documents/feedback-form.json`;
const [submitFeedback] = Object.values(JSON.parse(readFileSync(trusted, "utf8")));

// A name that whoever owns it has made to resolve to this machine.
const elsewhere = "evil.example";

let browser;

before(async () => {
  browser = await launch([
    `--host-resolver-rules=MAP ${elsewhere} 127.0.0.1`,
    // Chromium asks the user before a page from elsewhere may reach this machine. Not every browser does.
    "--disable-features=LocalNetworkAccessChecks",
  ]);
});

after(() => browser?.close());

describe("the explorer", () => {
  test("runs every example, leads through the documentation, and breaks no rule of its policy", async (t) => {
    await submit({ message: "The page took ten seconds to load.", rating: 1, topic: "speed" });
    const { page, problems } = await open(t);

    const examples = {
      LatestFeedback: ({ feedbacks }) => {
        assert.ok(feedbacks.edges.length > 0);
        assert.equal(feedbacks.edges.at(-1).cursor, feedbacks.pageInfo.endCursor);
      },
      SubmitFeedback: ({ submitFeedback }) => {
        assert.deepEqual(submitFeedback.userErrors, []);
        assert.ok(submitFeedback.feedback.id);
      },
      UnhappyLastWeek: ({ feedbacks }) => {
        assert.ok(feedbacks.nodes.length > 0);
        assert.ok(feedbacks.nodes.every(({ rating }) => rating <= 2));
      },
      Inbox: ({ feedbacks }) => {
        assert.ok(feedbacks.nodes.length > 0);
        assert.ok(feedbacks.nodes.every(({ triage }) => triage.status !== "RESOLVED"));
      },
      TriageFeedback: ({ triageFeedback }, { input }) => {
        assert.deepEqual(triageFeedback.userErrors, []);
        assert.equal(triageFeedback.feedback.triage.version, input.expectedVersion + 1);
      },
      NextPage: ({ feedbacks }, { after }) => {
        assert.equal(typeof after, "string");
        assert.equal(typeof feedbacks.pageInfo.hasNextPage, "boolean");
      },
      FeedbackById: ({ feedback, node }, { id }) => {
        assert.equal(feedback.id, id);
        assert.deepEqual(node, { __typename: "Feedback", id });
      },
    };
    const tabs = page.locator(".graphiql-tab-button");
    assert.deepEqual(await tabs.allTextContents(), Object.keys(examples));
    const run = async (name, isAnswer = Boolean) => {
      await tabs.filter({ hasText: name }).click();
      // GraphiQL reads the operation's name from the text a moment later, and until then runs the other tab's.
      await eventually(() => operationName(page).then((current) => current === name));
      const variables = JSON.parse((await editorText(page, ".graphiql-editor-tool")) || "{}");
      await page.locator(".graphiql-execute-button").click();
      const text = await eventually(() => editorText(page, ".result-window").then((text) => isAnswer(text) && text));
      const answer = JSON.parse(text);
      assert.equal(answer.errors, undefined, `${name}: ${JSON.stringify(answer.errors)}`);
      return [answer.data, variables];
    };
    for (const [name, check] of Object.entries(examples)) {
      check(...(await run(name)));
      await page.screenshot({ path: join(screenshots, `explorer-${name}.png`) });
    }

    // As the example says: the second time, the version is another one.
    const [{ triageFeedback }, { input }] = await run("TriageFeedback", (text) => text.includes("VERSION_CONFLICT"));
    assert.deepEqual(triageFeedback.userErrors.map(({ code }) => code), ["VERSION_CONFLICT"]);
    assert.equal(triageFeedback.feedback.triage.version, input.expectedVersion + 1);
    await page.screenshot({ path: join(screenshots, "explorer-conflict.png") });

    await page.getByLabel("Show Documentation Explorer").click();
    const docs = page.locator(".graphiql-doc-explorer");
    const title = docs.locator(".graphiql-doc-explorer-title");
    await docs.getByText("Query", { exact: true }).click();
    await docs.getByText("feedbacks", { exact: true }).first().click();
    assert.equal(await title.textContent(), "feedbacks");
    for (const argument of ["first", "after", "last", "before", "order", "filter"]) {
      assert.ok(await docs.getByText(argument, { exact: true }).first().isVisible(), argument);
    }
    await page.screenshot({ path: join(screenshots, "explorer-docs.png") });
    await docs.getByText("FeedbackFilter", { exact: true }).click();
    assert.equal(await title.textContent(), "FeedbackFilter");
    assert.ok(await docs.getByRole("link", { name: "maxRating", exact: true }).isVisible());

    // The dialogs bring a style element of their own.
    for (const name of ["settings", "short keys"]) {
      await page.getByLabel(`Open ${name} dialog`).click();
      await page.getByRole("dialog").waitFor();
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
    }
    assert.deepEqual(problems, []);
  });

  test("follows the system into the dark", async (t) => {
    const { page, problems } = await open(t, { colorScheme: "dark" });
    await page.screenshot({ path: join(screenshots, "explorer-dark.png") });
    const background = await page
      .locator(".graphiql-container")
      .evaluate((container) => getComputedStyle(container).backgroundColor);
    const brightest = Math.max(...background.match(/\d+(\.\d+)?/g).slice(0, 3).map(Number));
    assert.ok(brightest < 100, background);
    assert.deepEqual(problems, []);
  });

  test("keeps what somebody typed, and leaves the storage of other explorers on the origin alone", async (t) => {
    const { page } = await open(t);
    // CodeMirror has no element of its own to type into.
    await page.locator(".graphiql-query-editor .CodeMirror").click();
    await page.keyboard.press("Control+A");
    await page.keyboard.type("query Mine ");
    await page.locator(".graphiql-tab-button", { hasText: "Mine" }).waitFor();
    const foreign = JSON.stringify({ tabs: [], activeTabIndex: 0 });
    await page.evaluate((value) => localStorage.setItem("graphiql:tabState", value), foreign);
    // The text and the tabs are stored separately, each a moment after the last key.
    const stored = () => page.evaluate(() => Object.values(localStorage).filter((value) => value.includes("Mine")));
    await eventually(async () => (await stored()).length >= 2);

    const tabs = page.locator(".graphiql-tab-button");
    await page.reload();
    await tabs.filter({ hasText: "Mine" }).waitFor();
    assert.equal(await tabs.count(), 7);

    await page.getByLabel("Open settings dialog").click();
    await page.getByText("Clear data").click();
    assert.deepEqual(await page.evaluate(() => Object.entries(localStorage)), [["graphiql:tabState", foreign]]);
    await page.reload();
    await tabs.filter({ hasText: "LatestFeedback" }).waitFor();
    assert.equal(await tabs.count(), 7);
  });

  for (const [what, file, handler] of [
    ["does not arrive", "graphiql.min.js", (route) => route.abort()],
    ["does not arrive, being the style sheet", "graphiql.min.css", (route) => route.abort()],
    ["is another one", "react.production.min.js", (route) => tamper(route, "text/javascript")],
    ["is another one, being the style sheet", "graphiql.min.css", (route) => tamper(route, "text/css")],
  ]) {
    test(`says what to do when a file ${what}`, async (t) => {
      const context = await newContext(t);
      const page = await context.newPage();
      await page.route(`**/${file}`, handler);
      await page.goto(endpoint);
      await page.locator("#notice").waitFor();
      const notice = await page.locator("#notice").innerText();
      for (const text of ["could not be loaded", file, "npm install", "--explorer-assets", endpoint]) {
        assert.ok(notice.includes(text), `${text} is not in: ${notice}`);
      }
      assert.equal(await page.locator(".graphiql-container").count(), 0);
      await page.screenshot({ path: join(screenshots, "explorer-not-loaded.png") });
    });
  }

  test("says so where there is no JavaScript", async (t) => {
    const context = await newContext(t, { javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(endpoint);
    assert.match(await page.locator("body").innerText(), /needs JavaScript/);
  });
});

describe("a page of another origin", () => {
  test("submits feedback where its origin is allowed", async (t) => {
    const page = await foreignPage(t, new URL(allowedOrigin));
    const message = `From an allowed origin, ${randomUUID()}`;
    const outcome = await submitFrom(page, message);
    assert.equal(outcome.refused, undefined, `is the server started with FEEDBACK_ALLOWED_ORIGINS=${allowedOrigin}?`);
    assert.deepEqual(outcome.answer.data.submitFeedback.userErrors, []);
    assert.ok((await newestMessages()).includes(message));
  });

  test("is refused by the browser where it is not, and nothing is stored", async (t) => {
    const page = await foreignPage(t, new URL("http://127.0.0.1:0"));
    const message = `From any other origin, ${randomUUID()}`;
    const outcome = await submitFrom(page, message);
    assert.match(outcome.refused ?? "not refused", /TypeError/);
    assert.ok(!(await newestMessages()).includes(message));
  });

  test("cannot submit by the requests that browsers send without asking first", async (t) => {
    const page = await foreignPage(t, new URL("http://127.0.0.1:0"));
    const message = `From any other origin, unasked, ${randomUUID()}`;
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"]) {
      await page.evaluate(post, { endpoint, type, mode: "no-cors", body: operation({ message }) });
    }
    const query = `mutation { submitFeedback(input: { message: ${JSON.stringify(message)} }) { feedback { id } } }`;
    await page.evaluate((url) => fetch(url, { mode: "no-cors" }), `${endpoint}?query=${encodeURIComponent(query)}`);
    assert.ok(!(await newestMessages()).includes(message));
  });
});

describe("a laptop's server", { skip: !engine && "FEEDBACK_ENGINE_URL is not set" }, () => {
  const pages = {
    "from another port": (t) => foreignPage(t, new URL("http://127.0.0.1:0")),
    "from another name": (t) => foreignPage(t, new URL("http://127.0.0.1:0"), elsewhere),
    "from another name of the engine's own port": (t) => ownPage(t, engine),
  };
  for (const [where, open] of Object.entries(pages)) {
    test(`has an engine that no page reads, writes or drops ${where}`, async (t) => {
      const table = `Table-${randomUUID()}`;
      const item = { id: { S: "kept" } };
      await create(table);
      await command({ engine, operation: "PutItem", input: { TableName: table, Item: item } });

      const page = await open(t);
      // A page of the engine's own port needs nobody's leave to read what that name answers.
      const url = new URL(engine);
      if (new URL(page.url()).port === url.port) url.hostname = elsewhere;
      const attempts = {
        Scan: { TableName: table },
        PutItem: { TableName: table, Item: { id: { S: "planted" } } },
        DeleteTable: { TableName: table },
      };
      const outcomes = [];
      for (const [operation, input] of Object.entries(attempts)) {
        const outcome = await page.evaluate(command, { engine: url.href, operation, input });
        outcomes.push(outcome.refused ?? `${operation}: ${outcome.status}, ${JSON.stringify(outcome.answer)}`);
      }
      const { answer } = await command({ engine, operation: "Scan", input: { TableName: table } });
      assert.deepEqual(answer?.Items, [item], `${outcomes}; ${JSON.stringify(answer)}`);
      for (const outcome of outcomes) assert.match(outcome, /^TypeError|: 403, .* web pages|: 421, /);
    });
  }

  test("answers no page of another name, that reads and deletes", async (t) => {
    const message = `For nobody else, ${randomUUID()}`;
    const { answer } = await post({ endpoint, type: "application/json", body: operation({ message }) });
    const { id } = answer.data.submitFeedback.feedback;

    const page = await ownPage(t, endpoint);
    const outcomes = [];
    for (const query of [
      "{ feedbacks { nodes { message } } }",
      `mutation { deleteFeedback(id: "${id}") { __typename } }`,
    ]) {
      const request = { endpoint: page.url(), type: "application/json", body: JSON.stringify({ query }) };
      outcomes.push(JSON.stringify(await page.evaluate(post, request)));
    }
    assert.ok((await newestMessages()).includes(message), `${outcomes}`);
    for (const outcome of outcomes) assert.match(outcome, /--allowed-hosts/);
  });
});

async function newContext(t, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, ...options });
  t.after(() => context.close());
  return context;
}

/** Opens the explorer, and collects whatever the browser holds against it. */
async function open(t, options) {
  const context = await newContext(t, options);
  const page = await context.newPage();
  const problems = [];
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("requestfailed", (request) => problems.push(`${request.url()}: ${request.failure()?.errorText}`));
  page.on("response", (response) => response.status() >= 400 && problems.push(`${response.url()}: ${response.status()}`));
  const response = await page.goto(endpoint);
  assert.match(response.headers()["content-security-policy"], /^default-src 'none'; script-src 'nonce-[^']{22,}';/);
  await page.locator(".graphiql-container, #notice:not([hidden])").first().waitFor();
  assert.ok(!(await page.locator("#notice").isVisible()), "is the server started with --explorer-assets DIR?");
  return { page, problems };
}

/** The text of the editor in an element; CodeMirror renders only the lines in sight. */
function editorText(page, selector) {
  return page.locator(`${selector} .CodeMirror`).first().evaluate((element) => element.CodeMirror.getValue());
}

function operationName(page) {
  return page.locator(".graphiql-query-editor .CodeMirror").evaluate((element) => element.CodeMirror.operationName);
}

/** Answers with a script or style sheet that works, and is not the one that was asked for. */
function tamper(route, contentType) {
  return route.fulfill({
    contentType,
    headers: { "Access-Control-Allow-Origin": "*" },
    body: contentType === "text/css" ? "body {}" : "window.React = {};",
  });
}

/** An empty page, served by this process at the origin, or at another name of it; port 0 is any free one. */
async function foreignPage(t, origin, name = origin.hostname) {
  const server = createServer((request, response) => {
    response.setHeader("Content-Type", "text/html");
    response.end("<!doctype html><title>A page of another origin</title>");
  });
  await new Promise((resolve, reject) => {
    server.once("error", reject).listen(Number(origin.port), origin.hostname, resolve);
  });
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const context = await newContext(t);
  const page = await context.newPage();
  await page.goto(`http://${name}:${server.address().port}/`);
  return page;
}

/** An empty page at another name of a server's own port, as if that name had led elsewhere when the page was loaded. */
async function ownPage(t, address) {
  const url = new URL(address);
  url.hostname = elsewhere;
  const context = await newContext(t);
  const page = await context.newPage();
  const body = "<!doctype html><title>A page of another name</title>";
  await page.route(url.href, (route) => route.fulfill({ contentType: "text/html", body }), { times: 1 });
  await page.goto(url.href);
  return page;
}

/** Runs here or in a page: asks the engine, with a signature as good as any. */
async function command({ engine, operation, input }) {
  const headers = {
    "Authorization":
      "AWS4-HMAC-SHA256 Credential=any/20260301/local/dynamodb/aws4_request, SignedHeaders=host, Signature=00",
    "Content-Type": "application/x-amz-json-1.0",
    "X-Amz-Date": "20260301T093000Z",
    "X-Amz-Target": `DynamoDB_20120810.${operation}`,
  };
  try {
    const response = await fetch(engine, { method: "POST", headers, body: JSON.stringify(input) });
    return { status: response.status, answer: await response.json() };
  } catch (error) {
    return { refused: String(error) };
  }
}

async function create(table) {
  const input = {
    TableName: table,
    AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
    KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    BillingMode: "PAY_PER_REQUEST",
  };
  const { status, answer } = await command({ engine, operation: "CreateTable", input });
  assert.equal(status, 200, JSON.stringify(answer));
}

function operation(input) {
  return JSON.stringify({ query: submitFeedback, variables: { input } });
}

/** Runs in the page. */
async function post({ endpoint, type, mode, body }) {
  try {
    const response = await fetch(endpoint, { method: "POST", mode, headers: { "Content-Type": type }, body });
    return { answer: response.type === "opaque" ? undefined : await response.json() };
  } catch (error) {
    return { refused: String(error) };
  }
}

function submitFrom(page, message) {
  return page.evaluate(post, { endpoint, type: "application/json", mode: "cors", body: operation({ message }) });
}

async function submit(input) {
  const { answer, refused } = await post({ endpoint, type: "application/json", body: operation(input) });
  assert.deepEqual(answer?.data?.submitFeedback.userErrors, [], refused ?? JSON.stringify(answer));
}

/** Read from here and not from a page: this is not about what a page may see. */
async function newestMessages() {
  const body = JSON.stringify({ query: "{ feedbacks(first: 100) { nodes { message } } }" });
  const { answer, refused } = await post({ endpoint: staffEndpoint, type: "application/json", body });
  assert.ok(answer?.data, refused ?? JSON.stringify(answer));
  return answer.data.feedbacks.nodes.map(({ message }) => message);
}
