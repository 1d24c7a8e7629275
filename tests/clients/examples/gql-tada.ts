import { Client, fetchExchange } from "@urql/core";
import { initGraphQLTada } from "gql.tada";
import type { introspection } from "../typed/__generated__/tada.js";

const url = `${process.env.FEEDBACK_URL ?? "http://127.0.0.1:4000"}/graphql`;
const graphql = initGraphQLTada<{ introspection: introspection; scalars: { Date: string; DateTime: string } }>();
const Latest = graphql(`query Latest($first: Int!) { feedbacks(first: $first) { nodes { id submittedAt } } }`);
const { data } = await new Client({ url, exchanges: [fetchExchange] }).query(Latest, { first: 3 });
for (const { id, submittedAt } of data?.feedbacks?.nodes ?? []) console.log(id, submittedAt.slice(0, 10));
