// Where graphql-js is not what the service is held to: it deviates from the specification, or the specification
// leaves more than one answer right. Each with what the specification says (edition of September 2025).

import {
  GraphQLError, Kind, MaxIntrospectionDepthRule, introspectionTypes, isEnumType, isScalarType, isSpecifiedDirective,
  isTypeSystemDefinitionNode, specifiedRules, specifiedScalarTypes, visit,
} from "graphql";

/** Where graphql-js limits how deeply introspection goes, the service has limits of its own. */
const rulesOfSpecification = specifiedRules.filter((rule) => rule !== MaxIntrospectionDepthRule);

/**
 * graphql-js finds operations of a type that the schema does not have valid, and fails when it executes them.
 * "Operation Type Existence": "For each operation definition operation in the document: Let rootOperationType be
 * the root operation type in schema corresponding to the kind of operation. rootOperationType must exist."
 */
function OperationTypeExistenceRule(context) {
  return {
    OperationDefinition(node) {
      if (context.getSchema().getRootType(node.operation)) return;
      context.reportError(new GraphQLError(`There is no type for ${node.operation} operations.`, { nodes: node }));
    },
  };
}

export const rules = [...rulesOfSpecification, OperationTypeExistenceRule];

/**
 * Descriptions of operations, fragments and variables, which graphql-js reads, came after the edition of October
 * 2021. A service may know them or not.
 */
export function isOfLaterEdition(document) {
  const executable = document.definitions.filter((definition) => !isTypeSystemDefinitionNode(definition));
  const variables = executable.flatMap(({ variableDefinitions = [] }) => variableDefinitions);
  return [...executable, ...variables].some(({ description }) => description);
}

/**
 * The words that describe what GraphQL itself defines are everybody's own, editions of the specification differ in
 * the fields that they give to introspection, and some services tell all built-in scalars and directives, used or
 * not. So all of this is in the reference as the service tells it.
 */
export function takeBuiltInsFrom(told, directives) {
  // Not the specification's: `__Type.isOneOf` is null for input objects too, of which none is one in this schema.
  // Clients take null for no.
  const { isOneOf } = introspectionTypes.find(({ name }) => name === "__Type").getFields();
  isOneOf.resolve = () => null;
  const named = (list, name) => list?.find((item) => item.name === name);
  const describe = (list, told) => list.forEach((item) => (item.description = named(told, item.name).description));
  const isTold = (told) => (item) => named(told, item.name) !== undefined;
  const builtIn = [...introspectionTypes, ...specifiedScalarTypes].filter(isTold(told.types));
  describe(builtIn, told.types);
  for (const type of builtIn) {
    if (isScalarType(type)) continue;
    const { fields, enumValues } = named(told.types, type.name);
    if (isEnumType(type)) {
      const values = type.getValues().filter(isTold(enumValues));
      describe(values, enumValues);
      type.getValues = () => values;
      continue;
    }
    for (const field of Object.values(type.getFields())) {
      if (!isTold(fields)(field)) delete type.getFields()[field.name];
      else field.args = field.args.filter(isTold(named(fields, field.name).args));
    }
    describe(Object.values(type.getFields()), fields);
  }
  const builtInDirectives = directives.filter(isSpecifiedDirective).filter(isTold(told.directives));
  describe(builtInDirectives, told.directives);
  for (const directive of builtInDirectives) {
    const { args, locations } = named(told.directives, directive.name);
    describe(directive.args, args);
    directive.locations = locations;
  }
  const ownDirectives = directives.filter((directive) => !isSpecifiedDirective(directive));
  return { scalars: builtIn.filter(isScalarType), directives: [...builtInDirectives, ...ownDirectives] };
}

/**
 * Sets have no order. "The __Schema Type": "types must return the set of all named types contained within this
 * schema", and likewise for directives, fields and the rest. They are compared in the order of their texts.
 */
export function withoutOrderOfSets(data, introspectedKeys) {
  const sorted = (value) => {
    if (Array.isArray(value)) return value.map(sorted).sort(byText);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, sorted(inner)]));
  };
  if (!data || introspectedKeys.size === 0) return data;
  const entries = Object.entries(data).map(([key, value]) => [key, introspectedKeys.has(key) ? sorted(value) : value]);
  return Object.fromEntries(entries);
}

const byText = (a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

/**
 * graphql-js takes `"a"` and `"""a"""` for different arguments of two fields that are to be merged. "Field Selection
 * Merging": "fieldA and fieldB must have identical sets of arguments". Both are the same string value.
 */
export function withoutBlockStrings(document) {
  return visit(document, { StringValue: (node) => ({ ...node, block: false }) });
}

/**
 * graphql-js raises an error where the condition of `@skip` or `@include` is a variable that is null, which a
 * variable with a default can be. "Field Collection": "If skipDirective's if argument is true or is a variable
 * in variableValues with the value true", and "If includeDirective's if argument is not true and is not a variable
 * in variableValues with the value true": null is not true, and no error.
 */
export function withoutNullConditions(document, variables) {
  const isNull = ({ kind, name }) => kind === Kind.VARIABLE && variables[name.value] === null;
  const replaced = ({ name, arguments: [condition], ...directive }) => {
    if (!/^(skip|include)$/.test(name.value) || !isNull(condition.value)) return undefined;
    return { ...directive, name, arguments: [{ ...condition, value: { kind: Kind.BOOLEAN, value: false } }] };
  };
  return visit(document, { Directive: replaced });
}

/**
 * Whether it is clear which location an error must have. It is not where an argument that must not be null was given
 * a variable that is, so that the field was not resolved: graphql-js names the place of the variable, others that of
 * the field. "Errors": locations "describe the beginning of an associated syntax element".
 */
export function hasKnownLocation(error, thrown) {
  return thrown.some(({ path }) => String(path) === String(error.path));
}

/**
 * Where `data` as a whole is null, errors of some of its fields may be missing, on either side. "Executing Collected Fields": "If this
 * occurs, any sibling response positions which have not yet executed or have not yet yielded a value may be
 * cancelled to avoid unnecessary work."
 */
export function mayMissErrors(data) {
  return data === null;
}
