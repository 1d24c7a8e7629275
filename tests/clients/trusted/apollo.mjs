import { createHash } from "node:crypto";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { generatePersistedQueryIdsAtRuntime } from "@apollo/persisted-query-lists";

const sha256 = (text) => createHash("sha256").update(text).digest("hex");
export const byIdLink = new PersistedQueryLink({
  ...generatePersistedQueryIdsAtRuntime({ sha256 }),
  useGETForHashedQueries: true,
});
