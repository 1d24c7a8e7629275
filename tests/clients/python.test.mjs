// Python's gql, and the program that exports with it, in the virtual environment that prepare.mjs made.

import assert from "node:assert/strict";
import { test } from "node:test";
import { python, run } from "./support.mjs";

const programs = { "Python's gql": ["python/test_gql.py", 6], "the export": ["python/test_export.py", 13] };

for (const [name, [file, count]] of Object.entries(programs)) {
  test(name, async () => {
    const { code, errors } = await run(python, ["-m", "unittest", "--verbose", file]);
    assert.equal(code, 0, errors);
    assert.match(errors, new RegExp(`Ran ${count} tests`));
  });
}
