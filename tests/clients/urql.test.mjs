// urql with its defaults, and with its normalised cache.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Client, cacheExchange, fetchExchange, gql } from "@urql/core";
import { cacheExchange as graphcache } from "@urql/exchange-graphcache";
import { relayPagination } from "@urql/exchange-graphcache/extras";
import { minifyIntrospectionQuery } from "@urql/introspection";
import { buildSchema, introspectionFromSchema } from "graphql";
import { byId, endpoint, ids, newTopic, sdl, seed } from "./support.mjs";

const network = byId ? [(await import("./trusted/urql.mjs")).byIdExchange, fetchExchange] : [fetchExchange];

const FEEDBACKS = gql`
  query Feedbacks($first: Int!, $after: String, $filter: FeedbackFilter) {
    feedbacks(first: $first, after: $after, filter: $filter) {
      edges {
        node {
          id
          message
          metadata {
            key
            value
          }
          triage {
            status
          }
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`;

const SUBMIT = gql`
  mutation Submit($input: SubmitFeedbackInput!) {
    submitFeedback(input: $input) {
      feedback {
        id
        message
      }
      userErrors {
        field
        code
      }
    }
  }
`;

function newClient(exchanges) {
  const requests = [];
  const client = new Client({
    url: endpoint,
    exchanges,
    fetch: (url, options) => {
      requests.push({ url, method: options.method });
      return fetch(url, options);
    },
  });
  return { client, requests };
}

describe("urql with its defaults", () => {
  const exchanges = [cacheExchange, ...network];

  test("queries by GET and submits by POST", async () => {
    const topic = newTopic("urql");
    const expected = await seed(topic, 2);
    const { client, requests } = newClient(exchanges);

    const listed = await client.query(FEEDBACKS, { first: 2, filter: { topic } });
    assert.equal(listed.error, undefined);
    assert.deepEqual(listed.data.feedbacks.edges.map(({ node }) => node.id), expected);

    const submitted = await client.mutation(SUBMIT, { input: { message: "Sent by urql.", topic } });
    assert.equal(submitted.error, undefined);
    assert.deepEqual(await ids(topic), [submitted.data.submitFeedback.feedback.id, ...expected]);

    assert.deepEqual(requests.map(({ method }) => method), ["GET", "POST"]);
    assert.ok(requests[0].url.startsWith(`${endpoint}?`), requests[0].url);
  });

  test("queries by POST when the address would be too long", async () => {
    const { client, requests } = newClient(exchanges);
    const { data, error } = await client.query(gql`query Many($ids: [ID!]!) { nodes(ids: $ids) { id } }`, {
      ids: Array.from({ length: 60 }, (_, n) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`),
    });
    assert.equal(error, undefined);
    assert.deepEqual(data.nodes, Array(60).fill(null));
    assert.deepEqual(requests.map(({ method }) => method), ["POST"]);
  });

  test("tells errors by their codes", async () => {
    const { client } = newClient(exchanges);
    const code = async (query, variables) => {
      const { error } = await client.query(query, variables);
      assert.equal(error.networkError, undefined);
      return error.graphQLErrors[0].extensions.code;
    };
    assert.equal(await code(FEEDBACKS, { first: 2, after: "not a cursor" }), "BAD_USER_INPUT");
    assert.equal(await code("{ votes }"), byId ? "QUERY_NOT_IN_SAFELIST" : "GRAPHQL_VALIDATION_FAILED");
  });
});

describe("urql with Graphcache", () => {
  const schema = minifyIntrospectionQuery(introspectionFromSchema(buildSchema(sdl)));

  function forgetListings(cache) {
    for (const { fieldName, fieldKey } of cache.inspectFields("Query")) {
      if (fieldName === "feedbacks") cache.invalidate("Query", fieldKey);
    }
  }

  function newCachingClient() {
    const warnings = [];
    const cache = graphcache({
      schema,
      // What has no id of its own is kept with what it belongs to.
      keys: { FeedbackMetadata: () => null, FeedbackTriage: () => null, FeedbackQuarantine: () => null },
      resolvers: {
        Query: {
          feedback: (_parent, { id }) => ({ __typename: "Feedback", id }),
          feedbacks: relayPagination(),
        },
      },
      updates: { Mutation: { submitFeedback: (_result, _args, cache) => forgetListings(cache) } },
      logger: (severity, message) => severity !== "debug" && warnings.push(message),
    });
    return { ...newClient([cache, ...network]), warnings };
  }

  test("collects the pages of a listing, and asks again after a submission", async () => {
    const topic = newTopic("graphcache");
    const expected = await seed(topic, 8);
    const { client, requests, warnings } = newCachingClient();
    const filter = { topic };

    let after;
    let listed;
    do {
      const { data, error } = await client.query(FEEDBACKS, { first: 3, after, filter });
      assert.equal(error, undefined);
      listed = data.feedbacks.edges.map(({ node }) => node.id);
      after = data.feedbacks.pageInfo.hasNextPage ? data.feedbacks.pageInfo.endCursor : undefined;
    } while (after);
    assert.deepEqual(listed, expected);
    assert.deepEqual(requests.map(({ method }) => method), ["GET", "GET", "GET"]);

    await client.mutation(SUBMIT, { input: { message: "One more.", topic } });
    const { data } = await client.query(FEEDBACKS, { first: 3, filter });
    assert.equal(data.feedbacks.edges[0].node.message, "One more.");
    assert.deepEqual(requests.map(({ method }) => method), ["GET", "GET", "GET", "POST", "GET"]);
    assert.deepEqual(warnings, []);
  });

  test("knows from the schema what may be missing", async () => {
    const topic = newTopic("graphcache");
    const [id] = await seed(topic, 1);
    const { client, warnings } = newCachingClient();
    await client.query(FEEDBACKS, { first: 1, filter: { topic } });

    const cached = async (query) => (await client.query(query, { id }, { requestPolicy: "cache-only" })).data;
    const nullable = await cached("query ($id: ID!) { feedback(id: $id) { message email } }");
    assert.deepEqual(nullable.feedback, { message: `Number 1 on ${topic}`, email: null });
    const required = await cached("query ($id: ID!) { feedback(id: $id) { message submittedAt } }");
    assert.equal(required?.feedback ?? null, null);
    assert.deepEqual(warnings, []);
  });
});
