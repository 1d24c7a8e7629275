// Valid documents over the schema, with variables for them.

import {
  GraphQLBoolean, GraphQLNonNull, SchemaMetaFieldDef, TypeMetaFieldDef, getNamedType, getNullableType, isAbstractType,
  isIntrospectionType, isLeafType, isNonNullType, isObjectType, isRequiredArgument,
} from "graphql";
import { Variable, literal, value, valueBesidesNull } from "./values.mjs";

const ALIASES = ["a", "b", "c", "id", "message", "nodes", "key", "value", "on", "type", "__a", "feedback"];
const BOOLEAN = new GraphQLNonNull(GraphQLBoolean);
const DEPTH = 6;

/** A valid request: the text of its document, variables, and the operation's name. */
export function validRequest(random, schema, world) {
  return new Builder(random, schema, world).request();
}

class Builder {
  #random;
  #schema;
  #world;
  /** Field and arguments by the response key that stands for them, so that no two fields conflict. */
  #keys = new Map();
  /** The texts of arguments by field, to select it with the same arguments again. */
  #arguments = new Map();
  #fragments = [];
  #variables = new Map();
  /** The variables in what is built at the moment. */
  #used = new Set();

  constructor(random, schema, world) {
    this.#random = random;
    this.#schema = schema;
    this.#world = world;
  }

  request() {
    const random = this.#random;
    const count = random.chance(0.12) ? random.between(2, 3) : 1;
    const isNamed = count > 1 || random.chance(0.5);
    const operations = Array.from({ length: count }, (_, n) => this.#operation(isNamed ? `Operation${n}` : ""));
    const definitions = [...operations, ...this.#fragments];
    if (random.chance(0.3)) definitions.reverse();
    const variables = [...this.#variables].filter(([, { json }]) => json !== undefined);
    const operationName = count > 1 || (isNamed && random.chance(0.4)) ? `Operation${random.below(count)}` : undefined;
    return {
      query: definitions.map(({ text }) => text).join("\n"),
      variables: Object.fromEntries(variables.map(([name, { json }]) => [name, json])),
      operationName,
    };
  }

  #operation(name) {
    const random = this.#random;
    const isMutation = random.chance(0.3);
    const root = isMutation ? this.#schema.getMutationType() : this.#schema.getQueryType();
    this.#used = new Set();
    const selections = this.#selectionSet(root, DEPTH);
    const definitions = [...this.#used].map((name) => this.#variables.get(name).definition);
    const variables = definitions.length > 0 ? `(${definitions.join(", ")})` : "";
    const isShort = !isMutation && !name && !variables && random.chance(0.8);
    return { text: isShort ? selections : `${isMutation ? "mutation" : "query"} ${name}${variables} ${selections}` };
  }

  #selectionSet(parent, depth) {
    const count = this.#random.weighted([[4, 1], [4, 2], [3, 3], [1, 4]]);
    const selections = Array.from({ length: count }, () => this.#selection(parent, depth));
    return `{ ${selections.join(" ")} }`;
  }

  #selection(parent, depth) {
    const build = this.#random.weighted([
      [9, () => this.#field(parent, depth)],
      [0.7, () => `${this.#alias("__typename", "__typename")}__typename${this.#directives()}`],
      [1, () => this.#inlineFragment(parent, depth)],
      [1.3, () => this.#spread(parent, depth)],
    ]);
    return build();
  }

  #field(parent, depth) {
    const random = this.#random;
    const fields = this.#fieldsOf(parent, depth);
    if (fields.length === 0) return `__typename${this.#directives()}`;
    const field = random.pick(fields);
    const texts = this.#argumentsOf(parent, field);
    const text = random.chance(0.5) && texts.length > 0 ? random.pick(texts) : this.#newArguments(field, texts);
    // What the other operations need is known by what this one uses.
    for (const [, name] of text.matchAll(/\$(\w+)/g)) if (this.#variables.has(name)) this.#used.add(name);
    // What is selected on an interface may be merged with what is selected on its objects.
    const [owner] = isAbstractType(parent) ? this.#schema.getPossibleTypes(parent) : [parent];
    const alias = this.#alias(field.name, `${owner}.${field.name}${text}`);
    const type = getNamedType(field.type);
    const below = isLeafType(type) ? "" : ` ${this.#selectionSet(type, depth - 1)}`;
    return `${alias}${field.name}${text}${this.#directives()}${below}`;
  }

  #fieldsOf(parent, depth) {
    let fields = Object.values(parent.getFields());
    if (parent === this.#schema.getQueryType() && this.#random.chance(0.12)) {
      fields = [SchemaMetaFieldDef, TypeMetaFieldDef];
    }
    // Types lead to types without an end, and a document may only be so large.
    const least = isIntrospectionType(parent) ? 3 : 0;
    const leaves = fields.filter(({ type }) => isLeafType(getNamedType(type)));
    return depth <= least || (leaves.length > 0 && this.#random.chance(0.4)) ? leaves : fields;
  }

  #argumentsOf(parent, field) {
    const name = `${parent.name}.${field.name}`;
    if (!this.#arguments.has(name)) this.#arguments.set(name, []);
    return this.#arguments.get(name);
  }

  #newArguments(field, texts) {
    const given = field.args.filter((argument) => isRequiredArgument(argument) || this.#random.chance(0.25));
    const pairs = given.map(({ name, type }) => `${name}: ${literal(type, this.#value(type, name))}`);
    const text = pairs.length > 0 ? `(${pairs.join(", ")})` : "";
    texts.push(text);
    return text;
  }

  /** An alias, or none, so that the response key stands for nothing else. */
  #alias(name, what) {
    const random = this.#random;
    const isFree = (key) => (this.#keys.get(key) ?? what) === what;
    let key = random.chance(0.12) ? random.pick(ALIASES) : name;
    for (let n = 0; !isFree(key); n++) key = `${name}${n}`;
    this.#keys.set(key, what);
    return key === name && !random.chance(0.02) ? "" : `${key}: `;
  }

  #directives() {
    const random = this.#random;
    const names = random.weighted([[12, []], [1, ["skip"]], [1, ["include"]], [0.3, ["skip", "include"]]]);
    return names.map((name) => ` @${name}(if: ${literal(BOOLEAN, this.#condition(name))})`).join("");
  }

  /** More often one under which the field is there. */
  #condition(directive) {
    const wanted = this.#random.chance(0.6) ? directive === "include" : directive === "skip";
    return this.#variable(BOOLEAN, "if", 0.5) ?? wanted;
  }

  #inlineFragment(parent, depth) {
    const condition = this.#random.pick(["", ...this.#overlapping(parent)]);
    const type = condition ? this.#schema.getType(condition) : parent;
    return `...${condition && ` on ${condition}`}${this.#directives()} ${this.#selectionSet(type, depth)}`;
  }

  #spread(parent, depth) {
    const random = this.#random;
    const conditions = this.#overlapping(parent);
    const fitting = this.#fragments.filter(({ condition }) => conditions.includes(condition));
    const isOld = fitting.length > 0 && random.chance(0.7);
    const fragment = isOld ? random.pick(fitting) : this.#newFragment(random.pick(conditions), depth);
    fragment.used.forEach((name) => this.#used.add(name));
    return `...${fragment.name}${this.#directives()}`;
  }

  #newFragment(condition, depth) {
    const outside = this.#used;
    const used = (this.#used = new Set());
    const selections = this.#selectionSet(this.#schema.getType(condition), depth - 1);
    this.#used = outside;
    const name = `${this.#random.pick(["Part", "fragment", "query", "_"])}${this.#fragments.length}`;
    const fragment = { name, condition, used, text: `fragment ${name} on ${condition} ${selections}` };
    this.#fragments.push(fragment);
    return fragment;
  }

  /** The names of the types that have an object in common with this one. */
  #overlapping(type) {
    if (isAbstractType(type)) return [type, ...this.#schema.getPossibleTypes(type)].map(({ name }) => name);
    return [type, ...(isObjectType(type) ? type.getInterfaces() : [])].map(({ name }) => name);
  }

  #value(type, where) {
    return value(this.#random, this.#world, type, where, (type, where) => this.#variable(type, where, 0.2));
  }

  /** A variable for a place of this type, as often as this. */
  #variable(type, where, probability) {
    const random = this.#random;
    if (!random.chance(probability)) return undefined;
    const known = [...this.#variables].filter(([, { place }]) => place === `${type} ${where}`);
    if (known.length > 0 && random.chance(0.5)) {
      const [name] = random.pick(known);
      this.#used.add(name);
      return new Variable(name);
    }
    const name = random.chance(0.1) ? `_${this.#variables.size}` : `v${this.#variables.size}`;
    this.#variables.set(name, { place: `${type} ${where}`, ...this.#newVariable(name, type, where) });
    this.#used.add(name);
    return new Variable(name);
  }

  #newVariable(name, type, where) {
    const random = this.#random;
    const nullable = getNullableType(type);
    const given = () => valueBesidesNull(random, this.#world, nullable, where, () => undefined);
    const defaultText = () => ` = ${literal(nullable, given())}`;
    const anything = random.pick([given(), given(), undefined, null]);
    const [variableType, text, json] = random.weighted([
      [5, [new GraphQLNonNull(nullable), "", given()]],
      [1, [new GraphQLNonNull(nullable), defaultText(), random.pick([given(), undefined])]],
      // Null, where there may be none, is the field's error then.
      [1, [nullable, defaultText(), random.pick([given(), given(), undefined, undefined, null])]],
      ...(isNonNullType(type) ? [] : [[4, [nullable, random.pick(["", "", " = null"]), anything]]]),
    ]);
    return { definition: `$${name}: ${variableType}${text}`, json };
  }
}
