// The reference: graphql-js over the same schema and the same data. It decides what a document means, and asks a
// service for what a root field has, by a plain request for that field alone, with all of its fields.

import {
  GraphQLError, GraphQLSchema, buildSchema, execute, getLocation, getNamedType, isAbstractType, isLeafType, parse,
  responsePathAsArray, validate, visit,
} from "graphql";
import { parseDate, parseDateLiteral, parseDateTime, parseDateTimeLiteral } from "./date-time.mjs";
import {
  isOfLaterEdition, rules, takeBuiltInsFrom, withoutBlockStrings, withoutNullConditions,
} from "./exceptions.mjs";
import { exceedsLimit } from "./service.mjs";

/** A root field asks for more than the service gives, so that there is nothing to compare with. */
class LimitExceeded extends Error {}

export class Reference {
  /** What root fields were asked for and gave: see `words`. */
  reached = new Set();
  #services;
  #cache;

  /** `services` has the one that is asked for each root type. Answers for queries are kept if `keeps` is set. */
  constructor(schema, services, { keeps }) {
    this.schema = schema;
    this.#services = services;
    this.#cache = keeps ? new Map() : undefined;
  }

  /**
   * What becomes of a request: `refused`, a reason, if nothing of it may be executed; else its `data` and
   * `errors`, and `thrown`, the errors of all fields, of which some may have been lost with what was around them.
   * Or `isUndecided`, if there is nothing to compare with.
   */
  async outcome({ query, variables, operationName }) {
    let document;
    try {
      document = withoutBlockStrings(parse(query));
    } catch (error) {
      return { refused: error.message };
    }
    if (isOfLaterEdition(document)) return { isUndecided: true };
    const [invalid] = validate(this.schema, document, rules);
    if (invalid) return { refused: invalid.message };
    const thrown = [];
    const pending = [];
    const contextValue = {
      resolve: (args, info) => {
        const value = this.#rootField(args, info).catch((error) => {
          const locations = info.fieldNodes.map(({ loc }) => getLocation(loc.source, loc.start));
          if (error instanceof GraphQLError) thrown.push({ path: [info.path.key], locations });
          throw error;
        });
        pending.push(value);
        return value;
      },
      fail: (message, info) => {
        const locations = info.fieldNodes.map(({ loc }) => getLocation(loc.source, loc.start));
        thrown.push({ path: responsePathAsArray(info.path), locations });
        throw new GraphQLError(message);
      },
    };
    const request = { schema: this.schema, document: withoutNullConditions(document, variables) };
    const result = await execute({ ...request, variableValues: variables, operationName, contextValue });
    const settled = await Promise.allSettled(pending);
    const failure = settled.find(({ reason }) => reason && !(reason instanceof GraphQLError))?.reason;
    if (failure instanceof LimitExceeded) return { isUndecided: true };
    if (failure) throw failure;
    if (!("data" in result)) return { refused: result.errors[0].message };
    const errors = (result.errors ?? []).map((error) => error.toJSON());
    return { data: result.data, errors, thrown, introspected: introspectedKeys(document) };
  }

  async #rootField(args, info) {
    const { parentType, fieldName } = info;
    const key = JSON.stringify([parentType.name, fieldName, args]);
    const service = this.#services[parentType.name];
    const plain = plainRequest(this.schema, info, args);
    const ask = () => (info.operation.operation === "query" ? service.answerToQuery(plain) : service.answer(plain));
    const answer = this.#cache?.get(key) ?? ask();
    this.#cache?.set(key, answer);
    const { data, errors } = await answer;
    if (exceedsLimit({ errors })) throw new LimitExceeded();
    if (errors?.some(({ path }) => path?.length !== 1)) throw new Error(`${key}: ${JSON.stringify(errors)}`);
    if (errors) throw new GraphQLError(errors[0].message);
    for (const word of words(args, data[fieldName])) this.reached.add(`${fieldName}: ${word}`);
    return data[fieldName];
  }
}

/** What a root field was asked for and gave: the filters that found something, and the codes of user errors. */
function words({ filter }, value) {
  const filters = Object.entries(filter ?? {}).filter(([, wanted]) => wanted !== null);
  const found = value?.nodes?.length > 0 ? filters.map(([name]) => name) : [];
  return [...found, ...(value?.userErrors?.map(({ code }) => code) ?? [])];
}

/** The schema of an SDL, whose root fields the context resolves. `told` is what the service's introspection says. */
export function referenceSchema(sdl, told) {
  const built = buildSchema(sdl).toConfig();
  const { scalars, directives } = takeBuiltInsFrom(told, built.directives);
  const schema = new GraphQLSchema({ ...built, types: [...built.types, ...scalars], directives });
  for (const root of [schema.getQueryType(), schema.getMutationType()]) {
    for (const field of Object.values(root.getFields())) {
      field.resolve = (_root, args, context, info) => context.resolve(args, info);
    }
  }
  const [date, dateTime] = ["Date", "DateTime"].map((name) => schema.getType(name));
  Object.assign(date, { parseValue: parseDate, parseLiteral: parseDateLiteral });
  Object.assign(dateTime, { parseValue: parseDateTime, parseLiteral: parseDateTimeLiteral });
  for (const [type, field, argument, most, resolve] of FIELDS_WITH_ARGUMENTS) {
    const definition = schema.getType(type).getFields()[field];
    const { defaultValue } = definition.args.find(({ name }) => name === argument);
    definition.resolve = (parent, args, context, info) => {
      const number = args[argument] ?? defaultValue;
      if (number < 1 || number > most) context.fail(`${argument} out of range`, info);
      return resolve(parent[field], number);
    };
  }
  return schema;
}

/**
 * Fields below root fields that take an argument, its greatest value, and what they are by what a plain request has,
 * where there is less than the argument's default.
 */
const FIELDS_WITH_ARGUMENTS = [
  ["FeedbackConnection", "count", "upTo", 10_000, ({ value }, upTo) => (
    { value: Math.min(value, upTo), isExact: value <= upTo }
  )],
  ["FeedbackStatistics", "topics", "first", 100, (topics, first) => topics.slice(0, first)],
];

/** The request for one root field with everything that can be selected, each field once. */
function plainRequest(schema, { parentType, fieldName, operation }, args) {
  const field = parentType.getFields()[fieldName];
  const given = field.args.filter(({ name }) => name in args);
  const definitions = given.map(({ name, type }) => `$${name}: ${type}`).join(", ");
  const values = given.map(({ name }) => `${name}: $${name}`).join(", ");
  const inParentheses = (text) => text && `(${text})`;
  const selections = everyField(schema, field.type);
  const root = `{ ${fieldName}${inParentheses(values)}${selections} }`;
  return { query: `${operation.operation} ${inParentheses(definitions)} ${root}`, variables: args };
}

function everyField(schema, wrappedType) {
  const type = getNamedType(wrappedType);
  if (isLeafType(type)) return "";
  if (isAbstractType(type)) {
    const possible = schema.getPossibleTypes(type).map((object) => `... on ${object}${everyField(schema, object)}`);
    return ` { __typename ${possible.join(" ")} }`;
  }
  const fields = Object.values(type.getFields()).map((field) => field.name + everyField(schema, field.type));
  return ` { ${fields.join(" ")} }`;
}

/** The response keys below which the schema is told. */
function introspectedKeys(document) {
  const keys = new Set();
  const enter = ({ name, alias }) => void (/^__(schema|type)$/.test(name.value) && keys.add((alias ?? name).value));
  visit(document, { Field: enter });
  return keys;
}
