// Where `@semanticNonNull` makes Relay's types non-null, an error throws, or is caught, and null is never read.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { environment } from "./examples/relay.mjs";
import { bothListings, eitherListing, numbers, triage } from "./relay/compiled/nullability.js";
import { newTopic, seed } from "./support.mjs";

const NO_CURSOR = "not a cursor";
/** What Relay leaves of the error. */
const BAD_USER_INPUT = { extensions: { code: "BAD_USER_INPUT" } };
const UNKNOWN = "00000000-0000-4000-8000-000000000000";

describe("Relay, of fields that are null only together with an error,", () => {
  test("reads them without looking for null", async () => {
    await seed(newTopic("relay"), 1);
    const [listed] = await bothListings(environment, null);
    assert.equal(listed, 1);
    assert.deepEqual(await eitherListing(environment, null), await bothListings(environment, null));
    assert.deepEqual(await numbers(environment, 10_000, 1), [true, 0]);
    assert.deepEqual(await triage(environment, { id: UNKNOWN, status: "RESOLVED" }), ["NOT_FOUND"]);
  });

  test("throws with @throwOnFieldError", async () => {
    await assert.rejects(bothListings(environment, NO_CURSOR), /Unexpected response payload/);
  });

  test("has the error in the field's place with @catch, and the other fields beside it", async () => {
    await seed(newTopic("relay"), 1);
    assert.deepEqual(await eitherListing(environment, NO_CURSOR), [1, [BAD_USER_INPUT]]);
  });

  test("finds there the error of a field below", async () => {
    const below = { ...BAD_USER_INPUT, path: ["topics"] };
    assert.deepEqual(await numbers(environment, 0, 0), [null, [below]]);
  });

  test("has the error of a mutation in its place with @catch", async () => {
    assert.deepEqual(await triage(environment, { id: "no id", status: "RESOLVED" }), [BAD_USER_INPUT]);
  });
});
