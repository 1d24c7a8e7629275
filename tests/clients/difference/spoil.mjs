// Changes to documents and variables after which most are not valid any more, each for a rule of the
// specification.

import { Kind, getNamedType, isCompositeType, isLeafType, parse, parseValue } from "graphql";
import { placesOf } from "./places.mjs";
import { ANY_JSON, ANY_LITERALS } from "./values.mjs";

const FIELDS = [
  "unknown", "id", "cursor", "count", "total", "days", "nodes", "message", "feedback", "triage", "status", "__type", "__schema", "__typename",
];
const DIRECTIVES = [
  "@skip(if: true)", "@include(if: false)", "@skip", "@skip(if: null)", '@skip(if: "true")', "@include(if: 1)",
  "@include(unless: true, if: true)", "@skip(if: true, if: true)", "@include(if: [true])", "@skip(if: $undefined)",
  "@unknown", "@deprecated", '@specifiedBy(url: "u")', "@semanticNonNull",
];
const TYPES = [
  "Int", "Int!", "String", "String!", "ID", "ID!", "[ID!]!", "[ID!]", "[ID]!", "[[ID!]!]!", "Boolean", "Boolean!",
  "Float!", "Date", "Date!", "DateTime", "FeedbackOrder!", "FeedbackFilter", "SubmitFeedbackInput!", "[FeedbackMetadataInput!]",
  "TriageFeedbackInput!", "ErasePersonInput!", "FeedbackStatus", "[FeedbackStatus!]", "Feedback", "Node!", "Unknown",
];
const CONDITIONS = [
  "Feedback", "Node", "Query", "Mutation", "FeedbackEdge", "PageInfo", "__Type", "Unknown", "Int", "DateTime",
  "FeedbackOrder", "FeedbackFilter", "FeedbackTriage", "FeedbackQuarantine", "FeedbackStatistics", "FeedbackCount",
];
const DEFINITIONS = [
  "type Extra { id: ID }", "extend type Query { extra: Int }", "scalar Extra", "schema { query: Query }",
  "directive @extra on FIELD", "input Extra { a: Int }", "union Extra = Feedback", "enum Extra { A }",
  "interface Extra { id: ID }", "{ __typename }", "query Operation0 { __typename }", "mutation Other { __typename }",
  "subscription Other { __typename }", "subscription { feedback }", "query Other { unknown }",
  'query Other { feedback(id: "x") }', "query Other($a: Int = true) { feedbacks(first: $a) { __typename } }",
  "fragment Part0 on Feedback { id }", "fragment Unused on Query { __typename }",
  "fragment Other on Query { ...Other }",
  "fragment A on Feedback { ...B } fragment B on Feedback { ... on Node { ...A } } { feedback(id: 1) { ...A } }",
];

/** Spoils a request in one way or two; the document is then under `document`. */
export function spoil(random, schema, request) {
  const document = parse(request.query, { noLocation: true });
  const spoiled = { ...request, variables: structuredClone(request.variables), document };
  const ways = Object.values(SPOILERS);
  for (let wanted = random.chance(0.2) ? 2 : 1, tries = 0; wanted > 0 && tries < 30; tries++) {
    const isDone = random.weighted(ways)(random, placesOf(schema, document), spoiled);
    if (isDone) wanted--;
  }
  return spoiled;
}

// Each with how often it is taken, and what it does; true if it found something to do.
const SPOILERS = {
  anotherField: [2, (random, { fields }) => withOne(random, fields, ({ node }) => {
    if (random.chance(0.5)) node.alias = name(keyOf(node));
    node.name = name(random.pick(FIELDS));
  })],
  selectionOfLeaf: [1, (random, { fields }) => withOne(random, fields.filter(isLeaf), ({ node }) => {
    node.selectionSet = selection(random.pick(["a { id }", "a { __typename }"])).selectionSet;
  })],
  noSelection: [1, (random, { fields }) => withOne(random, fields.filter(isComposite), ({ node }) => {
    node.selectionSet = undefined;
  })],

  unknownArgument: [1, (random, { fields }) => withOne(random, fields, ({ node }) => {
    const argument = { kind: Kind.ARGUMENT, name: name(random.pick(["unknown", "first", "id", "name"])) };
    insert(random, node.arguments, { ...argument, value: anyValue(random) });
  })],
  missingArgument: [1, (random, { withArguments }) => withOne(random, withArguments, (node) => {
    remove(random, node.arguments);
  })],
  argumentTwice: [1, (random, { withArguments }) => withOne(random, withArguments, (node) => {
    const argument = random.pick(node.arguments);
    insert(random, node.arguments, random.chance(0.5) ? argument : { ...argument, value: anyValue(random) });
  })],

  anotherValue: [6, (random, { values }) => withOne(random, values, ([owner, key]) => {
    owner[key] = anyValue(random);
  })],
  valueInList: [1, (random, { values }) => withOne(random, values, ([owner, key]) => {
    owner[key] = { kind: Kind.LIST, values: random.chance(0.5) ? [owner[key]] : [owner[key], owner[key]] };
  })],
  stringAsEnum: [1, (random, { values }) => withOne(random, values.filter(isStringOrEnum), ([owner, key]) => {
    const { kind, value } = owner[key];
    owner[key] = kind === Kind.ENUM ? { kind: Kind.STRING, value } : { kind: Kind.ENUM, value: "NEWEST_FIRST" };
  })],
  anotherVariable: [3, (random, { values, variables }) => withOne(random, variables, (definition) => {
    if (values.length === 0) return;
    const [owner, key] = random.pick(values);
    owner[key] = { kind: Kind.VARIABLE, name: definition.variable.name };
  })],
  unknownInputField: [0.7, (random, { objects }) => withOne(random, objects, ({ fields }) => {
    insert(random, fields, { kind: Kind.OBJECT_FIELD, name: name("unknown"), value: anyValue(random) });
  })],
  missingInputField: [0.7, (random, { objects }) => withOne(random, objects, ({ fields }) => remove(random, fields))],
  inputFieldTwice: [0.7, (random, { objects }) => withOne(random, objects.filter(hasFields), ({ fields }) => {
    const field = random.pick(fields);
    insert(random, fields, random.chance(0.5) ? field : { ...field, value: anyValue(random) });
  })],

  anotherDirective: [4, (random, { withDirectives }) => withOne(random, withDirectives, (node) => {
    insert(random, node.directives, selection(`a ${random.pick(DIRECTIVES)}`).directives[0]);
  })],
  directiveTwice: [1, (random, { withDirectives }) => withOne(random, withDirectives.filter(hasDirectives), (node) => {
    insert(random, node.directives, random.pick(node.directives));
  })],

  undefinedVariable: [1, (random, { operations }) => withOne(random, operations.filter(hasVariables), (operation) => {
    remove(random, operation.variableDefinitions);
  })],
  unusedVariable: [0.5, (random, { operations }) => withOne(random, operations, (operation) => {
    insert(random, operation.variableDefinitions, variableOf("Int"));
  })],
  variableTwice: [0.5, (random, { operations }) => withOne(random, operations.filter(hasVariables), (operation) => {
    insert(random, operation.variableDefinitions, random.pick(operation.variableDefinitions));
  })],
  variableOfAnotherType: [4, (random, { variables }) => withOne(random, variables, (definition) => {
    definition.type = variableOf(random.pick(TYPES)).type;
  })],
  variableOfNearType: [2, (random, { variables }) => withOne(random, variables, (definition) => {
    const { type } = definition;
    const inner = type.kind === Kind.NON_NULL_TYPE ? type.type : type;
    definition.type = random.pick([inner, { kind: Kind.NON_NULL_TYPE, type: inner }, { kind: Kind.LIST_TYPE, type }]);
  })],
  anotherDefault: [2, (random, { variables }) => withOne(random, variables, (definition) => {
    definition.defaultValue = random.chance(0.3) ? undefined : anyValue(random);
  })],
  nullableVariable: [1, (random, { variables }) => withOne(random, variables, (definition) => {
    const { type } = definition;
    definition.type = type.kind === Kind.NON_NULL_TYPE ? type.type : type;
    definition.defaultValue = random.pick([undefined, { kind: Kind.NULL }]);
  })],

  missingFragment: [1, (random, { definitions, fragments }) => withOne(random, fragments, (fragment) => {
    definitions.splice(definitions.indexOf(fragment), 1);
  })],
  anotherSpread: [1, (random, { spreads }) => withOne(random, spreads, (spread) => {
    spread.name = name(random.pick(["Unknown", "Part0", "Part1", "query0", "_1"]));
  })],
  spreadElsewhere: [1, (random, { fragments, selections }) => withOne(random, fragments, (fragment) => {
    const spread = { kind: Kind.FRAGMENT_SPREAD, name: fragment.name, directives: [] };
    insert(random, random.pick(selections), spread);
  })],
  anotherCondition: [2, (random, { inlineFragments, fragments }) =>
    withOne(random, [...inlineFragments, ...fragments], (fragment) => {
      fragment.typeCondition = { kind: Kind.NAMED_TYPE, name: name(random.pick(CONDITIONS)) };
    })],
  impossibleFragment: [1, (random, { selections }) => withOne(random, selections, (list) => {
    insert(random, list, selection(`... on ${random.pick(CONDITIONS)} { __typename }`));
  })],

  otherFieldOfSameKey: [3, (random, { fields }) => withOne(random, fields.filter(hasSiblings), (field) => {
    insert(random, field.siblings, wrapped(random, otherField(random, keyOf(field.node), field.parent)));
  })],
  otherArgumentsOfSameKey: [2, (random, { fields }) => withOne(random, fields.filter(hasArguments), (field) => {
    const twin = structuredClone(field.node);
    if (random.chance(0.4)) remove(random, twin.arguments);
    else if (random.chance(0.7)) random.pick(twin.arguments).value = anyValue(random);
    else twin.arguments.reverse();
    insert(random, field.siblings, wrapped(random, twin));
  })],
  otherFieldOfSameKeyBelow: [4, (random, { fields }) => withOne(random, fields.filter(hasFieldsBelow), (field) => {
    const below = field.node.selectionSet.selections.filter(({ kind }) => kind === Kind.FIELD);
    const twin = structuredClone(field.node);
    const other = otherField(random, keyOf(random.pick(below)), getNamedType(field.type));
    twin.selectionSet.selections = [wrapped(random, other)];
    insert(random, field.siblings, wrapped(random, twin));
  })],

  moreDefinitions: [3, (random, { definitions }) => {
    const more = parse(random.pick(DEFINITIONS), { noLocation: true }).definitions;
    more.forEach((definition) => insert(random, definitions, definition));
    return true;
  }],
  definitionTwice: [0.5, (random, { definitions }) => withOne(random, definitions, (definition) => {
    insert(random, definitions, definition);
  })],
  anotherOperation: [1, (random, { operations }) => withOne(random, operations, (operation) => {
    operation.operation = random.pick(["query", "mutation", "subscription"]);
  })],
  anotherOperationName: [1, (random, { operations }) => withOne(random, operations, (operation) => {
    operation.name = random.pick([undefined, name("Operation0"), name("Part0")]);
  })],
  anotherOperationChosen: [1, (random, _places, request) => {
    request.operationName = random.pick([undefined, "Operation0", "Operation1", "operation0", "Unknown", "Part0"]);
    return true;
  }],

  anotherJsonValue: [3, (random, _places, { variables }) => withOne(random, jsonPlaces(variables), ([owner, key]) => {
    owner[key] = structuredClone(random.pick(ANY_JSON));
  })],
  missingJsonValue: [1, (random, _places, { variables }) => withOne(random, jsonPlaces(variables), ([owner, key]) => {
    if (Array.isArray(owner)) owner.splice(key, 1);
    else delete owner[key];
  })],
  jsonValueInList: [1, (random, _places, { variables }) => withOne(random, jsonPlaces(variables), ([owner, key]) => {
    owner[key] = [owner[key]];
  })],
  unknownJsonValue: [1, (random, _places, { variables }) => withOne(random, jsonPlaces(variables), ([owner, key]) => {
    if (Array.isArray(owner)) owner.push(null);
    else owner.unknown = owner[key];
  })],
};

/** Makes a change with one of the list. False if the list is empty. */
function withOne(random, list, change) {
  if (list.length > 0) change(random.pick(list));
  return list.length > 0;
}

const insert = (random, list, item) => list.splice(random.below(list.length + 1), 0, item);
const remove = (random, list) => list.splice(random.below(list.length), 1);

const name = (value) => ({ kind: Kind.NAME, value });
const anyValue = (random) => parseValue(random.pick(ANY_LITERALS), { noLocation: true });
const selection = (text) => parse(`{ ${text} }`, { noLocation: true }).definitions[0].selectionSet.selections[0];

function variableOf(type) {
  return parse(`query ($unused: ${type}) { a }`, { noLocation: true }).definitions[0].variableDefinitions[0];
}

const keyOf = (field) => (field.alias ?? field.name).value;
const isLeaf = ({ type }) => isLeafType(getNamedType(type));
const isComposite = ({ type }) => isCompositeType(getNamedType(type));
const isStringOrEnum = ([owner, key]) => [Kind.STRING, Kind.ENUM].includes(owner[key].kind);
const hasFields = ({ fields }) => fields.length > 0;
const hasDirectives = ({ directives }) => directives.length > 0;
const hasVariables = ({ variableDefinitions }) => variableDefinitions.length > 0;
const hasSiblings = ({ parent }) => parent?.getFields !== undefined;
const hasArguments = ({ node }) => node.arguments.length > 0;
const hasFieldsBelow = ({ node, type }) =>
  getNamedType(type)?.getFields && node.selectionSet?.selections.some(({ kind }) => kind === Kind.FIELD);

/** Some field of a type, under this key. */
function otherField(random, key, type) {
  return selection(`${key}: ${random.pick(["__typename", ...Object.keys(type.getFields())])}`);
}

/** The selection as it is, or in an inline fragment. */
function wrapped(random, inner) {
  const outer = random.pick(["", "... { a }", "... @include(if: true) { a }"]);
  if (!outer) return inner;
  const fragment = selection(outer);
  fragment.selectionSet.selections = [inner];
  return fragment;
}

/** The places in variables: the object or list that has it, and under which name or number. */
function jsonPlaces(owner) {
  if (typeof owner !== "object" || owner === null) return [];
  return Object.keys(owner).flatMap((key) => [[owner, key], ...jsonPlaces(owner[key])]);
}
