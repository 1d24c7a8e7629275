// Apollo Client 4, without a framework.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ApolloClient, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { relayStylePagination } from "@apollo/client/utilities";
import { parse } from "graphql";
import { distinctUntilChanged, filter, lastValueFrom, map, takeWhile, tap } from "rxjs";
import { ask, byId, endpoint, newTopic, seed } from "./support.mjs";
import { byIdLink } from "./trusted/apollo.mjs";

const FEEDBACKS = gql`
  query Feedbacks($first: Int!, $after: String, $filter: FeedbackFilter, $order: FeedbackOrder! = NEWEST_FIRST) {
    feedbacks(first: $first, after: $after, filter: $filter, order: $order) {
      edges {
        cursor
        node {
          id
          message
          metadata {
            key
            value
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
        rating
        submittedAt
      }
      userErrors {
        field
        code
        message
      }
    }
  }
`;

const NUMBERS = gql`
  query Numbers($topic: String!, $from: Date!, $to: Date!) {
    feedbacks(first: 1, filter: { topic: $topic }) {
      count(upTo: 10) {
        value
        isExact
      }
    }
    feedbackStatistics(from: $from, to: $to, topic: $topic) {
      total
      averageRating
      ratings {
        rating
        count
      }
      topics(first: 1) {
        topic
        count
      }
      isComplete
    }
  }
`;

const INBOX = gql`
  query Inbox($after: String, $filter: FeedbackFilter) {
    feedbacks(first: 7, after: $after, filter: $filter, order: OLDEST_FIRST) {
      edges {
        node {
          id
          triage {
            status
            note
            version
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

const TRIAGE = gql`
  mutation Triage($input: TriageFeedbackInput!) {
    triageFeedback(input: $input) {
      feedback {
        id
        triage {
          status
          note
          version
        }
      }
      userErrors {
        field
        code
        message
      }
    }
  }
`;

/** A client that takes down the status of each response. */
function newClient(statuses = []) {
  const http = new HttpLink({
    uri: endpoint,
    fetch: async (url, options) => {
      // The text of a trusted document would be executed too.
      if (byId) assert.doesNotMatch(`${url} ${options.body}`, /\bquery["=]/);
      const response = await fetch(url, options);
      statuses.push(response.status);
      return response;
    },
  });
  const fields = { feedbacks: relayStylePagination(["filter", "order"]) };
  const link = byId ? byIdLink.concat(http) : http;
  return new ApolloClient({ link, cache: new InMemoryCache({ typePolicies: { Query: { fields } } }) });
}

describe("Apollo Client", () => {
  test("submits feedback", async () => {
    const input = { message: "  Dark mode, please.  ", rating: 4, metadata: [{ key: "version", value: "1.2" }] };
    const { data } = await newClient().mutate({ mutation: SUBMIT, variables: { input } });
    const { feedback, userErrors } = data.submitFeedback;
    assert.deepEqual(userErrors, []);
    assert.equal(feedback.message, "Dark mode, please.");
    assert.equal(feedback.rating, 4);
    assert.ok(Math.abs(Date.parse(feedback.submittedAt) - Date.now()) < 60_000, feedback.submittedAt);
  });

  test("collects the pages of a listing, each order in a list of its own", async () => {
    const topic = newTopic("apollo");
    const expected = await seed(topic, 8);
    const statuses = [];
    const client = newClient(statuses);
    for (const [order, ids] of [["NEWEST_FIRST", expected], ["OLDEST_FIRST", expected.toReversed()]]) {
      const list = client.watchQuery({ query: FEEDBACKS, variables: { first: 3, filter: { topic }, order } });
      // What an endless list does: once a page is shown, it asks for the next.
      const shown = list.pipe(
        filter(({ loading }) => !loading),
        map(({ data }) => data.feedbacks),
        distinctUntilChanged((before, now) => before.pageInfo.endCursor === now.pageInfo.endCursor),
        tap(({ pageInfo: { hasNextPage, endCursor } }) => {
          if (hasNextPage) list.fetchMore({ variables: { after: endCursor } });
        }),
        takeWhile(({ pageInfo }) => pageInfo.hasNextPage, true),
      );
      const { edges } = await lastValueFrom(shown);
      assert.deepEqual(edges.map(({ node }) => node.id), ids);
    }
    assert.deepEqual(statuses, Array(6).fill(200));
  });

  test("counts what pages show, and no longer what was deleted", async () => {
    const topic = newTopic("apollo");
    const [newest] = await seed(topic, 11);
    const date = (days) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
    const variables = { topic, from: date(-399), to: date(0) };
    const numbers = async () => {
      for (;;) {
        const { data } = await newClient().query({ query: NUMBERS, variables });
        if (data.feedbackStatistics.isComplete) return data;
      }
    };
    const before = await numbers();
    assert.deepEqual([before.feedbacks.count.value, before.feedbacks.count.isExact], [10, false]);
    const { total, averageRating, ratings, topics } = before.feedbackStatistics;
    assert.deepEqual([total, averageRating, topics[0].topic, topics[0].count], [11, 32 / 11, topic, 11]);
    assert.deepEqual(ratings.map(({ rating, count }) => [rating, count]), [[1, 2], [2, 3], [3, 2], [4, 2], [5, 2]]);
    await ask("mutation ($id: ID!) { deleteFeedback(id: $id) { deletedFeedbackId } }", { id: newest });
    const after = await numbers();
    assert.deepEqual([after.feedbacks.count.value, after.feedbacks.count.isExact], [10, true]);
    assert.equal(after.feedbackStatistics.total, 10);
  });

  test("tells a bad argument by its code", async () => {
    const variables = { first: 3, after: "not a cursor" };
    await assert.rejects(newClient().query({ query: FEEDBACKS, variables }), (error) => {
      assert.ok(CombinedGraphQLErrors.is(error), error);
      assert.deepEqual(error.errors.map(({ path, extensions }) => [path, extensions.code]), [
        [["feedbacks"], "BAD_USER_INPUT"],
      ]);
      return true;
    });
  });

  test("keeps the data beside a field that failed", async () => {
    const topic = newTopic("apollo");
    const [id] = await seed(topic, 1);
    const query = gql`
      query Beside($id: ID!, $after: String) {
        feedback(id: $id) {
          id
        }
        feedbacks(after: $after) {
          nodes {
            id
          }
        }
      }
    `;
    const variables = { id, after: "not a cursor" };
    const { data, error } = await newClient().query({ query, variables, errorPolicy: "all" });
    assert.ok(CombinedGraphQLErrors.is(error), error);
    assert.equal(data.feedback.id, id);
    assert.equal(data.feedbacks, null);
  });

  test("throws where one field failed, of a mutation too, unless told to keep the data", async () => {
    const query = gql`query Aside($after: String) { __typename quarantinedFeedbacks(after: $after) { nodes { id } } }`;
    const variables = { after: "not a cursor" };
    const client = newClient();
    await assert.rejects(client.query({ query, variables }), CombinedGraphQLErrors.is);
    const mutation = gql`mutation Delete { deleteFeedback(id: "no id") { deletedFeedbackId } }`;
    await assert.rejects(client.mutate({ mutation }), CombinedGraphQLErrors.is);
    // What is kept is in the cache without its error, for whoever asks next.
    await client.query({ query, variables, errorPolicy: "all" });
    const { data, error } = await client.query({ query, variables });
    assert.deepEqual([data.quarantinedFeedbacks, error], [null, undefined]);
  });

  test("sees why its document is refused, although the status is 400", async () => {
    const statuses = [];
    const [code, reason] = byId ? ["PERSISTED_QUERY_NOT_IN_LIST", /trusted/] : ["GRAPHQL_VALIDATION_FAILED", /votes/];
    // Not by a tag: what has one is trusted.
    await assert.rejects(newClient(statuses).query({ query: parse("{ feedbacks { nodes { votes } } }") }), (error) => {
      assert.ok(CombinedGraphQLErrors.is(error), error);
      assert.equal(error.errors[0].extensions.code, code);
      assert.match(error.message, reason);
      return true;
    });
    assert.deepEqual(statuses, [400]);
  });

  test("gets what the person can correct as data", async () => {
    const input = { message: " ", rating: 9 };
    const { data, error } = await newClient().mutate({ mutation: SUBMIT, variables: { input } });
    assert.equal(error, undefined);
    assert.equal(data.submitFeedback.feedback, null);
    assert.deepEqual(data.submitFeedback.userErrors.map(({ field, code }) => [field, code]), [
      [["message"], "BLANK"],
      [["rating"], "OUT_OF_RANGE"],
    ]);
  });
});

/** A person who works through an inbox with a client of their own. */
class Person {
  conflicts = 0;
  #name;
  #filter;
  #client = newClient();

  constructor(name, topic) {
    this.#name = name;
    this.#filter = { topic, status: ["OPEN", "IN_PROGRESS"] };
  }

  /** All that is in the inbox, page by page. */
  async inbox() {
    let after;
    for (;;) {
      const variables = { filter: this.#filter, after };
      const { data } = await this.#client.query({ query: INBOX, variables, fetchPolicy: "network-only" });
      const { edges, pageInfo } = data.feedbacks;
      if (!pageInfo.hasNextPage) return edges.map(({ node }) => node);
      after = pageInfo.endCursor;
    }
  }

  /** Adds a line to the note, and resolves: on top of whatever others did meanwhile. */
  async resolve({ id, triage }) {
    const note = [triage.note, this.#name].filter(Boolean).join("\n");
    const input = { id, expectedVersion: triage.version, status: "RESOLVED", addTags: [this.#name], note };
    const { data } = await this.#client.mutate({ mutation: TRIAGE, variables: { input } });
    const { feedback, userErrors } = data.triageFeedback;
    if (userErrors.length === 0) return;
    assert.deepEqual(userErrors.map(({ field, code }) => [field, code]), [[["expectedVersion"], "VERSION_CONFLICT"]]);
    this.conflicts++;
    // The answer has what is there now, and so has the cache.
    const fragment = gql`fragment Current on Feedback { triage { version } }`;
    const cached = this.#client.cache.readFragment({ id: `Feedback:${id}`, fragment });
    assert.equal(cached.triage.version, feedback.triage.version);
    await this.resolve(feedback);
  }
}

describe("two people with Apollo Client", () => {
  test("work through the same inbox at once, and no change is lost", async () => {
    const topic = newTopic("inbox");
    const expected = (await seed(topic, 30)).toReversed();
    const people = [new Person("ana", topic), new Person("bo", topic)];
    const inboxes = await Promise.all(people.map((person) => person.inbox()));
    for (const inbox of inboxes) assert.deepEqual(inbox.map(({ id }) => id), expected);

    const workThrough = async (person, inbox) => {
      for (const feedback of inbox) await person.resolve(feedback);
    };
    await Promise.all(people.map((person, n) => workThrough(person, inboxes[n])));

    // Of both changes of each piece, made from the same version, one met the other.
    assert.equal(people[0].conflicts + people[1].conflicts, 30);
    const read = `query ($ids: [ID!]!) {
      nodes(ids: $ids) { ... on Feedback { triage { status tags note version } } }
    }`;
    const { nodes } = await ask(read, { ids: expected });
    for (const { triage: { note, ...triage } } of nodes) {
      assert.deepEqual(triage, { status: "RESOLVED", tags: ["ana", "bo"], version: 2 });
      assert.deepEqual(note.split("\n").sort(), ["ana", "bo"]);
    }
    assert.deepEqual(await new Person("kim", topic).inbox(), []);
  });
});
