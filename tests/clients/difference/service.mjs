// A running service, asked without any client, and what it holds.

import { getIntrospectionQuery } from "graphql";

/** Codes of answers that tell nothing of the specification: the document asks for more than the service gives. */
const LIMITS = new Set([
  "QUERY_TOO_LONG", "TOO_MANY_TOKENS", "QUERY_TOO_DEEP", "QUERY_TOO_COMPLEX", "TOO_MANY_ALIASES",
  "TOO_MANY_ROOT_FIELDS", "TOO_MANY_DIRECTIVES", "PAYLOAD_TOO_LARGE",
]);

/** Codes of answers that may be others in a moment. */
const BUSY = new Set(["SERVICE_UNAVAILABLE", "TOO_MANY_REQUESTS"]);

const ALL = `{
  feedbacks(first: 100) { ...All }
  quarantinedFeedbacks(first: 100) { ...All }
}
fragment All on FeedbackConnection {
  edges {
    cursor
    node {
      id message rating topic email pageUrl submittedAt metadata { key value }
      triage { status tags note version updatedAt updatedBy }
      quarantine { reasons since }
    }
  }
}`;
const DELETE = "mutation ($id: ID!) { deleteFeedback(id: $id) { deletedFeedbackId } }";
const SUBMIT = `mutation ($input: SubmitFeedbackInput!) {
  submitFeedback(input: $input) { feedback { id } userErrors { message } }
}`;
const TRIAGE = "mutation ($input: TriageFeedbackInput!) { triageFeedback(input: $input) { userErrors { message } } }";

/** Whether an answer only says that a limit was exceeded. */
export function exceedsLimit({ errors }) {
  return errors?.some(({ extensions }) => LIMITS.has(extensions?.code)) ?? false;
}

export class Service {
  #endpoint;

  constructor(url) {
    this.#endpoint = `${url}/graphql`;
  }

  /** The answer to a request, with its status. */
  async answer(request) {
    const response = await fetch(this.#endpoint, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/graphql-response+json" },
      body: JSON.stringify(request),
    });
    const body = await response.text();
    try {
      return { status: response.status, ...JSON.parse(body) };
    } catch {
      throw new Error(`${response.status} with a body that is not JSON: ${body}`);
    }
  }

  /** The same for a query: a service that says that it is busy is asked again. */
  async answerToQuery(request) {
    for (let tries = 1; ; tries++) {
      const answer = await this.answer(request);
      const isBusy = answer.errors?.some(({ extensions }) => BUSY.has(extensions?.code));
      if (!isBusy || tries === 5) return answer;
    }
  }

  /** The data of a plain request that has to succeed. */
  async #data(query, variables) {
    const { data, errors } = await this.answer({ query, variables });
    if (errors) throw new Error(`${query}: ${JSON.stringify(errors)}`);
    return data;
  }

  /** Its schema, as introspection tells it. */
  async schema() {
    const { __schema: schema } = await this.#data(getIntrospectionQuery());
    return schema;
  }

  /** All feedback that it holds, each with its cursor: what is listed, then what is in quarantine, the newest first. */
  async held() {
    const { feedbacks, quarantinedFeedbacks } = await this.#data(ALL);
    const edges = [...feedbacks.edges, ...quarantinedFeedbacks.edges];
    return edges.map(({ cursor, node }) => ({ cursor, ...node }));
  }

  /** Deletes everything, and submits these, each with the changes of its triage in their order. */
  async refill(pieces) {
    for (let held = await this.held(); held.length > 0; held = await this.held()) {
      for (const { id } of held) {
        await this.#data(DELETE, { id });
      }
    }
    for (const { changes = [], ...input } of pieces) {
      const { submitFeedback } = await this.#data(SUBMIT, { input });
      expectNoUserErrors(submitFeedback, input);
      for (const change of changes) {
        const { triageFeedback } = await this.#data(TRIAGE, { input: { id: submitFeedback.feedback.id, ...change } });
        expectNoUserErrors(triageFeedback, change);
      }
    }
  }
}

function expectNoUserErrors({ userErrors }, input) {
  if (userErrors.length > 0) throw new Error(`${JSON.stringify(input)}: ${JSON.stringify(userErrors)}`);
}
