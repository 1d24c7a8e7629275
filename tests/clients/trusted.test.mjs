// Clients that name documents by their ids, where the service does not know them: it has other trusted documents, or
// none.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ApolloClient, HttpLink, InMemoryCache } from "@apollo/client";
import { Client, fetchExchange } from "@urql/core";
import { persistedExchange } from "@urql/exchange-persisted";
import { parse } from "graphql";
import { endpoint } from "./support.mjs";
import { byIdLink } from "./trusted/apollo.mjs";

const QUERY = "query New { feedbacks(first: 1) { pageInfo { hasNextPage } } }";

/** Fetches, and takes down which requests have a text. */
function recorded(withText) {
  return (url, options) => {
    withText.push(/\bquery["=]/.test(`${url} ${options.body}`));
    return fetch(url, options);
  };
}

describe("a document that the service does not know is sent as text by", () => {
  test("Apollo Client", async () => {
    const withText = [];
    const http = new HttpLink({ uri: endpoint, fetch: recorded(withText) });
    const client = new ApolloClient({ link: byIdLink.concat(http), cache: new InMemoryCache() });
    const { data } = await client.query({ query: parse(QUERY) });
    assert.equal(typeof data.feedbacks.pageInfo.hasNextPage, "boolean");
    assert.deepEqual(withText, [false, true]);
  });

  test("urql", async () => {
    const withText = [];
    const exchanges = [persistedExchange(), fetchExchange];
    const client = new Client({ url: endpoint, exchanges, fetch: recorded(withText) });
    const { data, error } = await client.query(QUERY);
    assert.equal(error, undefined);
    assert.equal(typeof data.feedbacks.pageInfo.hasNextPage, "boolean");
    assert.deepEqual(withText, [false, true]);
  });
});
