// The service and the reference, side by side.
//
// Queries may run at once: nothing changes what the service holds. Requests with a mutation run one after the
// other. The service executes them; the reference executes them too, on a second service, the mirror. Before each
// both hold the same, and afterwards they must.

import { difference, withoutChance } from "./compare.mjs";
import { Reference } from "./reference.mjs";
import { exceedsLimit } from "./service.mjs";

/** So many tags that there is no room for another. */
const SIXTEEN_TAGS = ["bug", "ux", ...Array.from({ length: 14 }, (_, n) => `tag ${n}`)];

/** What both hold before a request with a mutation. */
const BASE = [
  { idempotencyKey: "first-key", message: "The first.", rating: 4, metadata: [{ key: "k", value: "v" }] },
  {
    idempotencyKey: "second-key",
    message: "The second.",
    changes: [{ status: "IN_PROGRESS", addTags: SIXTEEN_TAGS, note: "Asked." }],
  },
];

/** What staff made of every fourth piece of those that are listed. */
const CHANGES = [
  [],
  [{ status: "IN_PROGRESS", addTags: ["bug"] }],
  [{ addTags: ["bug", "ux"], note: "Known: 😀" }, { status: "RESOLVED", removeTags: ["ux"] }],
  [{ addTags: ["ux"] }],
];

/** What the service holds while queries run, a part of it in quarantine. */
const LISTED = Array.from({ length: 40 }, (_, n) => ({
  idempotencyKey: `listed-key-${n}`,
  message: `Number ${n}: ${"Text. ".repeat(n % 4)}😀`,
  rating: n % 4 ? 1 + (n % 5) : undefined,
  topic: n % 3 ? `topic ${n % 3}` : undefined,
  email: n % 5 ? undefined : ["sam@example.org", "Sam@Example.ORG"][n % 2],
  pageUrl: n % 7 ? undefined : `https://example.org/${n}`,
  metadata: Array.from({ length: n % 3 }, (_, pair) => ({ key: `key ${pair}`, value: String(n) })),
  trap: n % 11 < 3 ? "robot" : "",
  changes: CHANGES[n % 4],
}));

export class Differential {
  #service;
  #mirror;
  #schema;
  #nullability;
  #queries;
  #mutations;
  /** What both hold before a request with a mutation; undefined when they hold something else. */
  #base;

  /** Of a service, a second one on which the reference executes mutations, and the schema of both with its nulls. */
  constructor(service, mirror, schema, nullability) {
    this.#service = service;
    this.#mirror = mirror;
    this.#schema = schema;
    this.#nullability = nullability;
  }

  /** What root fields were asked for and gave since the last preparations. */
  get reached() {
    return new Set([this.#queries, this.#mutations].flatMap((reference) => [...(reference?.reached ?? [])]));
  }

  /** Fills the service for queries; what there is to ask for. */
  async prepareQueries() {
    await this.#service.refill(LISTED);
    this.#queries = new Reference(this.#schema, { Query: this.#service }, { keeps: true });
    return world(await this.#service.held());
  }

  /** What there is to ask for in requests with a mutation. */
  async prepareMutations() {
    const others = ["third-key", "fourth-key"].map((idempotencyKey) => ({ idempotencyKey, message: "Other." }));
    await this.#service.refill([...BASE, ...others]);
    const services = { Query: this.#service, Mutation: this.#mirror };
    this.#mutations = new Reference(this.#schema, services, { keeps: false });
    this.#base = undefined;
    return world(await this.#service.held());
  }

  /** In what the answers to a request differ; undefined if in nothing. */
  async ofQuery(request) {
    const [answer, outcome] = await Promise.all([this.#service.answerToQuery(request), this.#queries.outcome(request)]);
    return this.#withNulls(judged(answer, outcome), request, answer);
  }

  /** The same for one with a mutation. */
  async ofMutation(request) {
    if (!this.#base) await this.#refill();
    const [answer, outcome] = await Promise.all([this.#service.answer(request), this.#mutations.outcome(request)]);
    const held = await Promise.all([this.#service.held(), this.#mirror.held()]);
    const stored = held.map(contents);
    if (stored.some((held) => held !== this.#base)) this.#base = undefined;
    const [got, wanted] = [answer, outcome].map((of) => ({ ...of, data: withoutChance(of.data) }));
    const result = this.#withNulls(judged(got, wanted), request, answer);
    if (result.verdict === "skipped" || result.difference || stored[0] === stored[1]) return result;
    const [service, reference] = stored.map((lines) => lines.split("\n"));
    return { ...result, difference: { kind: "stored", service, reference } };
  }

  #withNulls(result, request, answer) {
    if (result.verdict !== "executed" || result.difference) return result;
    const nulls = this.#nullability.unexplained(request, answer);
    if (nulls.length === 0) return result;
    return { ...result, difference: { kind: "null without an error", service: nulls, reference: [] } };
  }

  async #refill() {
    await Promise.all([this.#service.refill(BASE), this.#mirror.refill(BASE)]);
    this.#base = contents(await this.#service.held());
  }
}

function judged(answer, outcome) {
  if (outcome.isUndecided || exceedsLimit(answer)) return { verdict: "skipped" };
  const verdict = outcome.refused ? "refused" : "executed";
  return { verdict, difference: difference(answer, outcome) };
}

/** What a service holds, as a text that is the same for the same feedback. */
function contents(held) {
  const lines = held.map(({ cursor, ...feedback }) => JSON.stringify(withoutChance(feedback)));
  return lines.sort().join("\n");
}

/** The dates of what is held, and those before and after. */
function datesAround(held) {
  const days = held.flatMap(({ submittedAt }) => [-1, 0, 1].map((day) => Date.parse(submittedAt) + day * 86_400_000));
  return [...new Set(days.map((day) => new Date(day).toISOString().slice(0, 10)))].sort();
}

/** What documents ask for, so that they find something. */
function world(held) {
  const ids = held.map(({ id }) => id).sort();
  return {
    ids: [...ids.slice(0, 6), "00000000-0000-4000-8000-000000000000"],
    cursors: held.filter((_, n) => n % 9 === 0).map(({ cursor }) => cursor),
    times: held.filter((_, n) => n % 9 === 0).map(({ submittedAt }) => submittedAt),
    dates: [...datesAround(held), "2026-02-28"],
    topics: ["topic 1", "topic 2", "no topic"],
    emails: ["sam@example.org", "SAM@example.org", "a.b+c@example.com"],
    tags: ["bug", "ux", "tag 0", "no tag"],
    versions: [0, 1, 2],
    keys: ["first-key", "second-key", "third-key", "fourth-key"],
  };
}
