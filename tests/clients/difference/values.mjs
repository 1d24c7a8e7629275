// Values for arguments and variables: those that a field takes, those that it takes and answers with an error,
// and those that are of another type.

import {
  getNullableType, isEnumType, isInputObjectType, isListType, isNonNullType, isRequiredInputField,
} from "graphql";

/** A variable in the place of a value. */
export class Variable {
  constructor(name) {
    this.name = name;
  }
}

const TEXTS = [
  "Fine.",
  "  white space at both ends ",
  "two\nlines",
  "\ttab and \"quotes\" and \\ and / and ''",
  "ü, ☃ and 😀",
  '"""',
  "$notAVariable # no comment",
];
const WRONG_TEXTS = ["", " \n ", "\u0007", "x".repeat(300)];

/** Good values for what is called so, and those which it answers with an error. */
const POOLS = {
  id: ({ ids }) => [ids.concat(ids[0].toUpperCase()), ["", "no id", 7, "00000000-0000-4000-8000"]],
  ids: (world) => POOLS.id(world),
  first: () => [[1, 2, 3, 5], [0, -1, 101, 2147483647, -2147483648]],
  last: () => [[1, 2, 3], [0, -1, 101]],
  after: ({ cursors }) => [cursors, ["", "no cursor"]],
  before: ({ cursors }) => [cursors, ["", "no cursor"]],
  rating: () => [[1, 2, 3, 4, 5], [0, 6, -2147483648, 2147483647]],
  minRating: () => [[1, 2, 3], [0, 6]],
  maxRating: () => [[3, 4, 5], [0, 6]],
  topic: ({ topics }) => [topics, WRONG_TEXTS],
  email: ({ emails }) => [emails, ["", "sam@", "sam"]],
  pageUrl: () => [["https://example.org/pricing?a=1#b"], ["", "example.org", "ftp://example.org"]],
  tag: ({ tags }) => [tags, WRONG_TEXTS],
  addTags: ({ tags }) => [tags.concat(" one more ", "and another"), WRONG_TEXTS],
  removeTags: ({ tags }) => [tags, WRONG_TEXTS],
  expectedVersion: ({ versions }) => [versions, [-1, 2147483647]],
  note: () => [["", ...TEXTS], ["\u0007", "x".repeat(2_001)]],
  idempotencyKey: ({ keys }) => [keys, ["short", "\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000"]],
  trap: () => [["", "", "robot"], []],
  elapsedMs: () => [[1499, 1500, -1, -2147483648, 2147483647], []],
  submittedFrom: ({ times }) => [["2020-01-01T00:00:00Z", "1812-06-24T00:00:00+00:30", ...times], []],
  submittedTo: ({ times }) => [["9999-12-31t23:59:59.9999999z", "2030-06-30T23:59:60Z", ...times], []],
  from: ({ dates }) => [dates, ["1970-01-01"]],
  to: ({ dates }) => [dates, ["2286-11-20"]],
  upTo: () => [[1, 10, 40, 10_000], [0, -1, 10_001]],
  name: () => [["Feedback", "Node", "Query", "FeedbackFilter", "FeedbackOrder", "Date", "DateTime", "ID"], ["", "Unknown"]],
};

/** The same by type, for what has no pool of its own. */
const POOLS_BY_TYPE = {
  Boolean: () => [[true, false], []],
  Int: () => [[1, 2, 3], [0]],
  String: () => [TEXTS, WRONG_TEXTS],
  ID: (world) => POOLS.id(world),
  Date: (world) => POOLS.from(world),
  DateTime: (world) => POOLS.submittedFrom(world),
};

/** How often a value is one that gives an error, where there is such a one. */
const WRONG = 0.08;
const NULL = 0.08;

/**
 * A value of an input type for the argument or field of the name `where`. `variable` may put a variable in the
 * place of any part: it returns one, or undefined.
 */
export function value(random, world, type, where, variable = () => undefined) {
  const put = variable(type, where);
  if (put) return put;
  if (isNonNullType(type)) return valueBesidesNull(random, world, type.ofType, where, variable);
  return random.chance(NULL) ? null : valueBesidesNull(random, world, type, where, variable);
}

/** A value like `value` gives, but neither null nor a variable as a whole. */
export function valueBesidesNull(random, world, type, where, variable) {
  if (isListType(type)) {
    // A single value is taken for a list of one; neither a variable nor null is.
    const item = getNullableType(type.ofType);
    if (random.chance(0.15)) return valueBesidesNull(random, world, item, where, variable);
    return Array.from({ length: random.below(4) }, () => value(random, world, type.ofType, where, variable));
  }
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields());
    const given = fields.filter((field) => isRequiredInputField(field) || random.chance(0.35));
    return Object.fromEntries(given.map(({ name, type }) => [name, value(random, world, type, name, variable)]));
  }
  if (isEnumType(type)) return random.pick(type.getValues()).name;
  const [good, wrong] = (POOLS[where] ?? POOLS_BY_TYPE[type.name])(world);
  return random.pick(wrong.length > 0 && random.chance(WRONG) ? wrong : good);
}

/** A value as GraphQL's text for it. */
export function literal(type, value) {
  if (value instanceof Variable) return `$${value.name}`;
  if (value === null) return "null";
  if (isNonNullType(type)) return literal(type.ofType, value);
  if (isListType(type)) {
    const items = Array.isArray(value) ? value.map((item) => literal(type.ofType, item)) : undefined;
    return items ? `[${items.join(", ")}]` : literal(type.ofType, value);
  }
  if (isInputObjectType(type)) {
    const fields = type.getFields();
    const pairs = Object.entries(value).map(([name, value]) => `${name}: ${literal(fields[name].type, value)}`);
    return `{${pairs.join(", ")}}`;
  }
  return isEnumType(type) ? value : JSON.stringify(value);
}

/** GraphQL's text for values of every kind, for places where most are wrong. */
export const ANY_LITERALS = [
  "null", "true", "false", "0", "-0", "1", "2147483647", "2147483648", "-2147483648", "-2147483649", "1.0", "1e1",
  "-1.5E-3", "99999999999999999999", '""', '"1"', '"text"', '"true"', '"NEWEST_FIRST"', '"\\u{1F600}"',
  '"""\n  block\n    text\n"""', "NEWEST_FIRST", "newest_first", "Feedback", "[]", "[null]", "[1]", '["1"]', "[[1]]",
  "OPEN", "[OPEN, RESOLVED]", '"OPEN"', "{status: OPEN}", "{addTags: [null]}",
  "{}", "{unknown: 1}", '{message: "m"}', "{key: 1}", "{topic: null}", "{message: null}", '{key: "k", value: "v"}',
  '"2026-03-01T09:30:00Z"', '"2026-03-01"', '"2026-02-29"', '"2286-11-21"', '"2026-02-30T00:00:00Z"', '"2026-03-01T24:00:00Z"', "1772357400",
  '"2026-03-01T09:30:00"', '"2026-03-01T09:30:00+01:00"', '"2026-03-01T09:30:00+0100"', "$undefined",
];

/** The same as JSON. */
export const ANY_JSON = [
  null, true, false, 0, 1, -1, 1.5, 2147483648, -2147483649, "", "1", "text", "true", "NEWEST_FIRST", "newest_first",
  "OPEN", ["OPEN", "CLOSED"], { status: "OPEN" }, { addTags: [null] },
  [], [null], [1], ["1"], [[1]], {}, { unknown: 1 }, { message: "m" }, { message: null }, { key: 1 }, { topic: null },
  { key: "k", value: "v" }, "2026-03-01T09:30:00Z", "2026-03-01", "2026-02-30T00:00:00Z", "2026-03-01T09:30:00",
];
