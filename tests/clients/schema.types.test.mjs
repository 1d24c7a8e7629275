// Types made from the schema refuse mistakes.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import ts from "typescript";
import { here } from "./support.mjs";

/** What the compiler has against a program, under the options of `folder`, each file as `edit` makes it. */
function problems(folder, file, edit) {
  const { config } = ts.readConfigFile(`${folder}/tsconfig.json`, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, folder);
  const host = ts.createCompilerHost(options);
  const readFile = host.readFile.bind(host);
  host.readFile = (name) => (name.endsWith(`/${file}`) ? edit(readFile(name)) : readFile(name));
  const program = ts.createProgram([`${here}/${file}`], options, host);
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
}

describe("a program with mistakes", () => {
  for (const [folder, file] of [
    [here, "typed/codegen.mistakes.ts"],
    [here, "typed/tada.mistakes.ts"],
    [here, "typed/throwing.mistakes.ts"],
    [`${here}/relay`, "relay/nullability.mistakes.ts"],
  ]) {
    test(`does not compile: ${file}`, () => {
      let expected;
      const found = problems(folder, file, (text) => {
        expected = text.match(/@ts-expect-error/g);
        return text.replaceAll("@ts-expect-error", "");
      });
      assert.equal(found.length, expected.length, found.join("\n"));
      assert.match(found[0], /Property 'text' does not exist/);
      assert.deepEqual(problems(folder, file, (text) => text), []);
    });
  }
});
