// Runs every test of this folder against the laptop's server and against the Lambda binary:
//
//   npm ci
//   node run.mjs --local ../../target/release/local --lambda ../../target/release/lambda
//
// Both work on the same table, in the memory of the laptop's server, with everything on that can be switched on. What
// compares them with graphql-js has it off, empties tables and has servers of its own. The tests in a browser need Chromium:
// /usr/bin/chromium, or what CHROMIUM names; without one they are left out, except where CI is set.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { here } from "./support.mjs";

const { values: binaries } = parseArgs({ options: { local: { type: "string" }, lambda: { type: "string" } } });
if (!binaries.local || !binaries.lambda) {
  console.error("usage: node run.mjs --local PATH --lambda PATH");
  process.exit(2);
}

const chromium = process.env.CHROMIUM ?? "/usr/bin/chromium";
const tests = readdirSync(here).filter((name) => name.endsWith(".test.mjs"));
const ofTheSchema = tests.filter((name) => name.startsWith("schema."));
const ofTheService = tests.filter((name) => !name.startsWith("schema."));

// The timeout is for a whole file. Those with many pages in a browser take longer than others.
const FLAGS = ["--test-reporter=spec", "--test-timeout=300000"];

const LONG = ["--test-timeout=600000"];

const IN_MEMORY = "--in-memory";

// The files that the clients' tools make of their tests' documents.
const TRUSTED = {
  apollo: "trusted/__generated__/apollo.json",
  relay: "relay/__generated__/persisted.json",
  urql: "trusted/__generated__/urql/persisted-documents.json",
};

const scratch = mkdtempSync(join(tmpdir(), "feedback-clients-"));
const children = new Set();
const servers = [];
const summary = [];
let failed = false;

process.on("exit", () => {
  children.forEach((child) => child.kill());
  rmSync(scratch, { recursive: true });
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => process.exit(1));

try {
  await main();
} catch (error) {
  report(false, error.message);
}
for (const { name, child, output } of servers.toReversed()) {
  child.kill();
  if (children.has(child)) await once(child, "close");
  if (failed) console.log(`\nWhat the ${name} printed:\n${output.text}`);
}
console.log(`\n${summary.join("\n")}`);
process.exitCode = failed ? 1 : 0;

async function main() {
  const { code } = await run(process.execPath, ["prepare.mjs"]);
  if (code !== 0) throw new Error("prepare.mjs failed");

  await runTests("schema", ofTheSchema);

  const allowedOrigin = `http://127.0.0.1:${await freePort()}`;
  // All that is off unless it is switched on.
  const switchedOn = {
    FEEDBACK_ALLOWED_ORIGINS: allowedOrigin,
    FEEDBACK_ARBITRARY_DOCUMENTS: "credentialed",
    FEEDBACK_CLIENT_LIMIT: "1000000",
    FEEDBACK_DOCUMENTS: resolve(here, "../../examples/trusted-documents/feedback-form.json"),
    FEEDBACK_FEDERATION: "true",
    FEEDBACK_METRICS: "true",
  };
  const local = startLocal("local server", [IN_MEMORY, "--sample=60", `--explorer-assets=${here}`], switchedOn);
  const localUrl = await urlOf(local);
  await runTests("local server", ofTheService, { FEEDBACK_URL: localUrl });
  const browser = { CHROMIUM: chromium, FEEDBACK_ALLOWED_ORIGIN: allowedOrigin };
  const engineUrl = await printed(local, /DynamoDB +(http:\S+)/);
  await runById("local server", localUrl, (rule) =>
    urlOf(startLocal("local server of trusted documents", [`--endpoint-url=${engineUrl}`], { ...switchedOn, ...rule })),
  );
  const ofLocal = { ...browser, FEEDBACK_URL: localUrl, FEEDBACK_ENGINE_URL: engineUrl };
  await runInBrowser("local server, in a browser", ["browser.mjs"], ofLocal);
  await runInBrowser("local server, its form", ["feedback-form.mjs"], ofLocal);
  await runInBrowser("local server, its inbox", ["inbox.mjs"], ofLocal, LONG);

  const log = join(scratch, "lambda.log");
  const lambdaUrl = await startLambda("Lambda binary", local, switchedOn, [`--log=${log}`]);
  // In the cloud only staff, and servers with keys, read.
  const staffUrl = `${lambdaUrl}/staff`;
  await runTests("Lambda binary", ofTheService, { FEEDBACK_URL: staffUrl });
  await runById("Lambda binary", localUrl, async (rule) =>
    `${await startLambda("Lambda binary of trusted documents", local, { ...switchedOn, ...rule })}/staff`,
  );
  // The explorer is the same page, and the Lambda binary has no folder to serve its files from.
  const lambda = { ...browser, FEEDBACK_URL: lambdaUrl, FEEDBACK_STAFF_URL: staffUrl };
  await runInBrowser("Lambda binary, in a browser", ["browser.mjs"], lambda, ["--test-name-pattern=another origin"]);
  await runInBrowser("Lambda binary, its form", ["feedback-form.mjs"], lambda);
  await runInBrowser("Lambda binary, its inbox", ["inbox.mjs"], lambda, LONG);
  await runTests("Lambda binary, its log", ["metrics.mjs"], { FEEDBACK_LAMBDA_LOG: log });

  const compared = startLocal("compared server", [IN_MEMORY]);
  const mirror = startLocal("mirror", [IN_MEMORY]);
  const [comparedUrl, mirrorUrl] = [await urlOf(compared), await urlOf(mirror)];
  await runDifference("local server", { FEEDBACK_URL: comparedUrl, FEEDBACK_MIRROR_URL: mirrorUrl });
  // Both are asked by the same staff: triage tells who changed it.
  const comparedStaffUrl = `${await startLambda("compared Lambda binary", compared)}/staff`;
  const mirrorStaffUrl = `${await startLambda("mirror's Lambda binary", mirror)}/staff`;
  await runDifference("Lambda binary", { FEEDBACK_URL: comparedStaffUrl, FEEDBACK_MIRROR_URL: mirrorStaffUrl });
}

/** Starts a server that executes nothing but the documents in a client's file, and runs that client's tests on it. */
async function runById(name, textUrl, start) {
  for (const [client, file] of Object.entries(TRUSTED)) {
    const rule = { FEEDBACK_DOCUMENTS: resolve(here, file), FEEDBACK_ARBITRARY_DOCUMENTS: "nobody" };
    const env = { FEEDBACK_BY_ID: "true", FEEDBACK_TEXT_URL: textUrl, FEEDBACK_URL: await start(rule) };
    await runTests(`${name}, ${client} by id alone`, [`${client}.test.mjs`], env);
  }
}

function startLocal(name, flags = [], env = {}) {
  const always = ["--port=0", "--log=warn"];
  return start(name, resolve(binaries.local), [...always, ...flags], { ...process.env, ...env });
}

/** The address of a local server. */
function urlOf(local) {
  return printed(local, /GraphQL +(http:\S+)\/graphql/);
}

/** Starts the Lambda binary on the table of a local server; its address. */
async function startLambda(name, local, env = {}, flags = []) {
  const always = ["lambda-front.mjs", `--binary=${resolve(binaries.lambda)}`, "--staff-scope=feedback:manage"];
  const front = start(name, process.execPath, [...always, ...flags], {
    // No other variables: nobody's profile or credentials get in.
    AWS_ACCESS_KEY_ID: "any",
    AWS_ENDPOINT_URL_DYNAMODB: await printed(local, /DynamoDB +(http:\S+)/),
    AWS_REGION: "local",
    AWS_SECRET_ACCESS_KEY: "any",
    // Those of the laptop's table.
    FEEDBACK_INDEXES: "status,topic,rating,person",
    // Some clients fetch the schema first.
    FEEDBACK_INTROSPECTION: "true",
    FEEDBACK_TABLE: "Feedback",
    ...env,
  });
  return printed(front, /listening on (http:\S+)/);
}

async function runTests(name, files, env, flags = []) {
  console.log(`\n${name}`);
  const { code, text } = await run(process.execPath, ["--test", ...FLAGS, ...flags, ...files], env);
  const audits = /^(\d+ of \d+) audits passed$/m.exec(text);
  const [, passed] = /^ℹ pass (\d+)$/m.exec(text) ?? [];
  const counts = [audits && `${audits[1]} audits`, `${passed ?? "no"} tests`].filter(Boolean).join(", ");
  report(code === 0 && passed > 0, `${name}: ${counts} passed`);
}

async function runInBrowser(name, files, env, flags) {
  if (existsSync(chromium)) await runTests(name, files, env, flags);
  else report(!process.env.CI, `${name}: not run, there is no ${chromium}`);
}

async function runDifference(server, env) {
  // It takes as long as there are documents.
  await runTests(`${server}, next to graphql-js`, ["difference/difference.mjs"], env, ["--test-timeout=3600000"]);
}

function report(good, line) {
  failed ||= !good;
  summary.push(`${good ? "✔" : "✖"} ${line}`);
}

/** Runs a program to its end, and shows what it prints. */
async function run(command, args, env) {
  const stdio = ["ignore", "pipe", "inherit"];
  const child = spawn(command, args, { cwd: here, env: { ...process.env, ...env }, stdio });
  const output = follow(child);
  child.stdout.pipe(process.stdout, { end: false });
  const [code] = await once(child, "close");
  return { code, text: output.text };
}

/** Starts a program that goes on. */
function start(name, command, args, env) {
  const child = spawn(command, args, { cwd: here, env, stdio: ["ignore", "pipe", "pipe"] });
  const server = { name, child, output: follow(child) };
  servers.push(server);
  return server;
}

function follow(child) {
  const output = { text: "", ended: false };
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (data) => (output.text += data));
  }
  children.add(child);
  child.on("error", (error) => (output.text += error.message));
  child.on("close", () => {
    output.ended = true;
    children.delete(child);
  });
  return output;
}

/** What a server prints when it is ready. */
async function printed({ name, output }, pattern) {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const [, found] = pattern.exec(output.text) ?? [];
    if (found) return found;
    if (output.ended || Date.now() > deadline) throw new Error(`the ${name} is not ready: no ${pattern} printed`);
    await sleep(20);
  }
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}
