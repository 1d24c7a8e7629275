import { ApolloClient, HttpLink, InMemoryCache } from "@apollo/client";
import { graphql } from "../typed/__generated__/throwing/index.js";

const uri = `${process.env.FEEDBACK_URL ?? "http://127.0.0.1:4000"}/graphql`;
const client = new ApolloClient({ link: new HttpLink({ uri }), cache: new InMemoryCache() });
const Latest = graphql(`query LatestOrError($first: Int!) { feedbacks(first: $first) { nodes { id rating } } }`);
const { data } = await client.query({ query: Latest, variables: { first: 3 } });
for (const { id, rating } of data!.feedbacks.nodes) console.log(id, rating?.toFixed(1));
