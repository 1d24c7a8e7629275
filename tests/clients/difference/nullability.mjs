// `@semanticNonNull` by its specification: where the schema has it, null comes with an error.

import {
  buildSchema, executeSync, getNullableType, isListType, isNonNullType, isObjectType, parse, responsePathAsArray,
} from "graphql";
import { semanticToStrict } from "graphql-sock";
import { withoutNullConditions } from "./exceptions.mjs";

export class Nullability {
  /** The fields with the directive that were null in an answer. */
  seen = new Set();
  #schema;
  #strict;

  constructor(sdl) {
    this.#schema = buildSchema(sdl);
    // Where the directive is, its types are non-null.
    this.#strict = semanticToStrict(this.#schema);
  }

  /** Where an answer is null although the schema has the directive there, and no error tells why. */
  unexplained({ query, variables, operationName }, { data, errors = [] }) {
    const explains = (path) => (error) => path.every((key, level) => key === error.path?.[level]);
    return this.#nulls({ query, variables, operationName }, data).filter((path) => !errors.some(explains(path)));
  }

  /** Where an answer is null although the schema has the directive there. */
  #nulls({ query, variables, operationName }, data) {
    if (!data) return [];
    const nulls = [];
    const look = (type, value, path, field) => {
      if (value === null && isNonNullType(type)) {
        nulls.push(path);
        this.seen.add(field);
      }
      const { ofType } = getNullableType(type);
      value?.forEach?.((item, index) => look(ofType, item, [...path, index], field));
    };
    // The answer is read by executing the document on it.
    const fieldResolver = (source, _args, _context, { parentType, fieldName, path }) => {
      const value = source[path.key];
      const { type } = this.#strict.getType(parentType.name).getFields()[fieldName];
      look(type, value, responsePathAsArray(path), `${parentType}.${fieldName}`);
      return value;
    };
    executeSync({
      schema: this.#schema,
      document: withoutNullConditions(parse(query), variables),
      variableValues: variables,
      operationName,
      rootValue: data,
      fieldResolver,
      typeResolver: () => "Feedback",
    });
    return nulls;
  }
}
