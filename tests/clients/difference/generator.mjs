// Random requests: documents over the schema with variables, of which about half are valid.

import { print } from "graphql";
import { validRequest } from "./documents.mjs";
import { Random } from "./random.mjs";
import { spoil } from "./spoil.mjs";
import { rewritten, spoiledText } from "./text.mjs";

/** The request of a number, always the same for the same seed. */
export function randomRequest(seed, number, schema, world) {
  const random = new Random(`${seed}:${number}`);
  const request = validRequest(random, schema, world);
  const kind = random.weighted([[45, "valid"], [55, "spoiled"], [8, "spoiledText"]]);
  if (kind === "spoiled") {
    const { document, ...spoiled } = spoil(random, schema, request);
    Object.assign(request, spoiled, { query: print(document) });
  }
  if (random.chance(0.25)) request.query = rewritten(random, request.query);
  if (kind === "spoiledText") request.query = spoiledText(random, request.query);
  return request;
}
