// The inbox and the start page of the folder web, in a browser.
//
//   FEEDBACK_ALLOWED_ORIGINS=http://127.0.0.1:4999 cargo run -- --in-memory
//   FEEDBACK_URL=http://127.0.0.1:4000 FEEDBACK_ALLOWED_ORIGIN=http://127.0.0.1:4999 node --test inbox.mjs
//
// The pages are those that the service serves, as a laptop's does. With FEEDBACK_STAFF_URL they are on a web host of this
// test, at the allowed origin, and work with the service at that URL. CHROMIUM and FEEDBACK_SCREENSHOTS are those of
// browser.mjs.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import {
  HOSTILE, assertAccessible, assertFits, ask, documentation, eventually, host, launch, newPage, screenshots, setting,
} from "./pages.mjs";
import { newTopic } from "./support.mjs";

const staffUrl = process.env.FEEDBACK_STAFF_URL;
const endpoint = `${staffUrl ?? setting("FEEDBACK_URL")}/graphql`;

// As the documentation has it, for the hosts of this test.
const [, documented] = /```\n +(default-src 'none'; script-src 'self'; .*)\n/.exec(documentation);

let browser;
let site;
let inboxUrl = `${setting("FEEDBACK_URL")}/inbox.html`;

before(async () => {
  browser = await launch();
  if (!staffUrl) return;
  site = await host({
    origin: setting("FEEDBACK_ALLOWED_ORIGIN"),
    policy: documented.replace("https://api.example.org", new URL(endpoint).origin),
    edit: (path, text) => text.replace('name="feedback-endpoint" content="graphql"', `name="feedback-endpoint" content="${endpoint}"`),
  });
  inboxUrl = `${site.url}/inbox.html`;
});

after(async () => {
  await browser?.close();
  site?.close();
});

/** Opens a view of the inbox. */
async function open(t, hash = "", options = {}) {
  const page = await newPage(t, browser, options);
  await page.goto(inboxUrl + hash);
  const inbox = {
    page,
    rows: page.locator(".row"),
    detail: page.locator(".detail"),
    note: page.getByLabel("Note for other staff"),
    tag: page.getByLabel("Tags", { exact: true }),
    save: page.getByRole("button", { name: "Save", exact: true }),
    toast: page.locator(".toast"),
    status: (name) => page.getByRole("radio", { name, exact: true }),
    row: (text) => page.locator(".row").filter({ hasText: text }),
  };
  await page.locator(".list-body:not([aria-busy])").waitFor({ state: "attached" });
  return inbox;
}

/** Stores feedback, one piece for each input, in order; the ids. */
async function submit(...inputs) {
  const ids = [];
  // As many as one request may have.
  for (let start = 0; start < inputs.length; start += 20) {
    const some = inputs.slice(start, start + 20);
    const variables = Object.fromEntries(some.map((input, n) => [`i${n}`, { message: "…", ...input }]));
    const fields = some.map((_, n) => `f${n}: submitFeedback(input: $i${n}) { feedback { id } userErrors { code } }`);
    const declared = some.map((_, n) => `$i${n}: SubmitFeedbackInput!`);
    const data = await ask(`mutation (${declared}) { ${fields.join(" ")} }`, variables);
    for (const { feedback, userErrors } of Object.values(data)) {
      assert.deepEqual(userErrors, []);
      ids.push(feedback.id);
    }
  }
  return ids;
}

/** Somebody else's change. */
async function triage(input) {
  const mutation = "mutation ($input: TriageFeedbackInput!) { triageFeedback(input: $input) { userErrors { code } } }";
  const { triageFeedback } = await ask(mutation, { input });
  assert.deepEqual(triageFeedback.userErrors, []);
}

async function triageOf(id) {
  const query = "query ($id: ID!) { feedback(id: $id) { triage { status tags note version } } }";
  return (await ask(query, { id })).feedback?.triage;
}

const viewOf = (topic, list = "open", more = "") => `#${list}?topic=${encodeURIComponent(topic)}${more}`;

describe("the inbox", () => {
  test("by mouse: reads feedback, sets its status, tags and note, and takes it out of the list", async (t) => {
    const topic = newTopic("inbox");
    const [first, second] = await submit(
      { message: "The first one", topic, rating: 2, email: "ana@example.org", pageUrl: "https://shop.example.org/a?b=c",
        metadata: [{ key: "plan", value: "plus" }] },
      { message: "The second one", topic },
    );
    const { page, rows, row, detail, note, tag, save, status, toast } = await open(t, viewOf(topic));
    assert.deepEqual(await rows.locator(".row-message").allTextContents(), ["The second one", "The first one"]);
    await row("The first one").click();
    const text = await detail.innerText();
    for (const part of ["The first one", "2 of 5", "ana@example.org", "https://shop.example.org/a?b=c", "plan", "plus", first]) {
      assert.ok(text.includes(part), part);
    }
    await status("In progress").check();
    await tag.fill("refund");
    await tag.press("Enter");
    await tag.fill("urgent");
    await note.fill("Asked for the order number.");
    await page.screenshot({ path: join(screenshots, "inbox-detail.png") });
    await save.click();
    await eventually(() => toast.innerText().then((said) => said.includes("Saved.")));
    assert.deepEqual(await triageOf(first), {
      status: "IN_PROGRESS", tags: ["refund", "urgent"], note: "Asked for the order number.", version: 1,
    });
    assert.deepEqual(await rows.locator(".row-message").allTextContents(), ["The second one"]);
    assert.ok(await detail.isVisible(), "what was saved stays in sight");

    await page.getByRole("link", { name: "In progress" }).click();
    await row("The first one").click();
    await page.getByRole("button", { name: "refund" }).click();
    await save.click();
    await eventually(async () => (await triageOf(first)).tags.length === 1);
    await page.getByRole("button", { name: "Resolve", exact: true }).click();
    await eventually(async () => (await triageOf(first)).status === "RESOLVED");
    assert.deepEqual(await triageOf(second), { status: "OPEN", tags: [], note: null, version: 0 });
    assert.deepEqual(page.problems, []);
  });

  test("by the keyboard alone: moves, resolves, undoes, notes, tags, filters, and lists its keys", async (t) => {
    const topic = newTopic("keys");
    const [one, two, three] = await submit(...["One", "Two", "Three"].map((message) => ({ message, topic })));
    const { page, detail, row, toast } = await open(t, viewOf(topic));
    const selected = () => detail.getAttribute("data-id");
    await page.keyboard.press("j");
    assert.equal(await selected(), three);
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    assert.equal(await selected(), one);
    await page.keyboard.press("k");
    assert.equal(await selected(), two);
    assert.equal(await page.evaluate(() => document.activeElement.dataset.id), two);

    await page.keyboard.press("n");
    await page.keyboard.type("keys like j and e are text here");
    await page.keyboard.press("Escape");
    await page.keyboard.press("t");
    await page.keyboard.type("idea");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Escape");
    await page.keyboard.press("e");
    await eventually(async () => (await selected()) === one);
    assert.deepEqual(await triageOf(two), {
      status: "RESOLVED", tags: ["idea"], note: "keys like j and e are text here", version: 1,
    });
    assert.equal(await row("Two").count(), 0);
    await page.keyboard.press("u");
    await eventually(() => row("Two").count());
    assert.equal((await triageOf(two)).status, "OPEN");
    assert.match(await toast.innerText(), /Undone/);

    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
    await assertAccessible(page);
    await page.keyboard.press("j");
    assert.equal(await selected(), one, "a dialog has the keys");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });

    await page.keyboard.press("/");
    await page.keyboard.press("Control+A");
    await page.keyboard.type("nothing has this topic");
    await page.keyboard.press("Enter");
    await page.getByText("Nothing matches").waitFor();
    assert.deepEqual(page.problems, []);
  });

  test("lets people turn the keys off", async (t) => {
    const topic = newTopic("off");
    await submit({ message: "One", topic });
    const { page, detail } = await open(t, viewOf(topic));
    await page.getByRole("button", { name: "Keys" }).click();
    await page.getByLabel("Use these keys").uncheck();
    await page.getByRole("button", { name: "Close" }).click();
    await page.reload();
    await page.locator(".row").waitFor();
    await page.keyboard.press("j");
    assert.equal(await detail.count(), 0);
  });

  test("shows what the other person did on a conflict, keeps what was typed, and saves both", async (t) => {
    const topic = newTopic("conflict");
    const [id] = await submit({ message: "Two people read this", topic });
    const [ana, bo] = [await open(t, viewOf(topic)), await open(t, viewOf(topic))];
    for (const person of [ana, bo]) {
      await person.row("Two people").click();
      await person.tag.fill(person === ana ? "from-ana" : "from-bo");
      await person.tag.press("Enter");
      // Nobody learns of the other by a poll.
      await person.page.route(endpoint, (route) =>
        route.request().postData().includes("query Page") ? route.abort() : route.continue());
    }
    await bo.note.fill("I have called them.");
    await ana.note.fill("A long note that must not be lost.");
    await bo.status("In progress").check();
    await bo.save.click();
    await eventually(async () => (await triageOf(id)).version === 1);

    await ana.save.click();
    const conflict = ana.page.locator(".conflict");
    await conflict.waitFor();
    const told = await conflict.innerText();
    for (const part of ["Status: Open → In progress", "Tags added: from-bo", "Note: I have called them.", "kept"]) {
      assert.ok(told.includes(part), `${part} is not in: ${told}`);
    }
    assert.equal(await ana.note.inputValue(), "A long note that must not be lost.");
    await assertAccessible(ana.page);
    await ana.page.screenshot({ path: join(screenshots, "inbox-conflict.png") });
    assert.equal((await triageOf(id)).note, "I have called them.");
    await ana.save.click();
    await eventually(async () => (await triageOf(id)).version === 2);
    assert.deepEqual(await triageOf(id), {
      status: "IN_PROGRESS", tags: ["from-ana", "from-bo"], note: "A long note that must not be lost.", version: 2,
    });
    await conflict.waitFor({ state: "detached" });
  });

  test("keeps what was typed while somebody looks at other feedback, and when a poll brings a change", async (t) => {
    const topic = newTopic("typed");
    const [first] = await submit({ message: "First", topic }, { message: "Second", topic });
    const { page, row, note, status } = await open(t, viewOf(topic));
    await row("First").click();
    await note.fill("Half a sen");
    await row("Second").click();
    await row("First").click();
    assert.equal(await note.inputValue(), "Half a sen");
    await page.keyboard.press("n");
    await triage({ id: first, addTags: ["elsewhere"] });
    await page.evaluate(() => dispatchEvent(new Event("focus")));
    await page.locator(".conflict").getByText("Tags added: elsewhere").waitFor();
    await page.keyboard.type("tence");
    assert.equal(await note.inputValue(), "Half a sentence");
    assert.ok(await status("Open").isChecked());
  });

  test("says so when somebody has deleted what is to be saved", async (t) => {
    const topic = newTopic("gone");
    const [id] = await submit({ message: "Soon gone", topic });
    const { page, row, note, save } = await open(t, viewOf(topic));
    await row("Soon gone").click();
    await note.fill("Kept.");
    await ask("mutation ($id: ID!) { deleteFeedback(id: $id) { deletedFeedbackId } }", { id });
    await save.click();
    await page.getByText("Not saved: somebody has deleted this feedback.").waitFor();
    assert.equal(await note.inputValue(), "Kept.");
  });

  test("shows errors at their fields", async (t) => {
    const topic = newTopic("errors");
    await submit({ message: "One", topic });
    const { page, row, note, save } = await open(t, viewOf(topic));
    await row("One").click();
    await note.fill("x".repeat(2_001));
    await save.click();
    await eventually(() => note.getAttribute("aria-invalid"));
    assert.match(await page.locator("#note-error").innerText(), /^The note must have at most 2000 characters/);
    assert.equal((await note.inputValue()).length, 2_001);
  });

  test("shows whatever people wrote as text", async (t) => {
    const topic = `<img src=x onerror=alert(1)>${newTopic("x")}`;
    const long = "A long line ".repeat(416);
    const ids = await submit(...[...HOSTILE, long].map((message) => ({
      message, topic, metadata: [{ key: message.slice(0, 64), value: message.slice(0, 256) }],
      pageUrl: "https://shop.example.org/?<script>alert(1)</script>",
    })));
    for (const id of ids) await triage({ id, addTags: ["<b>tag</b>"], note: HOSTILE.join("\n") });
    const { page, rows, detail } = await open(t, viewOf(topic));
    assert.equal(await rows.count(), ids.length);
    for (const [n, message] of [...HOSTILE, long].toReversed().entries()) {
      await rows.nth(n).click();
      await eventually(() => detail.getAttribute("data-id").then((id) => id === ids.at(-1 - n)));
      assert.equal(await detail.locator(".message").textContent(), message.trim());
    }
    await page.screenshot({ path: join(screenshots, "inbox-hostile.png") });
    assert.equal(await page.locator("body img, body script, body b, main style").count(), 0);
    assert.equal(await page.getByLabel("Note for other staff").inputValue(), HOSTILE.join("\n"));
    await assertFits(page);
    assert.deepEqual(page.problems, []);
  });

  test("announces new feedback, at the top of the list or from wherever one is", async (t) => {
    const topic = newTopic("news");
    await submit(...Array.from({ length: 30 }, (_, n) => ({ message: `Old ${n}`, topic })));
    const [top, next] = [await open(t, viewOf(topic)), await open(t, viewOf(topic))];
    await next.page.getByRole("link", { name: "Next" }).click();
    await next.row("Old 0").first().waitFor();
    await submit({ message: "Brand new", topic });
    await top.row("Brand new").waitFor();
    assert.match(await top.toast.innerText(), /1 new piece of feedback/);
    await next.page.getByRole("button", { name: "Show 1 new piece of feedback" }).click();
    await next.row("Brand new").waitFor();
    assert.equal(await next.rows.count(), 25);
  });

  test("asks once more before it deletes, and says what that means", async (t) => {
    const topic = newTopic("delete");
    const [id] = await submit({ message: "Delete me", topic }, { message: "Keep me", topic });
    const { page, row, rows, detail } = await open(t, viewOf(topic));
    await row("Delete me").click();
    const ask = async (answer) => {
      await page.getByRole("button", { name: "Delete …" }).click();
      const dialog = page.getByRole("dialog");
      assert.match(await dialog.innerText(), /for good/);
      await assertAccessible(page);
      await dialog.getByRole("button", { name: answer, exact: true }).click();
    };
    await ask("Cancel");
    assert.ok(await triageOf(id));
    await ask("Delete");
    await eventually(async () => (await triageOf(id)) === undefined);
    await eventually(async () => (await rows.count()) === 1);
    assert.match(await detail.innerText(), /Keep me/);
  });
});

describe("the quarantine", () => {
  test("shows what was put aside and why, and releases it, or takes it, after a question", async (t) => {
    const topic = newTopic("aside");
    const [spam] = await submit({ message: "Buy this", topic, trap: "https://spam.example" }, { message: "From a person", topic });
    const { page, row, detail, rows } = await open(t, viewOf(topic));
    assert.deepEqual(await rows.locator(".row-message").allTextContents(), ["From a person"]);
    const answer = async (button, text, action) => {
      await page.getByRole("button", { name: button }).click();
      const dialog = page.getByRole("dialog");
      assert.match(await dialog.innerText(), text);
      await dialog.getByRole("button", { name: action, exact: true }).click();
    };
    await page.getByRole("link", { name: "Quarantine 1" }).click();
    await row("Buy this").click();
    await detail.getByText("a field that people do not see was filled in").waitFor();
    await assertAccessible(page);
    await page.screenshot({ path: join(screenshots, "inbox-quarantine.png") });
    await page.keyboard.press("e");
    assert.equal((await triageOf(spam)).status, "OPEN", "what is aside is not resolved");
    await answer("Release …", /appears in the lists/, "Release");
    await page.getByText("Nothing matches").waitFor();

    await page.getByRole("link", { name: "Open 2" }).click();
    await row("From a person").click();
    await answer("Quarantine …", /disappears from the other lists/, "Put aside");
    await eventually(async () => (await rows.locator(".row-message").allTextContents()).join() === "Buy this");
    await page.getByRole("link", { name: "Quarantine 1" }).click();
    await row("From a person").click();
    await detail.getByText("staff put it aside").waitFor();
    assert.deepEqual(page.problems, []);
  });
});

describe("the numbers beside the lists", () => {
  test("count what the filter shows, and follow what is done", async (t) => {
    const topic = newTopic("counts");
    const [first] = await submit(...Array.from({ length: 12 }, (_, n) => ({ message: `Number ${n}`, topic })));
    await triage({ id: first, status: "IN_PROGRESS" });
    const { page } = await open(t, viewOf(topic));
    const shows = (name, count) => page.getByRole("link", { name: `${name} ${count}`, exact: true }).waitFor();
    await shows("Open", 11);
    await shows("In progress", 1);
    await shows("All", 12);
    await page.keyboard.press("j");
    await page.keyboard.press("e");
    await shows("Open", 10);
    await shows("Resolved", 1);
  });
});

describe("forgetting a person", () => {
  test("asks once more, and deletes all that the address has sent", async (t) => {
    const topic = newTopic("forget");
    const email = `${topic}@example.org`;
    await submit(...Array.from({ length: 130 }, () => ({ message: "From them", topic, email: email.toUpperCase() })));
    await submit({ message: "From somebody else", topic, email: "bo@example.org" });
    const { page, row, toast, rows } = await open(t, viewOf(topic, "open", "&order=oldest"));
    await row("From them").first().click();
    await page.getByRole("button", { name: "Forget person …" }).click();
    const dialog = page.getByRole("dialog");
    assert.ok((await dialog.innerText()).toLowerCase().includes(`all feedback from ${email} is deleted for good`));
    await assertAccessible(page);
    await page.screenshot({ path: join(screenshots, "inbox-forget.png") });
    await dialog.getByRole("button", { name: "Forget this person" }).click();
    await toast.getByText("130 pieces of feedback deleted.").waitFor();
    await eventually(async () => (await rows.locator(".row-message").allTextContents()).join() === "From somebody else");
    assert.deepEqual(page.problems, []);
  });
});

describe("the statistics", () => {
  test("show totals, shares and topics of some days, with a table behind each chart", async (t) => {
    const topic = newTopic("numbers");
    await submit(...[1, 2, 4, 4, 5, 5, 5, 5].map((rating) => ({ topic, rating })), { topic }, { topic });
    const { page } = await open(t, `#statistics?topic=${topic}`);
    const tiles = page.locator(".tiles > div");
    await tiles.first().waitFor();
    assert.deepEqual(await tiles.allInnerTexts(), [
      "Feedback\n10\n0.3 a day", "Average rating\n3.9\nof 8 ratings", "Satisfied\n75 %\nrated 4 or 5", "Dissatisfied\n25 %\nrated 1 or 2",
    ]);
    const figures = page.locator("figure");
    assert.deepEqual(await figures.locator("h3").allTextContents(), ["Ratings by day", "Average rating", "Satisfied"]);
    for (const chart of await figures.getByRole("img").all()) assert.match(await chart.getAttribute("aria-label"), /^(Columns|Line): .*\.$/);
    const tableOf = async (n) => {
      await figures.nth(n).getByText("Show as a table").click();
      const rows = figures.nth(n).locator("tbody tr");
      assert.equal(await rows.count(), 30);
      return rows.last().locator("th, td").allTextContents();
    };
    const [day, ...numbers] = await tableOf(0);
    assert.match(day, /^\d+ \w+$/);
    assert.deepEqual(numbers, ["10", "1", "1", "0", "2", "4", "2"]);
    assert.deepEqual((await tableOf(1)).slice(1), ["3.9"]);
    assert.deepEqual((await tableOf(2)).slice(1), ["75 %"]);
    const heights = await figures.first().locator("rect.r5, rect.none").evaluateAll((all) => all.map((each) => Number(each.getAttribute("height"))));
    assert.equal(heights.length, 4, "two swatches and two parts of the column");
    assert.ok(Math.abs(heights[2] / heights[3] - 2) < 0.01, `${heights}`);
    await page.getByRole("link", { name: topic }).click();
    await page.locator(".row").first().waitFor();
    assert.equal(await page.locator(".row").count(), 10);
    assert.deepEqual(page.problems, []);
  });

  test("are of the days that the address says, in weeks where they are many, and tell that there are none", async (t) => {
    const { page } = await open(t, "#statistics?from=2026-01-01&to=2026-03-31");
    await page.getByText("No feedback in these days").waitFor();
    await page.getByRole("button", { name: "1 year" }).click();
    await page.getByRole("heading", { name: "Ratings by week" }).waitFor();
    assert.match(page.url(), /#statistics\?from=/);
    await page.goBack();
    await page.getByText("No feedback in these days").waitFor();
    await page.getByLabel("From").fill("2030-01-01");
    await page.getByRole("button", { name: "Show" }).click();
    await page.getByText("This did not work").waitFor();
    await assertAccessible(page);
  });

  for (const [name, options] of Object.entries({
    "light": {}, "dark": { colorScheme: "dark" }, "narrow": { viewport: { width: 320, height: 640 } },
  })) {
    test(`fit and give axe nothing to find, with text of 200 % too: ${name}`, async (t) => {
      const topic = newTopic("look");
      await submit(...[1, 2, 3, 4, 5, 5].map((rating) => ({ topic, rating })));
      const { page } = await open(t, "#statistics", options);
      await page.locator("figure svg").first().waitFor();
      await page.getByText("Show as a table").first().click();
      await assertFits(page);
      await assertAccessible(page);
      await page.screenshot({ path: join(screenshots, `statistics-${name}.png`) });
      await page.evaluate(() => (document.documentElement.style.fontSize = "200%"));
      await assertFits(page);
      await page.screenshot({ path: join(screenshots, `statistics-${name}-200.png`) });
    });
  }
});

describe("the inbox's address", () => {
  test("holds the view, and the conditions that the form sets", async (t) => {
    const topic = newTopic("address");
    await submit(
      { message: "Bad", topic, rating: 1, email: "Ana@example.org" }, { message: "Good", topic, rating: 5, email: "bo@example.org" },
      { message: "Unrated", topic },
    );
    const { page, rows } = await open(t, viewOf(topic, "all"));
    const messages = () => rows.locator(".row-message").allTextContents();
    const filter = async (label, value) => {
      if (!(await page.locator(".filters details").getAttribute("open") === "")) await page.getByText("Filter", { exact: true }).click();
      const field = page.locator(".filter-form").getByLabel(label, { exact: true });
      if (label === "Rating") await field.selectOption(value);
      else await field.fill(value);
      await page.getByRole("button", { name: "Apply" }).click();
      await page.locator(".list-body:not([aria-busy])").waitFor();
    };
    await filter("Rating", "4-5");
    await eventually(async () => (await messages()).join() === "Good");
    await page.reload();
    await eventually(async () => (await messages()).join() === "Good");
    await filter("Rating", "1-2");
    await eventually(async () => (await messages()).join() === "Bad");
    await page.getByRole("button", { name: /^Rating 1–2/ }).click();
    await eventually(async () => (await messages()).length === 3);
    await filter("Email", "ANA@example.org");
    await eventually(async () => (await messages()).join() === "Bad");
    await page.goBack();
    await eventually(async () => (await messages()).length === 3);
    await page.getByLabel("Order").selectOption("oldest");
    await eventually(async () => (await messages()).join() === "Bad,Good,Unrated");
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
    await filter("From", tomorrow);
    await page.getByText("Nothing matches").waitFor();
    await assertAccessible(page);
    assert.deepEqual(page.problems, []);
  });

  test("leads to one piece of feedback that is on no page in sight, and leaves out what is none", async (t) => {
    const topic = newTopic("link");
    const [id] = await submit({ message: "Linked", topic });
    await submit(...Array.from({ length: 30 }, () => ({ message: "Newer", topic })));
    const { detail, page } = await open(t, `#nonsense?topic=${topic}&rating=7&from=soon&id=${id}`);
    await detail.getByText("Linked").waitFor();
    assert.match(await page.locator(".list-head h2").innerText(), /^Open$/);
    const gone = await open(t, `#open?id=${"0".repeat(8)}-0000-4000-8000-${"0".repeat(12)}`);
    await gone.page.getByText("no longer exists").waitFor();
  });

  test("pages through a thousand pieces, forth and back, each once", async (t) => {
    const topic = newTopic("thousand");
    const ids = (await submit(...Array.from({ length: 1_000 }, (_, n) => ({ message: `Number ${n}`, topic })))).toReversed();
    // By the topic alone, for which there is an index, however much else is in the table: the open list would search.
    const { page } = await open(t, viewOf(topic, "all"));
    const shown = () => page.locator(".row").evaluateAll((rows) => rows.map(({ dataset }) => dataset.id));
    const turn = async (name) => {
      const [before] = await shown();
      await page.getByRole("link", { name }).click();
      await eventually(async () => (await shown())[0] !== before && (await page.locator("[aria-busy]").count()) === 0);
    };
    const seen = await shown();
    while (await page.getByRole("link", { name: "Next" }).count()) {
      await turn("Next");
      seen.push(...(await shown()));
    }
    assert.deepEqual(seen, ids);
    for (let n = 2; n <= 5; n++) {
      await turn("Previous");
      assert.deepEqual(await shown(), ids.slice(-25 * n, -25 * (n - 1)));
    }
    await page.reload();
    await eventually(async () => (await shown()).length === 25);
    assert.deepEqual(await shown(), ids.slice(-125, -100));
  });
});

describe("a download", () => {
  test("is what the filter shows, whole, without formulas", async (t) => {
    const topic = newTopic("csv");
    const cells = ["=1+1", "+1", "-1", "@SUM(A1)", "Two\nlines, and \"quotes\"", "مرحبا"];
    await submit(...cells.map((message) => ({ message, topic, rating: 3, metadata: [{ key: "plan", value: "plus" }] })));
    await submit(...Array.from({ length: 120 }, (_, n) => ({ message: `Number ${n}`, topic })));
    const { page } = await open(t, viewOf(topic));
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Download CSV" }).click(),
    ]);
    assert.match(download.suggestedFilename(), /^feedback-open-\d{4}-\d\d-\d\d\.csv$/);
    const text = await readFile(await download.path(), "utf8");
    assert.ok(text.startsWith("\uFEFFid,submittedAt,message,rating,"));
    const [, ...lines] = text.trimEnd().split("\r\n");
    assert.equal(lines.length, 126);
    for (const part of [",'=1+1,", ",'+1,", ",'-1,", ",'@SUM(A1),", ',"Two\nlines, and ""quotes""",3,', ",مرحبا,3,", ",plan: plus,OPEN,"]) {
      assert.ok(text.includes(part), part);
    }
    assert.deepEqual(page.problems, []);
  });
});

describe("signing in", () => {
  test("asks for a token where the service wants one, and keeps it in memory alone", async (t) => {
    const topic = newTopic("token");
    await submit({ message: "For staff", topic });
    const page = await newPage(t, browser);
    await page.route(endpoint, (route) => {
      const { authorization, ...headers } = route.request().headers();
      if (authorization === "Bearer right-one" || route.request().method() === "OPTIONS") return route.continue({ headers });
      const errors = [{ message: "sign in", extensions: { code: "UNAUTHENTICATED" } }];
      const cors = { "Access-Control-Allow-Origin": "*" };
      return route.fulfill({ status: 401, contentType: "application/json", headers: cors, body: JSON.stringify({ errors }) });
    });
    await page.goto(inboxUrl + viewOf(topic));
    const token = page.getByLabel("Bearer token");
    await token.waitFor();
    await assertAccessible(page);
    await page.screenshot({ path: join(screenshots, "inbox-sign-in.png") });
    await token.fill("wrong-one");
    await token.press("Enter");
    await page.getByText("This token is not valid.").waitFor();
    await token.fill("Bearer right-one");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.locator(".row").filter({ hasText: "For staff" }).waitFor();
    const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href]));
    assert.doesNotMatch(kept, /right-one/);
    await page.reload();
    await token.waitFor();
    assert.deepEqual(page.problems, []);
  });
});

describe("the inbox's states", () => {
  test("tell that there is nothing, that it does not work, and how to go on", async (t) => {
    const topic = newTopic("states");
    const empty = await open(t, viewOf(topic));
    await empty.page.getByText("Nothing matches").waitFor();
    await assertAccessible(empty.page);

    const broken = await newPage(t, browser);
    let isBroken = true;
    await broken.route(endpoint, (route) => (isBroken ? route.abort() : route.continue()));
    await broken.goto(inboxUrl + viewOf(topic));
    await broken.getByText("This did not work").waitFor();
    await assertAccessible(broken);
    await broken.screenshot({ path: join(screenshots, "inbox-broken.png") });
    isBroken = false;
    await broken.getByRole("button", { name: "Try again" }).click();
    await broken.getByText("Nothing matches").waitFor();
  });

  test("wait for a busy service, as Retry-After says", async (t) => {
    const topic = newTopic("busy");
    await submit({ message: "In the end", topic });
    const page = await newPage(t, browser);
    let refused = 0;
    await page.route(endpoint, (route) => {
      if (route.request().method() === "OPTIONS" || refused++ > 1) return route.continue();
      const headers = { "Retry-After": "1", "Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Retry-After" };
      return route.fulfill({ status: 503, headers, contentType: "application/json", body: '{"errors":[{"message":"busy"}]}' });
    });
    await page.goto(inboxUrl + viewOf(topic));
    await page.locator(".row").filter({ hasText: "In the end" }).waitFor();
    assert.ok(refused > 2);
  });
});

describe("the inbox's layout", () => {
  for (const [name, options] of Object.entries({
    "light": {},
    "dark": { colorScheme: "dark" },
    "narrow": { viewport: { width: 320, height: 640 } },
    "narrow-dark": { viewport: { width: 320, height: 640 }, colorScheme: "dark" },
  })) {
    test(`fits and gives axe nothing to find, with text of 200 % too: ${name}`, async (t) => {
      const topic = newTopic("layout");
      const [id] = await submit(
        { message: "The address form forgets everything when I go one step back.", topic, rating: 2, email: "amara@example.org" });
      await submit(...[1, 2, 3, 4, 5].map((rating) => ({ message: `Rated ${rating}, and a message that takes more than a line.`, topic, rating })));
      await triage({ id, status: "IN_PROGRESS", addTags: ["bug", "a-tag-of-some-length"], note: "Asked for an order number." });
      const { page, row, detail } = await open(t, viewOf(topic, "all"), options);
      await row("Rated 5").waitFor();
      const check = async (what) => {
        await assertFits(page);
        await assertAccessible(page);
        await page.screenshot({ path: join(screenshots, `inbox-${name}-${what}.png`) });
      };
      await page.getByText("Filter", { exact: true }).click();
      await check("list");
      await row("The address form").click();
      await detail.waitFor();
      await check("detail");
      await page.evaluate(() => (document.documentElement.style.fontSize = "200%"));
      await check("detail-200");
    });
  }
});

describe("the start page", { skip: staffUrl && "it is the laptop's" }, () => {
  test("has the form beside the inbox, and what is sent on the left arrives on the right", async (t) => {
    const page = await newPage(t, browser, { viewport: { width: 1400, height: 860 } });
    await page.goto(`${setting("FEEDBACK_URL")}/`);
    const inbox = page.frameLocator("iframe");
    await inbox.locator(".list-body:not([aria-busy])").waitFor();
    const message = `From the left, ${newTopic("start")}`;
    const form = page.locator("feedback-form");
    await form.getByLabel("Your feedback").fill(message);
    await form.getByTitle("Satisfied", { exact: true }).click();
    await form.getByRole("button", { name: "Send", exact: true }).click();
    await inbox.locator(".row").filter({ hasText: message }).click();
    await page.screenshot({ path: join(screenshots, "start.png") });
    await inbox.getByRole("button", { name: "Resolve", exact: true }).click();
    await inbox.locator(".toast").getByText("Resolved.").waitFor();
    assert.equal(await inbox.locator(".row").filter({ hasText: message }).count(), 0);
    await assertAccessible(page);
    assert.deepEqual(page.problems, []);
  });

  test("fits, and leads to the explorer, the schema and the documentation", async (t) => {
    for (const options of [{ colorScheme: "dark" }, { viewport: { width: 320, height: 700 } }]) {
      const page = await newPage(t, browser, options);
      await page.goto(`${setting("FEEDBACK_URL")}/`);
      await page.frameLocator("iframe").locator(".list-body:not([aria-busy])").waitFor();
      await assertFits(page);
      await page.screenshot({ path: join(screenshots, `start-${options.colorScheme ?? "narrow"}.png`), fullPage: true });
      const links = await page.locator("header a").evaluateAll((all) => all.map(({ href }) => href));
      assert.ok(links.length > 5);
      for (const link of links) {
        const response = await fetch(link, { headers: { Accept: "text/html" } });
        assert.equal(response.status, 200, link);
        assert.match(response.headers.get("Content-Type"), link.endsWith("/graphql") ? /html/ : /plain/);
      }
    }
  });
});
