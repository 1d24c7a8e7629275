// graphql-eslint's recommended rules for a schema and its rules for Relay, and why one or the other gives way.

import { fileURLToPath } from "node:url";
import plugin from "@graphql-eslint/eslint-plugin";

const schema = fileURLToPath(new URL("../../schema.graphql", import.meta.url));

export default [
  {
    files: ["**/*.graphql"],
    languageOptions: { parser: plugin.parser, parserOptions: { graphQLConfig: { schema } } },
    plugins: { "@graphql-eslint": plugin },
    rules: {
      ...plugin.configs["flat/schema-recommended"].rules,
      ...plugin.configs["flat/schema-relay"].rules,
      // Lists stand where nobody pages: `nodes` beside `edges` (a shortcut that the connection specification
      // leaves room for), metadata and user errors, of which there are only a few, and `Query.nodes`, which
      // answers a list of ids. What has to be paged is a connection all the same.
      "@graphql-eslint/relay-edge-types": ["error", { listTypeCanWrapOnlyEdgeType: false }],
      // An id is for what can be fetched again by it. These are parts of an answer, or of their feedback.
      "@graphql-eslint/strict-id-in-types": [
        "error",
        {
          exceptions: {
            types: ["PageInfo", "FeedbackMetadata", "FeedbackTriage", "FeedbackQuarantine"],
            suffixes: ["Connection", "Count", "Edge", "Payload", "Statistics", "UserError"],
          },
        },
      ],
    },
  },
];
