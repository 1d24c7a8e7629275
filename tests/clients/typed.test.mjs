// Programs typed from the schema: by graphql-codegen's client preset, and by gql.tada.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as codegen from "./compiled/typed/codegen.js";
import * as tada from "./compiled/typed/tada.js";
import { newTopic } from "./support.mjs";

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
