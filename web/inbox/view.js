// The view in the address bar: `#open?topic=checkout&order=oldest`. It is behind the `#` because a person's email
// address may be part of it, and web hosts log all that is before.

export const STATUSES = { OPEN: "Open", IN_PROGRESS: "In progress", RESOLVED: "Resolved" };

/** The lists: the fields of the schema that they are, and their statuses. */
export const LISTS = {
  "open": { name: "Open", field: "feedbacks", status: ["OPEN"] },
  "in-progress": { name: "In progress", field: "feedbacks", status: ["IN_PROGRESS"] },
  "resolved": { name: "Resolved", field: "feedbacks", status: ["RESOLVED"] },
  "all": { name: "All", field: "feedbacks" },
  "quarantine": { name: "Quarantine", field: "quarantinedFeedbacks" },
};

/** Why feedback is in quarantine. */
export const REASONS = {
  BY_STAFF: "staff put it aside",
  TOO_FAST: "it was sent faster than people write",
  TOO_MANY_FROM_CLIENT: "its sender sent too much within an hour",
  TOO_MANY_LINKS: "it has too many links",
  TRAP_FILLED: "a field that people do not see was filled in",
};

/** The page of statistics, which has no list. */
export const STATISTICS = "statistics";

/** Conditions: their names, and the patterns of their values. */
export const FILTERS = {
  topic: { name: "Topic", pattern: /^.{1,64}$/u },
  rating: { name: "Rating", pattern: /^[1-5](-[1-5])?$/ },
  tag: { name: "Tag", pattern: /^.{1,64}$/u },
  email: { name: "Email", pattern: /^.{1,254}$/u },
  from: { name: "From", pattern: /^\d{4}-\d\d-\d\d$/ },
  to: { name: "To", pattern: /^\d{4}-\d\d-\d\d$/ },
};

const REST = { order: /^oldest$/, after: /./, before: /./, id: /^[\da-f-]{36}$/ };

/** Reads a view; whatever is not one is left out. */
export function parse(hash) {
  const [, list, query] = /^#?([\w-]*)\??(.*)$/s.exec(hash);
  const parameters = new URLSearchParams(query);
  const view = { list: list in LISTS || list === STATISTICS ? list : "open" };
  const patterns = { ...Object.fromEntries(Object.entries(FILTERS).map(([key, { pattern }]) => [key, pattern])), ...REST };
  for (const [key, pattern] of Object.entries(patterns)) {
    const value = parameters.get(key)?.trim();
    if (value && pattern.test(value)) view[key] = value;
  }
  return view;
}

export function format({ list, ...parameters }) {
  const given = Object.entries(parameters).filter(([, value]) => value);
  return `#${list}${given.length > 0 ? `?${new URLSearchParams(given)}` : ""}`;
}

/** The filter of a view in the schema's terms. Days are those of the person who looks. */
export function filterOf(view) {
  const [minRating, maxRating] = (view.rating ?? "").split("-").filter(Boolean).map(Number);
  return {
    status: LISTS[view.list].status,
    topic: view.topic,
    minRating,
    maxRating: maxRating ?? minRating,
    tag: view.tag,
    email: view.email,
    submittedFrom: view.from && startOf(view.from, 0),
    submittedTo: view.to && startOf(view.to, 1),
  };
}

function startOf(day, daysLater) {
  const [year, month, date] = day.split("-").map(Number);
  return new Date(year, month - 1, date + daysLater).toISOString();
}

/** The view without the selected feedback. */
export function keyOf({ id, ...view }) {
  return format(view);
}

/** The same list and filter, without a place in it. */
export function topOf({ after, before, ...view }) {
  return view;
}
