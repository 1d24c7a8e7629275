import { persistedExchange } from "@urql/exchange-persisted";
import documents from "./__generated__/urql/persisted-documents.json" with { type: "json" };

// The tests' documents are not graphql-codegen's, which have their hashes with them: `document.__meta__.hash`.
const named = (text) => /^(?:query|mutation) (\w+)/.exec(text)?.[1];
const hashes = new Map(Object.entries(documents).map(([hash, text]) => [named(text), hash]));

export const byIdExchange = persistedExchange({
  enforcePersistedQueries: true,
  enableForMutation: true,
  generateHash: async (text) => hashes.get(named(text)),
});
