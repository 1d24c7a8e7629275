// The schema in a company's graph: composed with another subgraph, and asked through Apollo's gateway.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { json } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { composeServices } from "@apollo/composition";
import { ApolloGateway, RemoteGraphQLDataSource } from "@apollo/gateway";
import { buildSubgraphSchema } from "@apollo/subgraph";
import { ask, endpoint, ids, newTopic, seed } from "./support.mjs";

// The same copy of the library that Apollo's packages have.
const { graphql, parse } = createRequire(import.meta.url)("graphql");

const TICKETS = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable"])

  type Query {
    node(id: ID!): Node
    tickets(topic: String!): [Ticket]!
    ticketPage(topic: String!): TicketConnection!
  }

  type Ticket implements Node @key(fields: "id") {
    id: ID!
    title: String!
    openedAt: DateTime!
    feedback: Feedback!
    related: [Feedback]!
  }

  type Feedback @key(fields: "id") {
    id: ID!
    tickets: [Ticket!]!
  }

  type TicketConnection {
    nodes: [Ticket!]!
    pageInfo: PageInfo!
  }

  type PageInfo @shareable {
    hasNextPage: Boolean!
    hasPreviousPage: Boolean!
    startCursor: String
    endCursor: String
  }

  interface Node {
    id: ID!
  }

  scalar DateTime
  scalar Date
`;

const servers = [];

/** Serves answers to JSON; its address. */
async function serve(answer) {
  const server = createServer(async (request, response) => {
    const { status = 200, body } = await answer(await json(request), request.headers);
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  servers.push(server.listen(0, "127.0.0.1"));
  await once(server, "listening");
  return `http://127.0.0.1:${server.address().port}`;
}

/** A subgraph of support tickets, each about feedback. */
function ticketsSchema(tickets) {
  const feedback = (id) => ({ id });
  const resolvers = {
    Query: {
      tickets: (_root, { topic }) => tickets.filter((ticket) => ticket.topic === topic),
      ticketPage: (_root, { topic }) => ({
        nodes: tickets.filter((ticket) => ticket.topic === topic),
        pageInfo: { hasNextPage: false, hasPreviousPage: false },
      }),
    },
    Ticket: {
      __resolveReference: ({ id }) => tickets.find((ticket) => ticket.id === id),
      openedAt: () => "2026-03-01T09:30:00.250Z",
      feedback: (ticket) => feedback(ticket.about),
      related: (ticket) => (ticket.related ?? []).map(feedback),
    },
    Feedback: {
      __resolveReference: ({ id }) => feedback(id),
      tickets: ({ id }) => tickets.filter((ticket) => ticket.about === id),
    },
  };
  return buildSubgraphSchema({ typeDefs: parse(TICKETS), resolvers });
}

async function definition() {
  const { _service } = await ask("{ _service { sdl } }");
  return _service.sdl;
}

function composed(feedbackSdl, ticketsSdl, { feedbackUrl, ticketsUrl } = {}) {
  return composeServices([
    { name: "feedback", typeDefs: parse(feedbackSdl), url: feedbackUrl },
    { name: "tickets", typeDefs: parse(ticketsSdl), url: ticketsUrl },
  ]);
}

/** A graph of both subgraphs behind a gateway, and what it has asked the service for. */
async function startGraph() {
  const tickets = [];
  const schema = ticketsSchema(tickets);
  const ticketsUrl = await serve(async ({ query, variables, operationName }) => ({
    body: await graphql({ schema, source: query, variableValues: variables, operationName }),
  }));
  const asked = [];
  const feedbackUrl = await serve(async (body, { authorization }) => {
    asked.push({ ...body, authorization });
    const response = await fetch(endpoint, {
      method: "POST",
      headers: { "content-type": "application/json", ...(authorization && { authorization }) },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: await response.json() };
  });
  const { supergraphSdl, errors } = composed(await definition(), TICKETS, { feedbackUrl, ticketsUrl });
  assert.equal(errors, undefined);
  const gateway = new ApolloGateway({
    supergraphSdl,
    buildService: ({ url }) =>
      new RemoteGraphQLDataSource({
        url,
        willSendRequest({ request, context }) {
          if (context.authorization) request.http.headers.set("authorization", context.authorization);
        },
      }),
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  });
  const { executor } = await gateway.load();
  const execute = async (query, variables = {}, context = {}) => {
    const request = { query, variables };
    const answer = await executor({ document: parse(query), request, queryHash: randomUUID(), context, metrics: {} });
    return JSON.parse(JSON.stringify(answer));
  };
  return { tickets, asked, execute, stop: () => gateway.stop() };
}

describe("the subgraph's definition", () => {
  test("composes with a subgraph that has connections, nodes, and dates of its own", async () => {
    const { errors, hints, schema } = composed(await definition(), TICKETS);
    assert.equal(errors, undefined);
    // The other one does not say where its scalar is specified; what the service says is kept.
    assert.deepEqual(hints.map(({ definition }) => definition.code), []);
    const graph = schema.toAPISchema();
    const fields = (type) => graph.type(type).fields().map(({ name }) => name);
    assert.ok(fields("Feedback").includes("tickets") && fields("Feedback").includes("message"));
    assert.ok(fields("Query").includes("feedbacks") && fields("Mutation").includes("submitFeedback"));
    assert.equal(graph.type("_Entity"), undefined);
  });

  test("leaves `node` and `nodes` to another subgraph", async () => {
    const sdl = await definition();
    assert.equal(composed(sdl, TICKETS).errors, undefined);
    const withNode = sdl.replace("type Query {", "type Query {\n  node(id: ID!): Node");
    const codes = composed(withNode, TICKETS).errors.map(({ extensions }) => extensions.code);
    assert.deepEqual(codes, ["INVALID_FIELD_SHARING"]);
  });

  for (const [what, theirs, others, code] of [
    ["`PageInfo` that is not shareable", "type PageInfo @shareable", "type PageInfo", "INVALID_FIELD_SHARING"],
    ["a field more in `PageInfo`", "endCursor: String", "endCursor: String total: Int", "SATISFIABILITY_ERROR"],
    ["another kind of `DateTime`", "scalar DateTime", "type DateTime { at: String }", "TYPE_KIND_MISMATCH"],
    ["another `RatingCount`", "scalar Date\n", "scalar Date type RatingCount { count: Int! }", "INVALID_FIELD_SHARING"],
    ["another `Query.feedback`", "type Query {", "type Query { feedback: Feedback", "INVALID_FIELD_SHARING"],
    ["a field more in `Node`", "interface Node {", "interface Node { title: String!", "INTERFACE_FIELD_NO_IMPLEM"],
  ]) {
    test(`collides with ${what}, as the documentation says`, async () => {
      assert.ok(TICKETS.includes(theirs));
      const { errors } = composed(await definition(), TICKETS.replace(theirs, others));
      assert.ok(errors.map(({ extensions }) => extensions.code).includes(code), errors.join("\n"));
    });
  }
});

describe("through the gateway", () => {
  let graph;
  before(async () => (graph = await startGraph()));
  after(() => graph.stop());

  /** A topic with feedback, and a ticket about each. */
  async function opened(count) {
    const topic = newTopic("graph");
    const about = await seed(topic, count);
    const opened = about.map((id, n) => ({ id: randomUUID(), title: `Ticket ${n}`, topic, about: id }));
    graph.tickets.push(...opened);
    return { topic, about, opened };
  }

  /** The requests to the service for an operation, and its answer. */
  async function traced(query, variables, context) {
    graph.asked.length = 0;
    const answer = await graph.execute(query, variables, context);
    return { ...answer, asked: [...graph.asked] };
  }

  test("feedback of many tickets is one request for each place in the answer", async () => {
    const { topic, about, opened: all } = await opened(25);
    all.forEach((ticket) => (ticket.related = about.slice(0, 3)));
    const { data, errors, asked } = await traced(
      "query ($topic: String!) { tickets(topic: $topic) { title feedback { id message } related { message } } }",
      { topic },
    );
    assert.equal(errors, undefined);
    const related = about.slice(0, 3).map((_, n) => ({ message: `Number ${25 - n} on ${topic}` }));
    assert.deepEqual(
      data.tickets,
      about.map((id, n) => {
        return { title: `Ticket ${n}`, feedback: { id, message: `Number ${25 - n} on ${topic}` }, related };
      }),
    );
    // One for each place in the answer, side by side.
    const sent = asked.map(({ variables }) => variables.representations);
    assert.deepEqual(sent.map(({ length }) => length).toSorted((a, b) => a - b), [25, 75]);
    assert.ok(sent.flat().every(({ __typename, id }) => __typename === "Feedback" && about.includes(id)));
  });

  test("more entities than the service reads at once are one request all the same", async () => {
    const topic = newTopic("graph");
    const [known] = await seed(topic, 1);
    const unknown = () => ({ id: randomUUID(), title: "Lost", topic, about: known, related: [randomUUID(), known] });
    graph.tickets.push(...Array.from({ length: 150 }, unknown));
    const { data, errors, asked } = await traced(
      "query ($topic: String!) { tickets(topic: $topic) { related { email topic } } }",
      { topic },
    );
    assert.equal(errors, undefined);
    assert.equal(asked.length, 1);
    // The gateway sends the same one again and again.
    assert.equal(asked[0].variables.representations.length, 300);
    const related = [{ email: null, topic: null }, { email: null, topic }];
    assert.deepEqual(data.tickets, Array(150).fill({ related }));
  });

  test("a listing is completed by the other subgraph, and that by the service again", async () => {
    const { topic, about } = await opened(3);
    const { data, errors, asked } = await traced(
      `query ($topic: String!) {
        feedbacks(first: 2, filter: { topic: $topic }) {
          nodes { id tickets { title openedAt feedback { rating } } }
          pageInfo { hasNextPage }
        }
        ticketPage(topic: $topic) { nodes { title } pageInfo { hasNextPage endCursor } }
      }`,
      { topic },
    );
    assert.equal(errors, undefined);
    const openedAt = "2026-03-01T09:30:00.250Z";
    assert.deepEqual(data.feedbacks, {
      nodes: [
        { id: about[0], tickets: [{ title: "Ticket 0", openedAt, feedback: { rating: 4 } }] },
        { id: about[1], tickets: [{ title: "Ticket 1", openedAt, feedback: { rating: 3 } }] },
      ],
      pageInfo: { hasNextPage: true },
    });
    assert.deepEqual(data.ticketPage.pageInfo, { hasNextPage: false, endCursor: null });
    assert.equal(asked.length, 2);
  });

  test("an entity that fails costs nobody but who refers to it", async () => {
    const { topic, about, opened: tickets } = await opened(4);
    tickets[1].about = randomUUID();
    tickets[2].about = "no id at all";
    const { data, errors } = await traced(
      "query ($topic: String!) { tickets(topic: $topic) { title feedback { id message } } }",
      { topic },
    );
    const feedback = (n) => ({ id: about[n], message: `Number ${4 - n} on ${topic}` });
    const ticket = (n) => ({ title: `Ticket ${n}`, feedback: feedback(n) });
    assert.deepEqual(data.tickets, [ticket(0), null, null, ticket(3)]);
    const [error, ...more] = errors.filter(({ extensions }) => extensions.code === "BAD_USER_INPUT");
    assert.deepEqual(more, []);
    assert.match(error.message, /^`no id at all` is not a UUID/);
    assert.equal(error.extensions.serviceName, "feedback");
    assert.deepEqual(error.path, ["tickets", 2, "feedback"]);
  });

  test("entities that are too many leave what else was asked for", async () => {
    const { topic, opened: tickets } = await opened(1);
    tickets[0].related = Array.from({ length: 1_001 }, () => randomUUID());
    const { data, errors } = await traced(
      "query ($topic: String!) { tickets(topic: $topic) { title related { topic } feedback { message } } }",
      { topic },
    );
    assert.equal(data.tickets[0].title, "Ticket 0");
    assert.equal(data.tickets[0].feedback.message, `Number 1 on ${topic}`);
    assert.ok(data.tickets[0].related.every((feedback) => feedback.topic === null));
    const refusals = errors.map(({ extensions }) => extensions.response.body.errors[0].extensions.code);
    assert.deepEqual(refusals, ["PAYLOAD_TOO_LARGE"]);
  });

  test("mutations go to the service, and their feedback is completed by the other subgraph", async () => {
    const topic = newTopic("graph");
    const { data, errors } = await traced(
      `mutation ($input: SubmitFeedbackInput!) {
        submitFeedback(input: $input) { feedback { id message tickets { title } } userErrors { code } }
      }`,
      { input: { message: "Sent through a gateway.", topic } },
    );
    assert.equal(errors, undefined);
    const { feedback, userErrors } = data.submitFeedback;
    assert.deepEqual(await ids(topic), [feedback.id]);
    assert.deepEqual(userErrors, []);
    assert.deepEqual(feedback, { id: feedback.id, message: "Sent through a gateway.", tickets: [] });

    graph.tickets.push({ id: randomUUID(), title: "Followed up", topic, about: feedback.id });
    const triaged = await traced(
      `mutation ($input: TriageFeedbackInput!) {
        triageFeedback(input: $input) { feedback { triage { status } tickets { title } } }
      }`,
      { input: { id: feedback.id, status: "RESOLVED" } },
    );
    assert.deepEqual(triaged.data.triageFeedback, {
      feedback: { triage: { status: "RESOLVED" }, tickets: [{ title: "Followed up" }] },
    });
  });

  test("the caller's credential travels", async () => {
    const { topic } = await opened(1);
    const query = "query ($topic: String!) { tickets(topic: $topic) { feedback { message } } }";
    const authorization = "Bearer of-the-caller";
    for (const context of [{ authorization }, {}]) {
      const { asked } = await traced(query, { topic }, context);
      assert.deepEqual(asked.map((request) => request.authorization), [context.authorization]);
    }
  });
});

describe("next to Apollo's own subgraph", () => {
  const QUERY = `query ($representations: [_Any!]!) {
    _entities(representations: $representations) { __typename ... on Feedback { id message } }
  }`;
  let answers;

  before(async () => {
    const topic = newTopic("oracle");
    const [newer, older] = await seed(topic, 2);
    const messages = { [newer]: `Number 2 on ${topic}`, [older]: `Number 1 on ${topic}` };
    const schema = buildSubgraphSchema({
      typeDefs: parse(await definition()),
      resolvers: {
        Feedback: {
          __resolveReference: async ({ id }) => {
            if (!/^[0-9a-f-]{36}$/.test(id)) throw new Error("not an id");
            return messages[id] ? { id, message: messages[id] } : null;
          },
        },
      },
    });
    answers = async (representations) => {
      const variables = { representations: representations({ newer, older, unknown: randomUUID() }) };
      const response = await fetch(endpoint, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ query: QUERY, variables }),
      });
      // A variable that is wrong is no field's error.
      const place = ({ path, locations }) => path && { path, locations };
      const reduced = ({ data, errors }) => ({ data, failed: errors?.map(place) });
      const reference = await graphql({ schema, source: QUERY, variableValues: variables });
      return [await response.json(), reference].map((answer) => reduced(JSON.parse(JSON.stringify(answer))));
    };
  });

  const feedback = (id, more) => ({ __typename: "Feedback", id, ...more });
  for (const [what, representations] of [
    ["no representation", () => []],
    [
      "entities, one twice and one that does not exist",
      ({ newer, older, unknown }) => [newer, unknown, older, newer].map((id) => feedback(id)),
    ],
    ["fields besides the key", ({ newer }) => [feedback(newer, { tickets: [{ id: 1 }], message: "another" })]],
    ["a single one without a list", ({ newer }) => feedback(newer)],
    ["an id that is none, among others", ({ newer, older }) => [feedback(newer), feedback("1234"), feedback(older)]],
    ["no list at all", () => null],
    ["null in the list", ({ newer }) => [feedback(newer), null]],
  ]) {
    test(`the answer to ${what} is the same`, async () => {
      const [service, reference] = await answers(representations);
      assert.deepEqual(service, reference);
    });
  }

  for (const [what, wrong] of [
    ["of another type", { __typename: "Ticket", id: "1" }],
    ["without a type", { id: "1" }],
  ]) {
    test(`a representation ${what} costs itself here, and every other one there`, async () => {
      const [service, reference] = await answers(({ newer }) => [feedback(newer), wrong]);
      assert.deepEqual(service.failed.map(({ path }) => path), [["_entities", 1]]);
      assert.equal(service.data._entities[0].__typename, "Feedback");
      assert.deepEqual(reference.failed.map(({ path }) => path), [["_entities"]]);
    });
  }

  test("the definition is a schema that Apollo's subgraph takes, and tells again", async () => {
    const schema = buildSubgraphSchema({ typeDefs: parse(await definition()) });
    const { data } = await graphql({ schema, source: "{ _service { sdl } }" });
    const { errors } = composed(data._service.sdl, TICKETS);
    assert.equal(errors, undefined);
  });
});

after(() => servers.forEach((server) => server.close().closeAllConnections()));
