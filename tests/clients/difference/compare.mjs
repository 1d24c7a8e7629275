// What is different between a service's answer and the reference's outcome.

import { hasKnownLocation, mayMissErrors, withoutOrderOfSets } from "./exceptions.mjs";

/** In what they differ, with both sides; undefined if in nothing. */
export function difference(answer, outcome) {
  const { status, data, errors = [] } = answer;
  if (status >= 500) return { kind: "status", service: { status, errors }, reference: outcome.refused ?? "no 500" };
  const isRefused = data === undefined;
  if (isRefused !== (outcome.refused !== undefined)) {
    const [service, reference] = [isRefused ? errors : { data, errors }, outcome.refused ?? outcome.data];
    return { kind: isRefused ? "refused" : "executed", service, reference };
  }
  if (isRefused) return undefined;
  // The order of keys counts.
  const written = (data) => JSON.stringify(withoutOrderOfSets(data, outcome.introspected));
  if (written(data) !== written(outcome.data)) return { kind: "data", service: data, reference: outcome.data };
  const place = (error) => (hasKnownLocation(error, outcome.thrown) ? placeOf(error) : String(error.path));
  const [got, wanted, thrown] = [errors, outcome.errors, outcome.thrown].map((errors) => errors.map(place).sort());
  const isSame = mayMissErrors(data)
    ? got.some((place) => wanted.includes(place) || thrown.includes(place))
    : String(got) === String(wanted);
  return isSame ? undefined : { kind: "errors", service: got, reference: wanted };
}

/** What differences with the same cause probably have in common. */
export function cause({ kind, service, reference }) {
  const reason = { executed: reference, refused: service?.[0]?.message }[kind];
  return `${kind}: ${String(reason).replaceAll(/"[^"]*"|`[^`]*`|\d+/g, "…").slice(0, 60)}`;
}

/** Where an error belongs to: its path, and the places in the document. */
function placeOf({ path = [], locations = [] }) {
  const places = locations.map(({ line, column }) => `${line}:${column}`);
  return `${path.join(".")} at ${places.join(" and ")}`;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-([0-9a-f])[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/**
 * An answer without what differs between two services that do the same: times, and ids that were made up, which
 * are numbered as they appear. Ids of idempotency keys (UUIDs of version 5) are the same everywhere.
 */
export function withoutChance(value, ids = new Map()) {
  if (Array.isArray(value)) return value.map((item) => withoutChance(item, ids));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutChance(inner, ids)]));
  }
  if (TIME.test(value)) return "a time";
  if (UUID.exec(value)?.[1] !== "7") return value;
  if (!ids.has(value)) ids.set(value, `id ${ids.size + 1}`);
  return ids.get(value);
}
