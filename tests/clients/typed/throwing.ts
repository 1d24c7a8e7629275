// What graphql-codegen generates for clients that throw where there is an error, in use.

import { Client, type Exchange, cacheExchange, fetchExchange, mapExchange } from "@urql/core";
import { toe } from "graphql-toe";
import { graphql } from "./__generated__/throwing/index.js";

const url = `${process.env.FEEDBACK_URL ?? "http://127.0.0.1:4000"}/graphql`;

const Beside = graphql(`
  query Beside($id: ID!, $after: String, $upTo: Int) {
    feedback(id: $id) {
      message
    }
    feedbacks(first: 1, after: $after) {
      nodes {
        id
      }
      count(upTo: $upTo) {
        value
      }
    }
  }
`);

/** Makes the fields that failed throw when they are read. */
const throwing: Exchange = mapExchange({
  onResult: (result) => {
    if (!result.data) return result;
    return { ...result, data: toe({ data: result.data, errors: result.error?.graphQLErrors }) };
  },
});

const client = new Client({ url, exchanges: [throwing, cacheExchange, fetchExchange] });

/** What is found beside a listing, and how many that has. */
export async function beside(id: string, after: string | null, upTo: number): Promise<[string?, (() => number)?]> {
  const { data } = await client.query(Beside, { id, after, upTo });
  return [data?.feedback?.message, data && (() => data.feedbacks.count.value)];
}
