// The places of a document where something can be changed, with what the schema says of them.

import { Kind, TypeInfo, visit, visitWithTypeInfo } from "graphql";

/** The places of a document. Changing a node that they hold changes the document. */
export function placesOf(schema, document) {
  const places = {
    definitions: document.definitions,
    /** Fields: `node`, its `type`, the type that it is a field of, and the selections that it is one of. */
    fields: [],
    /** Lists of selections. */
    selections: [],
    /** Nodes that have arguments. */
    withArguments: [],
    /** Nodes that may have directives. */
    withDirectives: [],
    /** Values: the node or list that has it, and under which name or number. */
    values: [],
    objects: [],
    operations: [],
    variables: [],
    fragments: [],
    spreads: [],
    inlineFragments: [],
  };
  const byKind = {
    [Kind.FRAGMENT_DEFINITION]: places.fragments,
    [Kind.FRAGMENT_SPREAD]: places.spreads,
    [Kind.INLINE_FRAGMENT]: places.inlineFragments,
    [Kind.OBJECT]: places.objects,
    [Kind.OPERATION_DEFINITION]: places.operations,
    [Kind.VARIABLE_DEFINITION]: places.variables,
  };
  const types = new TypeInfo(schema);
  const enter = (node, _key, siblings) => {
    byKind[node.kind]?.push(node);
    if (node.kind === Kind.FIELD) {
      places.fields.push({ node, siblings, type: types.getType(), parent: types.getParentType() });
    }
    if (node.kind === Kind.SELECTION_SET) places.selections.push(node.selections);
    if (node.kind === Kind.ARGUMENT || node.kind === Kind.OBJECT_FIELD) places.values.push([node, "value"]);
    if (node.kind === Kind.LIST) node.values.forEach((_, n) => places.values.push([node.values, n]));
    if (node.defaultValue) places.values.push([node, "defaultValue"]);
    if (node.directives) places.withDirectives.push(node);
    if (node.arguments?.length > 0) places.withArguments.push(node);
  };
  visit(document, visitWithTypeInfo(types, { enter }));
  return places;
}
