// The inbox: its list, the selected feedback, polling, and the keys.

import * as api from "./api.js";
import { save, toCsv } from "./csv.js";
import { Detail, forget, hasUnsaved } from "./detail.js";
import { confirm, showKeys } from "./dialogs.js";
import { formatCount, formatNumber, h, plural } from "./dom.js";
import { renderFilters } from "./filters.js";
import { renderList } from "./list.js";
import { renderStatistics } from "./statistics.js";
import { LISTS, STATISTICS, filterOf, format, keyOf, parse, topOf } from "./view.js";

const PAGE = 25;
const EXPORT_PAGE = 100;
/** Pages that may be searched for the first feedback that meets the conditions. */
const SEARCHES = 10;
/** Between polls of the newest page, while somebody looks and while nobody does. */
const [POLL_MS, HIDDEN_POLL_MS] = [5_000, 60_000];
/** Feedback appears in a listing some time after it was submitted. */
const OVERLAP_MS = 60_000;
const TOAST_MS = 12_000;

let view;
/** The page that is shown, and the view that it belongs to. */
let page;
/** The data that the list was drawn from. */
let drawn;
let detail;
let keysAreEnabled = readSetting("keys") !== "off";
let undo;
let pollTimer;
let toastTimer;
/** Ids that were there when the list, `knownIn`, was opened. All others are new. */
let known;
let knownIn;
/** Ids that have arrived since and were not looked at. */
const fresh = new Set();

const nav = h("nav", { class: "views", "aria-label": "Views" });
const title = h("h2", { tabindex: -1 });
const tools = h("div", { class: "tools" });
const news = h("div", { role: "status", class: "news" });
const filters = h("div");
const listBody = h("div", { class: "list-body" });
const list = h("section", { class: "list", "aria-label": "List" }, h("div", { class: "list-head" }, title, tools), filters, news, listBody);
const side = h("section", { class: "side", "aria-label": "Selected feedback" });
const statistics = h("section", { class: "statistics-pane", "aria-label": "Statistics" });
const main = h("main", {}, list, side, statistics);
const toast = h("div", { class: "toast", role: "status" });

document.body.append(h("header", { class: "bar" }, h("h1", { class: "brand" }, "Feedback"), nav,
  h("button", { type: "button", class: "keys-button", title: "Key: ?", onclick: help }, "Keys")), main, toast);

// Navigation.

function go(next, { replace = false } = {}) {
  history[replace ? "replaceState" : "pushState"](null, "", format(next));
  show();
}

function show() {
  const before = view;
  view = parse(location.hash);
  renderNav();
  const isStatistics = view.list === STATISTICS;
  document.body.classList.toggle("has-statistics", isStatistics);
  if (isStatistics) {
    showStatistics();
    return;
  }
  if (!before || keyOf(before) !== keyOf(view) || !page) {
    renderHead();
    load();
  } else {
    renderPage();
  }
  renderDetail();
}

addEventListener("hashchange", show);
addEventListener("popstate", show);

function renderNav() {
  const conditions = view.list === STATISTICS ? {} : { ...topOf(view), id: undefined };
  const link = (key, name, href) => h("a", { href, "data-list": key, "aria-current": view.list === key && "page" },
    h("span", {}, name), " ", h("span", { class: "count" }));
  nav.replaceChildren(...Object.entries(LISTS).map(([key, { name }]) => link(key, name, format({ ...conditions, list: key }))),
    link(STATISTICS, "Statistics", format({ list: STATISTICS })));
  renderCounts();
}

/** The number of pieces in each list with the conditions of the view. */
let counts = {};

function renderCounts() {
  for (const link of nav.querySelectorAll("[data-list]")) {
    const count = counts[link.dataset.list];
    link.querySelector(".count").textContent = count ? formatCount(count) : "";
  }
}

async function loadCounts() {
  const wanted = keyOf(view);
  const filters = Object.fromEntries(Object.keys(LISTS).map((list) => [list, listing({ ...view, list })]));
  try {
    const loaded = await api.fetchCounts(filters);
    if (keyOf(view) !== wanted) return;
    counts = loaded;
    renderCounts();
  } catch {
    // Numbers beside the names of lists are not worth an error: the list says what is wrong.
  }
}

function showStatistics() {
  const wanted = keyOf(view);
  clearTimeout(pollTimer);
  page = undefined;
  detail = undefined;
  document.title = "Statistics · Feedback";
  statistics.replaceChildren(renderStatistics(view, {
    go,
    isShown: () => keyOf(view) === wanted,
    failed: (error, body) => renderFailure(error, body, showStatistics),
  }));
}

function renderHead() {
  title.textContent = LISTS[view.list].name;
  const order = h("select", { "aria-label": "Order", onchange: () => go({ ...topOf(view), order: order.value }) },
    h("option", { value: "" }, "Newest first"), h("option", { value: "oldest", selected: view.order === "oldest" }, "Oldest first"));
  tools.replaceChildren(order, h("button", { type: "button", onclick: download }, "Download CSV"));
  const isOpen = filters.querySelector("details")?.open;
  filters.replaceChildren(renderFilters(view, (changed) => go({ ...topOf(view), ...changed })));
  filters.querySelector("details").open = isOpen ?? false;
}

// The list.

const listing = (shown) => ({ field: LISTS[shown.list].field, filter: filterOf(shown), order: shown.order === "oldest" ? "OLDEST_FIRST" : "NEWEST_FIRST" });

const placeOf = ({ after, before }) => (before ? { last: PAGE, before } : { first: PAGE, after });

async function load() {
  const wanted = keyOf(view);
  clearTimeout(pollTimer);
  listBody.setAttribute("aria-busy", "true");
  const top = keyOf(topOfNewest(view));
  if (knownIn !== top) known = undefined;
  knownIn = top;
  try {
    const loaded = await fetchSome(view);
    if (keyOf(view) !== wanted) return;
    page = { view, ...loaded, since: Date.now() - OVERLAP_MS };
    if (isTop(view)) known = new Set(page.nodes.map(({ id }) => id));
    announce(0);
    renderPage();
    refreshDetail();
    loadCounts();
    listBody.scrollTop = 0;
  } catch (error) {
    if (keyOf(view) === wanted) renderFailure(error, listBody, load);
  }
  listBody.removeAttribute("aria-busy");
  schedulePoll();
}

/**
 * A page of the view. One without an index for its conditions may end early, even empty: then the search goes on, for a
 * while. `isCostly` says that this is such a page.
 */
async function fetchSome(shown) {
  const isBackward = Boolean(shown.before);
  const fetchFrom = (place) => api.fetchPage({ ...listing(shown), ...placeOf(place) });
  const goesOn = ({ pageInfo }) => (isBackward ? pageInfo.hasPreviousPage : pageInfo.hasNextPage);
  let { nodes, pageInfo } = await fetchFrom(shown);
  const isCostly = nodes.length < PAGE && goesOn({ pageInfo });
  for (let searches = 1; nodes.length === 0 && goesOn({ pageInfo }) && searches < SEARCHES; searches++) {
    const { startCursor, endCursor } = pageInfo;
    const next = await fetchFrom(isBackward ? { before: startCursor } : { after: endCursor });
    nodes = next.nodes;
    pageInfo = isBackward
      ? { ...next.pageInfo, hasNextPage: pageInfo.hasNextPage, endCursor }
      : { ...next.pageInfo, hasPreviousPage: pageInfo.hasPreviousPage, startCursor };
  }
  return { nodes, pageInfo, isCostly };
}

/** The page of the same list that new feedback appears on. */
const topOfNewest = (shown) => ({ ...topOf(shown), order: undefined });

/** Whether the page is the one that new feedback appears on. */
const isTop = ({ after, before, order }) => !after && !before && order !== "oldest";

function renderPage() {
  const focused = document.activeElement?.dataset?.id;
  // Rows are left alone while nothing about them changes: somebody may be about to click. Ages change by the minute.
  const shown = JSON.stringify([keyOf(view), page.nodes, page.pageInfo, Math.floor(Date.now() / 60_000)]);
  if (shown !== drawn) listBody.replaceChildren(...renderList(view, page));
  drawn = shown;
  for (const row of listBody.querySelectorAll(".row")) {
    const isSelected = row.dataset.id === view.id;
    if (isSelected) fresh.delete(view.id);
    row.classList.toggle("fresh", fresh.has(row.dataset.id));
    if (isSelected) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
    if (focused === row.dataset.id) row.focus({ preventScroll: true });
  }
}

/** Shows an error in place of the contents, with a button or a form that leads to `again`. */
function renderFailure(error, place, again) {
  page = drawn = undefined;
  place.replaceChildren(error.needsSignIn ? signIn(again) : h("div", { class: "blank", role: "alert" },
    h("p", { class: "blank-title" }, "This did not work"), h("p", {}, error.message),
    h("button", { type: "button", onclick: again }, "Try again")));
  if (api.isSignedIn()) place.querySelector("#token")?.focus();
}

function signIn(again) {
  const token = h("input", { type: "password", id: "token", autocomplete: "off", required: true, "aria-describedby": "token-error" });
  const error = h("p", { class: "error", id: "token-error" }, api.isSignedIn() && "This token is not valid.");
  return h("form", {
    class: "sign-in",
    onsubmit(event) {
      event.preventDefault();
      const value = token.value.trim().replace(/^Bearer\s+/i, "");
      if (!/^[\x21-\x7e]+$/.test(value)) {
        error.textContent = "A token has letters, digits and punctuation only.";
        return;
      }
      api.useToken(value);
      again();
    },
  },
  h("h2", {}, "Sign in"),
  h("p", {}, "Reading feedback requires a bearer token: an API key, or a token of your identity provider. It is kept in memory, until you close or reload this page."),
  h("label", { for: "token" }, "Bearer token"), token, error, h("button", { class: "primary" }, "Sign in"));
}

// New feedback.

function schedulePoll() {
  clearTimeout(pollTimer);
  if (page) pollTimer = setTimeout(poll, document.hidden ? HIDDEN_POLL_MS : POLL_MS);
}

async function poll() {
  clearTimeout(pollTimer);
  const wanted = keyOf(view);
  try {
    const wantedPage = listing(topOfNewest(view));
    const { filter } = wantedPage;
    const isWhole = isTop(view) && !page.isCostly;
    // A search is not repeated: only feedback since then is requested.
    if (page.isCostly) filter.submittedFrom = new Date(Math.max(page.since, Date.parse(filter.submittedFrom ?? 0))).toISOString();
    const { nodes, pageInfo } = await api.fetchPage({ ...wantedPage, first: PAGE });
    if (keyOf(view) !== wanted || !page) return;
    known ??= new Set(nodes.map(({ id }) => id));
    const added = nodes.filter(({ id }) => !known.has(id));
    // Others may have changed shown feedback.
    const byId = new Map(nodes.map((node) => [node.id, node]));
    page.nodes = page.nodes.map((node) => byId.get(node.id) ?? node);
    if (!isTop(view) || (added.length > 0 && listBody.scrollTop > 0)) {
      announce(added.length);
    } else {
      if (isWhole) Object.assign(page, { nodes, pageInfo });
      else page.nodes = [...added, ...page.nodes];
      for (const { id } of nodes) known.add(id);
      for (const { id } of added) fresh.add(id);
      if (added.length > 0) {
        say(`${plural(added.length, "new piece", "new pieces")} of feedback.`);
        loadCounts();
      }
    }
    renderPage();
    refreshDetail();
  } catch {
    // The next poll may succeed; what is shown stays.
  } finally {
    schedulePoll();
  }
}

function announce(count) {
  document.title = `${count > 0 ? `(${count}) ` : ""}${LISTS[view.list].name} · Feedback`;
  const isShown = news.dataset.count === String(count);
  if (isShown) return;
  news.dataset.count = count;
  const showThem = () => {
    known = undefined;
    page = undefined;
    go(topOfNewest(view));
  };
  news.replaceChildren(...(count > 0
    ? [h("button", { type: "button", onclick: showThem }, `Show ${plural(count, "new piece", "new pieces")} of feedback`)]
    : []));
}

addEventListener("focus", () => page && poll());
document.addEventListener("visibilitychange", () => page && (document.hidden ? schedulePoll() : poll()));

// The selected feedback.

async function renderDetail() {
  const { id } = view;
  document.body.classList.toggle("has-selection", Boolean(id));
  if (!id) {
    detail = undefined;
    side.replaceChildren(h("div", { class: "blank" }, h("p", { class: "blank-title" }, "Nothing selected"),
      h("p", {}, "Choose feedback from the list, or press ", h("kbd", {}, "j"), ".")));
    return;
  }
  if (detail?.feedback.id === id) return;
  let feedback = page?.nodes.find((node) => node.id === id);
  if (!feedback) {
    try {
      side.replaceChildren(h("p", { class: "blank" }, "Loading …"));
      feedback = await api.fetchOne(id);
    } catch (error) {
      if (view.id === id) side.replaceChildren(h("p", { class: "blank", role: "alert" }, error.message));
      return;
    }
    if (view.id !== id) return;
  }
  if (!feedback) {
    side.replaceChildren(h("div", { class: "blank" }, h("p", { class: "blank-title" }, "This feedback no longer exists")));
    return;
  }
  detail = new Detail({ feedback, saved, say, actions: actionsFor(feedback) });
  const back = h("a", { class: "back", href: format({ ...view, id: undefined }) }, "← Back to the list");
  side.replaceChildren(back, detail.element);
  side.scrollTop = 0;
}

function refreshDetail() {
  const node = page.nodes.find(({ id }) => id === detail?.feedback.id);
  if (node) detail.refresh(node);
  else if (view.id && !detail) renderDetail();
}

function actionsFor(feedback) {
  const quiet = (text, ask) => h("button", { type: "button", class: "quiet", onclick: () => ask(feedback) }, text);
  return [
    feedback.quarantine
      ? h("button", { type: "button", class: "primary", onclick: () => askToRelease(feedback) }, "Release …")
      : h("button", { type: "button", class: "primary", title: "Key: e", onclick: resolveSelected }, "Resolve"),
    !feedback.quarantine && quiet("Quarantine …", askToQuarantine),
    quiet("Delete …", askToDelete),
    feedback.email && quiet("Forget person …", askToForget),
  ];
}

/** Shows feedback that was changed, and takes it out of a list that it no longer belongs to. */
function saved(feedback) {
  loadCounts();
  const { status } = LISTS[view.list];
  const index = page?.nodes.findIndex(({ id }) => id === feedback.id) ?? -1;
  if (index >= 0) {
    if (status && !status.includes(feedback.triage.status)) page.nodes.splice(index, 1);
    else page.nodes[index] = feedback;
    renderPage();
  }
}

async function resolveSelected() {
  if (!detail) return;
  if (detail.feedback.quarantine) {
    say("This is in quarantine: release it first.");
    return;
  }
  const resolved = detail;
  const { id } = resolved.feedback;
  const next = neighbour(1) ?? neighbour(-1);
  const before = await resolved.resolve();
  if (!before) return;
  const { version } = resolved.feedback.triage;
  undo = async () => {
    undo = undefined;
    try {
      const { userErrors, feedback } = await api.triage({ id, expectedVersion: version, status: before });
      if (userErrors.length > 0) throw new Error("Somebody has changed it meanwhile.");
      if (detail?.feedback.id === id) detail.refresh(feedback);
      say("Undone.");
      load();
    } catch (error) {
      say(`Not undone. ${error.message}`);
    }
  };
  say("Resolved.", h("button", { type: "button", onclick: () => undo?.() }, "Undo"));
  if (view.id === id && !page.nodes.some((node) => node.id === id)) select(next);
}

async function askToDelete({ id }) {
  const isSure = await confirm({
    heading: "Delete this feedback?",
    consequences: ["It is deleted for good, with its status, tags and note. Nobody can bring it back."],
    action: "Delete",
  });
  if (isSure) await takeAway(id, () => api.remove(id), "Deleted.");
}

async function askToQuarantine({ id }) {
  const isSure = await confirm({
    heading: "Put this feedback into quarantine?",
    consequences: ["It disappears from the other lists and from the statistics. It can be released again at any time."],
    action: "Put aside",
    isDangerous: false,
  });
  if (isSure) await takeAway(id, () => api.quarantine(id), "In quarantine.");
}

async function askToRelease({ id }) {
  const isSure = await confirm({
    heading: "Release this feedback?",
    consequences: ["It appears in the lists at the time of its submission, and in the statistics."],
    action: "Release",
    isDangerous: false,
  });
  if (isSure) await takeAway(id, () => api.release(id), "Released.");
}

async function askToForget({ email }) {
  const isSure = await confirm({
    heading: "Forget this person?",
    consequences: [
      `All feedback from ${email} is deleted for good, in every list and in quarantine, with its status, tags and notes.`,
      "Nobody can bring it back. Backups of the table keep it for up to 35 days.",
    ],
    action: "Forget this person",
  });
  if (!isSure) return;
  let count = 0;
  try {
    for (let isComplete = false; !isComplete;) {
      const erased = await api.erase(email);
      count += erased.erasedCount;
      isComplete = erased.isComplete;
      say(`${plural(count, "piece")} of feedback deleted${isComplete ? "." : " so far …"}`);
    }
  } catch (error) {
    say(`Not finished: ${plural(count, "piece")} of feedback deleted. ${error.message}`);
    return;
  }
  go({ ...topOf(view), id: undefined }, { replace: true });
  load();
}

/** Does something to feedback after which it is in this list no more. */
async function takeAway(id, act, done) {
  const next = neighbour(1) ?? neighbour(-1);
  try {
    await act();
  } catch (error) {
    say(`That did not work. ${error.message}`);
    return;
  }
  forget(id);
  if (page) page.nodes = page.nodes.filter((node) => node.id !== id);
  say(done);
  select(next);
  renderPage();
  loadCounts();
}

/** The id of the feedback so many rows after the selected one. */
function neighbour(step) {
  const ids = page?.nodes.map(({ id }) => id) ?? [];
  const index = ids.indexOf(view.id);
  if (index < 0) return step > 0 ? ids[0] : undefined;
  return ids[index + step];
}

function select(id) {
  go({ ...view, id }, { replace: true });
  const row = id && listBody.querySelector(`[data-id="${CSS.escape(id)}"]`);
  (row || title).focus({ preventScroll: true });
  if (row) row.scrollIntoView({ block: "nearest" });
}

// Everything that the filter shows, as a file.

async function download() {
  const button = document.activeElement;
  const wanted = view;
  const nodes = [];
  let first = EXPORT_PAGE;
  button.disabled = true;
  try {
    for (let after; ;) {
      const answer = await api.fetchPage({ ...listing(wanted), first, after }).catch((error) => {
        if (error.code !== "RESPONSE_TOO_LARGE" || first === 1) throw error;
      });
      if (!answer) {
        first = Math.ceil(first / 2);
        continue;
      }
      const { nodes: more, pageInfo } = answer;
      nodes.push(...more);
      say(`${formatNumber(nodes.length)} so far …`);
      if (!pageInfo.hasNextPage) break;
      after = pageInfo.endCursor;
    }
    save(`feedback-${wanted.list}-${new Date().toISOString().slice(0, 10)}.csv`, toCsv(nodes));
    say(`Downloaded ${plural(nodes.length, "piece")} of feedback.`);
  } catch (error) {
    say(`Not downloaded. ${error.message}`);
  }
  button.disabled = false;
}

// Messages, and the keys.

function say(text, ...more) {
  clearTimeout(toastTimer);
  toast.replaceChildren(h("span", {}, text), ...more);
  toastTimer = setTimeout(() => toast.replaceChildren(), TOAST_MS);
}

function help() {
  const enable = (areEnabled) => {
    keysAreEnabled = areEnabled;
    writeSetting("keys", areEnabled ? "on" : "off");
  };
  showKeys({ areEnabled: keysAreEnabled, enable });
}

const KEY_ACTIONS = {
  "j": () => neighbour(1) && select(neighbour(1)),
  "k": () => neighbour(-1) && select(neighbour(-1)),
  "e": resolveSelected,
  "u": () => undo?.(),
  "n": () => detail?.focusNote(),
  "t": () => detail?.focusTag(),
  "/": () => {
    filters.querySelector("details").open = true;
    filters.querySelector("input").focus();
  },
  "?": help,
};

document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const isTyping = target.matches("input:not([type=radio], [type=checkbox]), textarea, select");
  if (key === "Escape" && isTyping) {
    target.blur();
    (listBody.querySelector("[aria-current]") ?? title).focus();
    return;
  }
  if (isTyping || (!keysAreEnabled && key !== "?") || !KEY_ACTIONS[key]) return;
  event.preventDefault();
  KEY_ACTIONS[key]();
});

addEventListener("beforeunload", (event) => {
  if (hasUnsaved()) event.preventDefault();
});

function readSetting(name) {
  try {
    return localStorage.getItem(`feedback-inbox ${name}`);
  } catch {
    return null; // Site data is blocked.
  }
}

function writeSetting(name, value) {
  try {
    localStorage.setItem(`feedback-inbox ${name}`, value);
  } catch {
    // As above.
  }
}

show();
