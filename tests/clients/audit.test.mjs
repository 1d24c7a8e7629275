// GraphQL over HTTP, by the ecosystem's own audits.

import assert from "node:assert/strict";
import { test } from "node:test";
import { auditServer } from "graphql-http";
import { endpoint } from "./support.mjs";

test("every audit of GraphQL over HTTP passes, none with a notice or a warning", async () => {
  const results = await auditServer({ url: endpoint });
  const failures = results.filter(({ status }) => status !== "ok");
  console.log(`${results.length - failures.length} of ${results.length} audits passed`);
  assert.deepEqual(failures.map(({ id, status, name, reason }) => `${status} ${id} ${name}: ${reason}`), []);
  // A release with fewer audits, or one that stops early, must not pass for this one.
  assert.equal(results.length, 61);
});
