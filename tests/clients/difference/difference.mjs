// The GraphQL specification by difference: random documents and variables, answered by the service and by graphql-js
// over the same data. Both must refuse the same ones, and give the same data and errors for the others. Null is
// together with an error where the schema says so. After mutations both must have stored the same.
//
// FEEDBACK_URL is the service, FEEDBACK_MIRROR_URL a second one, on which graphql-js executes mutations. BOTH ARE
// EMPTIED. DIFFERENCE_DOCUMENTS says how many documents, DIFFERENCE_SEED which: a run that found something prints
// the seed that repeats it. What was found once is kept in cases.json: a line that is printed goes in as it is.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parse, validate } from "graphql";
import { sdl } from "../support.mjs";
import { cause } from "./compare.mjs";
import { Differential } from "./differential.mjs";
import { rules } from "./exceptions.mjs";
import { randomRequest } from "./generator.mjs";
import { Nullability } from "./nullability.mjs";
import { referenceSchema } from "./reference.mjs";
import { Service } from "./service.mjs";
import { shrink } from "./shrink.mjs";

const count = Number(process.env.DIFFERENCE_DOCUMENTS ?? 3_000);
const seed = process.env.DIFFERENCE_SEED ?? String(Date.now());
const IN_FLIGHT = 8;
/** So many differences are enough to look at, of each cause and in all. */
const [MOST_OF_A_CAUSE, MOST] = [2, 20];

const cases = JSON.parse(readFileSync(`${import.meta.dirname}/cases.json`, "utf8"));
const service = serviceAt("FEEDBACK_URL");
const mirror = serviceAt("FEEDBACK_MIRROR_URL");
const schema = referenceSchema(sdl, await service.schema());
const nullability = new Nullability(sdl);
const differential = new Differential(service, mirror, schema, nullability);

test("what differed once is the same now", async () => {
  const { reports } = await compare(() => cases, { areSmall: true });
  assertNone(reports);
});

test(`random documents are answered as by graphql-js (DIFFERENCE_SEED=${seed})`, async () => {
  const { counts, reports } = await compare(function* (world) {
    for (let number = 0; number < count; number++) yield randomRequest(seed, number, schema, world);
  });
  const share = (verdict) => (counts[verdict] ?? 0) / count;
  const inPercent = (verdict) => `${(100 * share(verdict)).toFixed(1)} % ${verdict}`;
  const shares = Object.keys(counts).map(inPercent).join(", ");
  console.log(`${count} documents: ${shares}`);
  assertNone(reports);
  assert.ok(count < 1_000 || (share("executed") > 0.4 && share("refused") > 0.4), "both verdicts have to be common");
  assert.ok(count < 1_000 || share("skipped") < 0.02, "few documents may exceed a limit");
  assert.ok(count < 1_000 || nullability.seen.has("Query.feedbacks"), "listings have to fail in some documents");
});

test("random documents find something by every filter, and break every rule of triage", async () => {
  const reach = async (world, words, isWanted, ask) => {
    for (let number = 0; number < 10_000 && words.some((word) => !differential.reached.has(word)); number++) {
      const request = randomRequest("reach", number, schema, world);
      if (isWanted(request)) assert.equal((await ask(request)).difference, undefined, request.query);
    }
    assert.deepEqual(words.filter((word) => !differential.reached.has(word)), []);
  };
  const names = Object.keys(schema.getType("FeedbackFilter").getFields());
  const filters = ["feedbacks", "quarantinedFeedbacks"].flatMap((field) => names.map((name) => `${field}: ${name}`));
  const hasFilter = ({ query }) => !hasMutation({ query }) && query.includes("filter:");
  await reach(await differential.prepareQueries(), filters, hasFilter, (request) => differential.ofQuery(request));
  const codes = schema.getType("TriageFeedbackErrorCode").getValues();
  const rules = codes.map(({ name }) => `triageFeedback: ${name}`);
  const hasTriage = ({ query }) => hasMutation({ query }) && query.includes("triageFeedback");
  await reach(await differential.prepareMutations(), rules, hasTriage, (request) => differential.ofMutation(request));
});

test("random documents break every rule of validation", async () => {
  const world = await differential.prepareQueries();
  const unbroken = new Set(rules);
  // There are no subscriptions in the schema.
  const [ofSubscriptions] = rules.filter(({ name }) => name === "SingleFieldSubscriptionsRule");
  unbroken.delete(ofSubscriptions);
  for (let number = 0; number < 2_000 && unbroken.size > 0; number++) {
    const document = parsed(randomRequest("rules", number, schema, world).query);
    if (!document) continue;
    for (const rule of unbroken) if (validate(schema, document, [rule]).length > 0) unbroken.delete(rule);
  }
  assert.deepEqual(Array.from(unbroken, ({ name }) => name), []);
});

function hasMutation({ query }) {
  return /\bmutation\b/.test(query);
}

function parsed(query) {
  try {
    return parse(query);
  } catch {
    return undefined;
  }
}

function serviceAt(variable) {
  const url = process.env[variable];
  if (!url) throw new Error(`${variable} must be the address of a service, like http://127.0.0.1:4000`);
  return new Service(url);
}

function assertNone(reports) {
  if (reports.length === 0) return;
  // Not in the error, which the test runner would print twice.
  console.log(reports.join("\n\n"));
  assert.fail(`${reports.length} differences from graphql-js, as printed`);
}

/**
 * How many requests had which verdict, and a report of each difference. `requests` makes them for what there is to
 * ask for. Those that are not small already are made so, and then a few of each cause are enough.
 */
async function compare(requests, { areSmall = false } = {}) {
  const counts = {};
  const found = [];
  const judge = (ask) => async (request) => {
    const { verdict, difference } = await ask(request);
    counts[verdict] = (counts[verdict] ?? 0) + 1;
    if (!difference) return;
    counts.different = (counts.different ?? 0) + 1;
    const of = cause(difference);
    const isKnown = found.filter(({ cause }) => cause === of).length >= MOST_OF_A_CAUSE;
    if (areSmall || (!isKnown && found.length < MOST)) found.push({ request, ask, difference, cause: of });
  };
  // Made while they are asked: making all of them first would take longer than the service keeps idle connections.
  const queries = only(requests(await differential.prepareQueries()), (request) => !hasMutation(request));
  await inFlight(IN_FLIGHT, queries, judge((request) => differential.ofQuery(request)));
  const described = areSmall ? report : reportOfSmallest;
  const reports = await Promise.all(found.splice(0).map(described));
  const mutations = only(requests(await differential.prepareMutations()), hasMutation);
  await inFlight(1, mutations, judge((request) => differential.ofMutation(request)));
  for (const one of found) reports.push(await described(one));
  return { counts, reports: [...new Set(reports)] };
}

function* only(requests, isWanted) {
  for (const request of requests) if (isWanted(request)) yield request;
}

/** Asks all of the requests, which are an iterator, at most so many at once. */
async function inFlight(most, requests, ask) {
  const worker = async () => {
    for (const request of requests) await ask(request);
  };
  await Promise.all(Array.from({ length: most }, worker));
}

function report({ request, difference: { kind, service, reference } }) {
  return [
    `Differs: ${kind}`,
    request.query,
    `case:      ${JSON.stringify(request)}`,
    `service:   ${JSON.stringify(service)}`,
    `reference: ${JSON.stringify(reference)}`,
  ].join("\n");
}

/** Of the smallest request that still has the difference. */
async function reportOfSmallest({ request, ask, difference: { kind } }) {
  const differs = async (candidate) => (await ask(candidate)).difference?.kind === kind;
  const smallest = await shrink(request, differs);
  const { difference = { kind: `${kind}, but not again` } } = await ask(smallest);
  return report({ request: smallest, difference });
}
