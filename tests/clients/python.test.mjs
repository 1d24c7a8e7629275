// Python's gql, in the virtual environment that prepare.mjs made.

import assert from "node:assert/strict";
import { test } from "node:test";
import { python, run } from "./support.mjs";

test("Python's gql", async () => {
  const { code, errors } = await run(python, ["-m", "unittest", "--verbose", "python/test_gql.py"]);
  assert.equal(code, 0, errors);
  assert.match(errors, /Ran 6 tests/);
});
