import { initGraphQLTada } from "gql.tada";
import type { introspection } from "./__generated__/tada.js";

export const graphql = initGraphQLTada<{ introspection: introspection; scalars: { Date: string; DateTime: string } }>();
