// The log of a Lambda function that ran with FEEDBACK_METRICS=true while clients used it, in the file FEEDBACK_LAMBDA_LOG:
// CloudWatch takes metrics from every line of a request.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import Ajv from "ajv";
import { here } from "./support.mjs";

const lines = readFileSync(process.env.FEEDBACK_LAMBDA_LOG, "utf8").trimEnd().split("\n");
const requests = lines.map((line) => JSON.parse(line)).filter(({ message }) => message === "request");
const metrics = ({ _aws }) => _aws.CloudWatchMetrics.flatMap(({ Metrics }) => Metrics.map(({ Name }) => Name));

test("every line of a request is valid by the published schema of the embedded metric format", () => {
  const validate = new Ajv().compile(JSON.parse(readFileSync(`${here}/embedded-metric-format.json`, "utf8")));
  assert.ok(requests.length > 50, `${requests.length} lines of requests`);
  for (const line of requests) {
    assert.ok(validate(line), `${JSON.stringify(validate.errors)} in ${JSON.stringify(line)}`);
  }
});

test("every metric is a number on the line, and every dimension a text", () => {
  for (const line of requests) {
    const [{ Dimensions }] = line._aws.CloudWatchMetrics;
    for (const name of metrics(line)) assert.equal(typeof line[name], "number", name);
    for (const name of Dimensions.flat()) assert.match(line[name], /^.{1,1024}$/, name);
  }
});

test("clients have made requests of each type, with submissions among them", () => {
  const types = new Set(requests.map(({ operation_type }) => operation_type));
  assert.deepEqual([...types].sort(), ["mutation", "none", "query"]);
  const names = new Set(requests.flatMap(metrics));
  for (const name of ["duration_ms", "dynamodb_requests", "submissions_stored"]) assert.ok(names.has(name), name);
});
