// Programs typed from the schema: by graphql-codegen's client preset, for any client and for one that throws where there
// is an error, and by gql.tada.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as codegen from "./compiled/typed/codegen.js";
import * as tada from "./compiled/typed/tada.js";
import { beside } from "./compiled/typed/throwing.js";
import { newTopic, seed } from "./support.mjs";

for (const [name, program] of Object.entries({ "graphql-codegen": codegen, "gql.tada": tada })) {
  describe(`a program typed by ${name}`, () => {
    test("submits feedback and pages through it", async () => {
      const topic = newTopic("typed");
      const today = new Date().toISOString().slice(0, 10);
      const lines = [];
      for (let rating = 1; rating <= 5; rating++) {
        const metadata = [{ key: "version", value: "1.2" }];
        lines.push(await program.submit({ message: `Rated ${rating}`, rating, topic, metadata }));
      }
      assert.equal(lines[0], `${today} 1 Rated 1 version=1.2`);
      assert.deepEqual(await program.list(topic), lines);
    });

    test("tells what the person can correct", async () => {
      assert.equal(await program.submit({ message: " " }), "nothing in message");
    });
  });
}

describe("a program typed for a client that throws", () => {
  test("reads fields that are null only together with an error without looking for null", async () => {
    const [id] = await seed(newTopic("typed"), 1);
    const [message, count] = await beside(id, null, 1);
    assert.match(message, /^Number 1 on/);
    assert.equal(count(), 1);
  });

  test("is thrown the error of such a field or of one below it, from the cache too, and has what is beside it", async () => {
    const [id] = await seed(newTopic("typed"), 1);
    for (const [after, upTo, argument] of [["not a cursor", 1, "after"], [null, 0, "upTo"]]) {
      for (const attempt of ["from the service", "from the cache"]) {
        const [message, count] = await beside(id, after, upTo);
        assert.match(message, /^Number 1 on/, attempt);
        assert.throws(count, ({ message }) => message.startsWith(`\`${argument}\``), attempt);
      }
    }
  });
});
