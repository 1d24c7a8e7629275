// The list: a page of feedback, with links to the pages around it.

import { face, formatAge, h, time } from "./dom.js";
import { STATUSES, format, topOf } from "./view.js";

/** Rows by their feedback: one that did not change stays the same element, and keeps the focus. */
const rows = new Map();

export function renderList(view, { nodes, pageInfo }) {
  const list = h("ul", { class: "rows", "aria-label": "Feedback" }, nodes.map((node) => h("li", {}, rowOf(view, node))));
  for (const id of rows.keys()) if (!nodes.some((node) => node.id === id)) rows.delete(id);
  return [list, nodes.length === 0 && emptyPage(view, pageInfo), pager(view, pageInfo)].filter(Boolean);
}

function rowOf(view, node) {
  const { id, message, rating, topic, email, submittedAt, triage } = node;
  const href = format({ ...view, id });
  const key = JSON.stringify([href, node, formatAge(submittedAt)]);
  const known = rows.get(id);
  if (known?.key === key) return known.row;
  const showsStatus = view.list === "all" && triage;
  const row = h("a", { class: "row", href, "data-id": id },
    h("span", { class: "row-head" },
      rating && face(rating),
      h("span", { class: "row-topic" }, topic ?? email ?? "No topic"),
      time(submittedAt, formatAge)),
    h("span", { class: "row-message", dir: "auto" }, message.slice(0, 300)),
    (showsStatus || triage?.tags.length > 0) && h("span", { class: "row-tags" },
      showsStatus && h("span", { class: `status ${triage.status}` }, STATUSES[triage.status]),
      triage.tags.map((tag) => h("span", { class: "tag" }, tag))));
  rows.set(id, { key, row });
  return row;
}

function emptyPage(view, { hasNextPage }) {
  if (hasNextPage) {
    return h("div", { class: "blank" }, h("p", {}, "Nothing here so far, but not everything is searched yet."),
      h("p", {}, "Go on with the next page."));
  }
  const { list, order, id, after, before, ...conditions } = view;
  if (after || before) return h("div", { class: "blank" }, h("p", { class: "blank-title" }, "No more feedback"));
  if (Object.keys(conditions).length > 0) {
    return h("div", { class: "blank" }, h("p", { class: "blank-title" }, "Nothing matches"),
      h("p", {}, h("a", { href: format({ list, order }) }, "Clear the filter")));
  }
  const texts = {
    "open": ["All done", "New feedback appears here by itself."],
    "in-progress": ["Nothing in progress", "Set the status of feedback that somebody works on."],
    "resolved": ["Nothing resolved yet", "Press e to resolve what is selected."],
    "all": ["No feedback yet", "It appears here by itself."],
    "quarantine": ["Nothing in quarantine", "Feedback that no person seems to have written is put aside here."],
  };
  const [title, text] = texts[list];
  return h("div", { class: "blank" }, h("p", { class: "blank-title" }, title), h("p", {}, text));
}

function pager(view, { hasNextPage, hasPreviousPage, startCursor, endCursor }) {
  const top = topOf(view);
  delete top.id;
  const link = (isThere, text, rel, place) =>
    isThere ? h("a", { rel, href: format({ ...top, ...place }) }, text) : h("span");
  if (!hasNextPage && !hasPreviousPage) return null;
  return h("nav", { class: "pager", "aria-label": "Pages" },
    // An empty page at the end may have no start to go back from.
    link(hasPreviousPage, startCursor ? "← Previous" : "← Start", "prev", { before: startCursor }),
    link(hasNextPage, "Next →", "next", { after: endCursor }));
}
