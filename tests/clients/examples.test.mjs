// The few lines of each client that people copy.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { describe, test } from "node:test";
import { ask, here, newTopic, python, run, seed } from "./support.mjs";

const programs = {
  "apollo.mjs": [process.execPath, "examples/apollo.mjs"],
  "codegen.ts": [process.execPath, "compiled/examples/codegen.js"],
  "curl.sh": ["sh", "examples/curl.sh"],
  "gql-tada.ts": [process.execPath, "compiled/examples/gql-tada.js"],
  "python.py": [python, "examples/python.py"],
  "throwing.ts": [process.execPath, "compiled/examples/throwing.js"],
  "urql.mjs": [process.execPath, "examples/urql.mjs"],
};

describe("the example for", () => {
  for (const [name, [command, ...args]] of Object.entries(programs)) {
    test(name, async () => {
      await seed(newTopic("example"), 1);
      const { code, output, errors } = await run(command, args);
      assert.equal(code, 0, errors);
      // What it prints is on the very server that it was pointed to.
      const ids = output.match(/[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/g) ?? [];
      const { nodes } = await ask("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", { ids });
      assert.ok(ids.length > 0, output);
      assert.deepEqual(nodes.map((node) => node?.id), ids);
    });
  }

  test("relay.mjs is the network of the tests for Relay", () => {
    assert.deepEqual(readdirSync(`${here}/examples`).sort(), [...Object.keys(programs), "relay.mjs"].sort());
  });
});
