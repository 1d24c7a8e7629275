import { Client, fetchExchange } from "@urql/core";
import { graphql } from "../typed/__generated__/index.js";

const url = `${process.env.FEEDBACK_URL ?? "http://127.0.0.1:4000"}/graphql`;
const client = new Client({ url, exchanges: [fetchExchange] });
const Latest = graphql(`query Latest($first: Int!) { feedbacks(first: $first) { nodes { id rating } } }`);
const { data } = await client.query(Latest, { first: 3 });
for (const { id, rating } of data?.feedbacks?.nodes ?? []) console.log(id, rating?.toFixed(1));
