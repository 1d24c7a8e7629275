import { Environment, Network, RecordSource, Store } from "relay-runtime";

const url = `${process.env.FEEDBACK_URL ?? "http://127.0.0.1:4000"}/graphql`;
const headers = { "Content-Type": "application/json" };
const fetchGraphQL = async ({ id: documentId }, variables) =>
  (await fetch(url, { method: "POST", headers, body: JSON.stringify({ documentId, variables }) })).json();
export const environment = new Environment({
  network: Network.create(fetchGraphQL),
  store: new Store(new RecordSource()),
});
