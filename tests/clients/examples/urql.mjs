import { Client, cacheExchange, fetchExchange } from "@urql/core";

const url = `${process.env.FEEDBACK_URL ?? "http://127.0.0.1:4000"}/graphql`;
const client = new Client({ url, exchanges: [cacheExchange, fetchExchange] });
const { data } = await client.query("{ feedbacks(first: 3) { nodes { id message } } }");
for (const { id, message } of data.feedbacks.nodes) console.log(id, message);
