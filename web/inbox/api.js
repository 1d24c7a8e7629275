// GraphQL over HTTP, and the operations of the inbox.

const endpoint = document.querySelector('meta[name="feedback-endpoint"]').content;
const ATTEMPTS = 4;

/** In memory alone: it is gone with the page. */
let token;

/** A request that has no result: `code` is an error code of the service, `HTTP_` and a status, or `NETWORK`. */
export class ApiError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }

  get needsSignIn() {
    return this.code === "UNAUTHENTICATED" || this.code === "HTTP_401";
  }
}

/** From now on, requests carry this bearer token; without one, none. */
export function useToken(value) {
  token = value;
}

export const isSignedIn = () => token !== undefined;

/**
 * The data of an operation. After a 429 or a 503 it is sent again, when Retry-After says: every operation of the inbox
 * has the same effect once or several times, as each change names the version that it is based on.
 */
export async function request(query, variables) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await once(query, variables);
    } catch (error) {
      if (!error.retryAfter || attempt === ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, error.retryAfter * 1000));
    }
  }
}

async function once(query, variables) {
  let response;
  let answer;
  try {
    response = await fetch(endpoint, {
      method: "POST",
      headers: {
        "Accept": "application/graphql-response+json, application/json",
        "Content-Type": "application/json",
        ...(token && { "Authorization": `Bearer ${token}` }),
      },
      body: JSON.stringify({ query, variables }),
      credentials: "omit",
      signal: AbortSignal.timeout(30_000),
    });
    answer = await response.json();
  } catch {
    if (!response) throw new ApiError("NETWORK", "The service cannot be reached. Is there a connection?");
    answer = {};
  }
  const [error] = answer.errors ?? [];
  if (!error && answer.data) return answer.data;
  const refused = new ApiError(error?.extensions?.code ?? `HTTP_${response.status}`, messageOf(response, error));
  if ([429, 503].includes(response.status)) {
    refused.retryAfter = Math.min(Number(response.headers.get("Retry-After")) || 1, 30);
  }
  throw refused;
}

function messageOf({ status }, error) {
  if (status === 429) return "The service is busy. Please try again in a moment.";
  if (status === 403) return "Your credential does not allow this.";
  if (error) return `The service answered: ${error.message}.`;
  return `The service answered with status ${status}, and nothing that this page understands.`;
}

const FEEDBACK = `fragment Piece on Feedback {
  id message rating topic email pageUrl submittedAt
  metadata { key value }
  triage { status tags note version updatedAt updatedBy }
  quarantine { reasons since }
}`;

const PAGE_INFO = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }";

/** A page of a listing: its nodes and its page information. */
export async function fetchPage({ field, filter, order, ...page }) {
  const query = `query Page($first: Int, $after: String, $last: Int, $before: String, $order: FeedbackOrder, $filter: FeedbackFilter) {
    page: ${field}(first: $first, after: $after, last: $last, before: $before, order: $order, filter: $filter) {
      nodes { ...Piece } ${PAGE_INFO}
    }
  }
  ${FEEDBACK}`;
  return (await request(query, { filter, order, ...page })).page;
}

/** How many there are in each of these listings, by name: filters,. */
export async function fetchCounts(filters) {
  const entries = Object.entries(filters);
  const fields = entries.map(([, { field }], n) => `c${n}: ${field}(first: 1, filter: $f${n}) { count { value isExact } }`);
  const declared = entries.map((_, n) => `$f${n}: FeedbackFilter`);
  const variables = Object.fromEntries(entries.map(([, { filter }], n) => [`f${n}`, filter]));
  const data = await request(`query Counts(${declared}) { ${fields.join(" ")} }`, variables);
  return Object.fromEntries(entries.map(([name], n) => [name, data[`c${n}`].count]));
}

/** Statistics of some days, as far as they are counted. */
export async function fetchStatistics({ from, to, topic }) {
  const query = `query Statistics($from: Date!, $to: Date!, $topic: String) {
    feedbackStatistics(from: $from, to: $to, topic: $topic) {
      total averageRating isComplete ratings { rating count }
      topics(first: 20) { topic count averageRating }
      days { date total averageRating ratings { rating count } }
    }
  }`;
  return (await request(query, { from, to, topic })).feedbackStatistics;
}

/** Deletes feedback from an address, some of it: how much, and whether that was all. */
export async function erase(email) {
  const mutation = `mutation Erase($input: ErasePersonInput!) {
    erasePerson(input: $input) { erasedCount isComplete userErrors { field code message } }
  }`;
  const { userErrors, ...erased } = (await request(mutation, { input: { email } })).erasePerson;
  if (userErrors.length > 0) throw new ApiError(userErrors[0].code, `The address ${userErrors[0].message}.`);
  return erased;
}

/** One by its id, or null. */
export async function fetchOne(id) {
  return (await request(`query One($id: ID!) { feedback(id: $id) { ...Piece } } ${FEEDBACK}`, { id })).feedback;
}

/** Changes triage: the feedback as it is now, and user errors. */
export async function triage(input) {
  const mutation = `mutation Triage($input: TriageFeedbackInput!) {
    triageFeedback(input: $input) { feedback { ...Piece } userErrors { field code message } }
  }
  ${FEEDBACK}`;
  return (await request(mutation, { input })).triageFeedback;
}

/** Puts one into quarantine. */
export async function quarantine(id) {
  await changePlace("quarantineFeedback", "QuarantineFeedbackInput", id);
}

/** Releases one from quarantine. */
export async function release(id) {
  await changePlace("releaseFeedback", "ReleaseFeedbackInput", id);
}

async function changePlace(field, input, id) {
  const mutation = `mutation Place($input: ${input}!) { result: ${field}(input: $input) { userErrors { code } } }`;
  const { userErrors } = (await request(mutation, { input: { id } })).result;
  if (userErrors.length > 0) throw new ApiError(userErrors[0].code, "Somebody has deleted this feedback.");
}

/** Deletes one for good. */
export async function remove(id) {
  await request("mutation Delete($id: ID!) { deleteFeedback(id: $id) { deletedFeedbackId } }", { id });
}
