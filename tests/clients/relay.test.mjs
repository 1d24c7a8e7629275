// Relay: the compiler's artifacts, run by the runtime.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { List, card, refetchedCard } from "./relay/compiled/feedback.js";
import { byId, ids, newTopic, seed } from "./support.mjs";

const { environment } = await import(byId ? "./trusted/relay.mjs" : "./examples/relay.mjs");

describe("Relay", () => {
  test("merges the pages of a connection, and puts new feedback at its head", async () => {
    const topic = newTopic("relay");
    const expected = await seed(topic, 8);
    const list = await List.open(environment, { topic }, 3);
    const shown = async () => (await list.shown()).edges.map(({ node }) => node.id);

    assert.deepEqual(await shown(), expected.slice(0, 3));
    await list.loadNext();
    assert.deepEqual(await shown(), expected.slice(0, 6));
    await list.loadNext();
    assert.deepEqual(await shown(), expected);
    assert.equal((await list.shown()).pageInfo.hasNextPage, false);

    const { feedback, userErrors } = await list.submit({ message: "Sent by Relay.", rating: 5, topic });
    assert.deepEqual(userErrors, []);
    assert.deepEqual(await shown(), [feedback.id, ...expected]);
    assert.deepEqual(await ids(topic), [feedback.id, ...expected]);
  });

  test("fetches a fragment again by its id alone", async () => {
    const topic = newTopic("relay");
    const [id] = await seed(topic, 1);
    const list = await List.open(environment, { topic }, 1);
    const [{ node }] = (await list.shown()).edges;
    const fields = await card(environment, node);
    assert.equal(fields.message, `Number 1 on ${topic}`);
    assert.deepEqual(await refetchedCard(environment, id), fields);
  });

  test("gets what the person can correct as data, and leaves the list alone", async () => {
    const topic = newTopic("relay");
    const list = await List.open(environment, { topic }, 3);
    const { feedback, userErrors } = await list.submit({ message: " ", topic });
    assert.equal(feedback, null);
    assert.deepEqual(userErrors.map(({ field, code }) => [field, code]), [[["message"], "BLANK"]]);
    assert.deepEqual((await list.shown()).edges, []);
  });

  test("throws where the service has an error, instead of showing an empty list", async () => {
    const list = await List.open(environment, { topic: "" }, 3);
    await assert.rejects(list.shown(), /Unexpected response payload/);
  });
});
