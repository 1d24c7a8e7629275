// Makes what the tests need from schema.graphql: Relay's artifacts, the files of trusted documents, graphql-codegen's and gql.tada's types, the
// programs compiled against them, and the virtual environment for Python.

import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { bin, here, python, run } from "./support.mjs";

async function step(command, args, folder = here) {
  const { code, output, errors } = await run(command, args, { cwd: folder });
  if (code !== 0) throw new Error(`${[command, ...args].join(" ")} failed:\n${output}${errors}`);
}

async function relay() {
  // The compiler adds to the file of documents, and only what is not in the artifacts yet.
  const folder = `${here}/relay/__generated__`;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
  await writeFile(`${folder}/persisted.json`, "{}");
  await step(bin("relay-compiler"), [], `${here}/relay`);
  await step(bin("tsc"), ["--project", "relay"]);
}

async function typed() {
  await step(bin("graphql-codegen"), ["--config", "typed/codegen.config.ts", "--errors-only"]);
  await step(bin("gql-tada"), ["generate", "output"]);
  await step(bin("gql-tada"), ["check"]);
  await step(bin("tsc"), []);
}

async function trusted() {
  await step(bin("graphql-codegen"), ["--config", "trusted/urql.config.ts", "--errors-only"]);
  await step(bin("generate-persisted-query-manifest"), ["--config", "trusted/apollo.config.json"]);
}

async function virtualEnvironment() {
  const [wanted, installed] = [`${here}/python/requirements.txt`, `${here}/.venv/requirements.txt`];
  const contents = (file) => readFile(file, "utf8").catch(() => undefined);
  if ((await contents(installed)) === (await contents(wanted))) return;
  await step("python3", ["-m", "venv", "--clear", ".venv"]);
  await step(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", wanted]);
  await copyFile(wanted, installed);
}

await Promise.all([relay(), typed(), trusted(), virtualEnvironment()]);
