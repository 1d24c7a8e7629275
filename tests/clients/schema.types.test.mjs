// Types made from the schema refuse mistakes.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import ts from "typescript";
import { here } from "./support.mjs";

const { config } = ts.readConfigFile(`${here}/tsconfig.json`, ts.sys.readFile);
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, here);

/** What the compiler has against a program, each file as `edit` makes it. */
function problems(file, edit) {
  const host = ts.createCompilerHost(options);
  const readFile = host.readFile.bind(host);
  host.readFile = (name) => (name.endsWith(`/${file}`) ? edit(readFile(name)) : readFile(name));
  const program = ts.createProgram([`${here}/typed/${file}`], options, host);
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
}

describe("a program with mistakes", () => {
  for (const file of ["codegen.mistakes.ts", "tada.mistakes.ts"]) {
    test(`does not compile: ${file}`, () => {
      let expected;
      const found = problems(file, (text) => {
        expected = text.match(/@ts-expect-error/g);
        return text.replaceAll("@ts-expect-error", "");
      });
      assert.equal(found.length, expected.length, found.join("\n"));
      assert.match(found[0], /Property 'text' does not exist/);
      assert.deepEqual(problems(file, (text) => text), []);
    });
  }
});
