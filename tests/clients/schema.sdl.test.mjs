// The SDL as a product: valid, described, and as Relay wants it.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ESLint } from "eslint";
import { buildSchema, validateSchema } from "graphql";
import { here, root, sdl } from "./support.mjs";

// ESLint leaves alone what is not below the folder that it works in.
const eslint = new ESLint({ cwd: root, overrideConfigFile: `${here}/eslint.config.mjs` });
const problems = ([{ messages }]) => messages.map(({ line, ruleId, message }) => `${line}: ${ruleId}: ${message}`);

describe("schema.graphql", () => {
  test("is a valid schema", () => {
    assert.deepEqual(validateSchema(buildSchema(sdl)), []);
  });

  test("keeps the rules of graphql-eslint", async () => {
    assert.deepEqual(problems(await eslint.lintFiles("schema.graphql")), []);
  });

  test("would break them with another name for a type", async () => {
    const [name, edge] = ['type FeedbackEdge {', 'type Feedback_edge {'];
    assert.ok(sdl.includes(name));
    assert.notDeepEqual(problems(await eslint.lintText(sdl.replace(name, edge), { filePath: "schema.graphql" })), []);
  });
});
