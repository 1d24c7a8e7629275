// The comparison with the schema of the commit before.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { compare } from "./breaking.mjs";
import { run } from "./support.mjs";

const schema = (fields) => `type Query { id: ID! ${fields} }`;

describe("a change of the schema", () => {
  for (const [what, before, after, breaks] of [
    ["that removes a field", "text: String", "", true],
    ["that removes a deprecated field", 'text: String @deprecated(reason: "Use id.")', "", false],
    ["that adds a nullable field", "", "text: String", false],
    ["that makes a field nullable", "text: String!", "text: String", true],
    ["that makes a field non-null", "text: String", "text: String!", false],
    ["that adds an optional argument", "text: String", "text(length: Int): String", false],
    ["that adds a required argument", "text: String", "text(length: Int!): String", true],
  ]) {
    test(`${what} ${breaks ? "breaks" : "does not break"} clients`, async () => {
      const { breaking } = await compare(schema(before), schema(after));
      assert.equal(breaking.length, breaks ? 1 : 0, breaking.join("\n"));
    });
  }
});

describe("breaking.mjs", () => {
  test("fails on a breaking change, and only then", async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "feedback-schema-"));
    t.after(() => rm(folder, { recursive: true }));
    const file = join(folder, "schema.graphql");
    const git = (...args) => execFileSync("git", ["-C", folder, ...args], { stdio: "ignore" });
    const commit = async (fields) => {
      await writeFile(file, schema(fields));
      git("add", "--all");
      git("-c", "user.name=Test", "-c", "user.email=test@example.com", "commit", "-m", "Change the schema");
    };
    const check = (FEEDBACK_SCHEMA_BASE = "") =>
      run(process.execPath, ["breaking.mjs", file], { env: { FEEDBACK_SCHEMA_BASE } });

    git("init");
    await commit("text: String");
    assert.deepEqual(await check(), {
      code: 0,
      output: "There is no schema.graphql at HEAD~1 to compare with.\n",
      errors: "",
    });
    await commit("text: String rating: Int");
    assert.equal((await check()).code, 0);
    await commit("rating: Int");
    const broken = await check();
    assert.equal(broken.code, 1);
    assert.match(broken.output, /breaking: Field 'text' was removed from object type 'Query'/);
    assert.equal((await check("HEAD~2")).code, 1);
    assert.equal((await check("HEAD")).code, 0);
    assert.equal((await check("no-such-commit")).code, 2);
  });

  test("finds nothing that the last commit broke", async () => {
    const { code, output } = await run(process.execPath, ["breaking.mjs"]);
    assert.equal(code, 0, output);
  });
});
