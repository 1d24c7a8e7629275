// The SDL as a product: valid, described, and as Relay wants it.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { ESLint } from "eslint";
import { buildSchema, validateSchema } from "graphql";
import { bin, here, root, run, sdl } from "./support.mjs";

// ESLint leaves alone what is not below the folder that it works in.
const eslint = new ESLint({ cwd: root, overrideConfigFile: `${here}/eslint.config.mjs` });
const problems = ([{ messages }]) => messages.map(({ line, ruleId, message }) => `${line}: ${ruleId}: ${message}`);

describe("schema.graphql", () => {
  test("is a valid schema", () => {
    assert.deepEqual(validateSchema(buildSchema(sdl)), []);
  });

  test("becomes one in which what is null only together with an error is non-null", async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "feedback-schema-"));
    t.after(() => rm(folder, { recursive: true }));
    const output = join(folder, "strict.graphql");
    const { code, errors } = await run(bin("semantic-to-strict"), ["-i", `${root}/schema.graphql`, "-o", output]);
    assert.equal(code, 0, errors);
    const strict = buildSchema(await readFile(output, "utf8"));
    assert.deepEqual(validateSchema(strict), []);
    const typeOf = (type, field) => String(strict.getType(type).getFields()[field].type);
    assert.equal(typeOf("Query", "feedbacks"), "FeedbackConnection!");
    assert.equal(typeOf("Query", "feedback"), "Feedback");
    assert.equal(typeOf("Mutation", "submitFeedback"), "SubmitFeedbackPayload!");
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
