// Statistics of some days: how much feedback, how satisfied, about what.

import { fetchStatistics } from "./api.js";
import { columns, figure, line, table } from "./charts.js";
import { formatDay, formatNumber, h, plural, svg } from "./dom.js";
import { format } from "./view.js";

const DAY_MS = 86_400_000;
const PERIODS = [7, 30, 90, 365];
const DEFAULT_PERIOD = 30;
/** More days than these are drawn as weeks. */
const DAYS_DRAWN = 62;
/** Each request continues counting where the one before ended. */
const REQUESTS = 100;

const RATINGS = [["r1", "1"], ["r2", "2"], ["r3", "3"], ["r4", "4"], ["r5", "5"], ["none", "Not rated"]];

const isoOf = (date) => date.toISOString().slice(0, 10);
const dateOf = (day) => new Date(`${day}T00:00:00Z`);
/** Days are those of UTC, and are shown as such wherever one is. */
const dayLabel = (day) => formatDay(new Date(dateOf(day).getTime() + new Date().getTimezoneOffset() * 60_000));

/** The days of a view: the latest ones, unless it names others. */
function periodOf({ from, to }) {
  const end = to ?? isoOf(new Date());
  return { from: from ?? isoOf(new Date(dateOf(end) - (DEFAULT_PERIOD - 1) * DAY_MS)), to: end };
}

/** The page; `go` opens another view. `isShown` says whether it is still the one that is shown. */
export function renderStatistics(view, { go, isShown, failed }) {
  const body = h("div", { class: "statistics-body", "aria-live": "polite" }, h("p", { class: "blank" }, "Counting …"));
  load(view, body, { isShown, failed });
  return h("div", { class: "statistics" }, head(view, go), body);
}

function head(view, go) {
  const { from, to } = periodOf(view);
  const topic = h("input", { id: "statistics-topic", value: view.topic, maxlength: 64 });
  const first = h("input", { id: "statistics-from", type: "date", value: from });
  const last = h("input", { id: "statistics-to", type: "date", value: to });
  const field = (label, input) => h("div", {}, h("label", { for: input.id }, label), input);
  const form = h("form", {
    class: "statistics-form",
    novalidate: true,
    onsubmit: (event) => {
      event.preventDefault();
      go({ ...view, topic: topic.value.trim(), from: first.value, to: last.value });
    },
  }, field("From", first), field("To", last), field("Topic", topic), h("button", {}, "Show"));
  const today = isoOf(new Date());
  const days = (dateOf(to) - dateOf(from)) / DAY_MS + 1;
  const periods = PERIODS.map((period) => h("button", {
    type: "button",
    "aria-pressed": String(to === today && days === period),
    onclick: () => go({ ...view, to: undefined, from: isoOf(new Date(dateOf(today) - (period - 1) * DAY_MS)) }),
  }, period === 365 ? "1 year" : `${period} days`));
  return h("header", { class: "statistics-head" },
    h("h2", { tabindex: -1 }, "Statistics"), h("div", { class: "periods", role: "group", "aria-label": "Period" }, periods), form);
}

async function load(view, body, { isShown, failed }) {
  try {
    for (let request = 1; request <= REQUESTS; request++) {
      const statistics = await fetchStatistics({ ...periodOf(view), topic: view.topic });
      if (!isShown()) return;
      body.replaceChildren(...contents(statistics, view));
      if (statistics.isComplete) return;
      body.prepend(h("p", { class: "muted" }, "Still counting: these numbers grow."));
    }
  } catch (error) {
    if (isShown()) failed(error, body);
  }
}

const countOf = (ratings, rating) => ratings.find((each) => each.rating === rating)?.count ?? 0;
const ratedOf = (ratings) => ratings.reduce((sum, { count }) => sum + count, 0);
const satisfiedOf = (ratings) => countOf(ratings, 4) + countOf(ratings, 5);
const shareOf = (part, whole) => (whole > 0 ? part / whole : null);
const percent = (share) => (share === null ? "–" : `${Math.round(share * 100)} %`);
const average = (value) => (value === null ? "–" : value.toFixed(1));

function contents({ total, averageRating, ratings, topics, days }, view) {
  if (total === 0) {
    return [h("div", { class: "blank" }, h("p", { class: "blank-title" }, "No feedback in these days"),
      h("p", {}, "Choose other days, or another topic."))];
  }
  const rated = ratedOf(ratings);
  const tiles = [
    ["Feedback", formatNumber(total), `${formatNumber(Math.round((total / days.length) * 10) / 10)} a day`],
    ["Average rating", average(averageRating), `of ${plural(rated, "rating")}`],
    ["Satisfied", percent(shareOf(satisfiedOf(ratings), rated)), "rated 4 or 5"],
    ["Dissatisfied", percent(shareOf(countOf(ratings, 1) + countOf(ratings, 2), rated)), "rated 1 or 2"],
  ];
  const buckets = bucketsOf(days);
  const unit = buckets.length < days.length ? "week" : "day";
  const head = unit === "week" ? "Week from" : "Day";
  const most = buckets.reduce((best, bucket) => (bucket.total > best.total ? bucket : best));
  const period = `${dayLabel(days[0].date)} to ${dayLabel(days.at(-1).date)}`;
  return [
    h("dl", { class: "tiles" }, tiles.map(([name, value, about]) =>
      h("div", {}, h("dt", {}, name), h("dd", {}, h("strong", {}, value), h("span", { class: "muted" }, about))))),
    figure({
      title: `Ratings by ${unit}`,
      summary: `Columns: ${plural(total, "piece")} of feedback from ${period}, most of them, ${most.total}, in the ${unit} of ${most.label}.`,
      legend: RATINGS.map(([key, name]) => ({ key, name })),
      draw: columns({
        keys: RATINGS.map(([key]) => key),
        buckets: buckets.map(({ label, total, ratings, averageRating }) => ({
          label,
          parts: [...[1, 2, 3, 4, 5].map((rating) => countOf(ratings, rating)), total - ratedOf(ratings)],
          about: `${plural(total, "piece")}, average ${average(averageRating)}`,
        })),
      }),
      head: [head, "All", "1", "2", "3", "4", "5", "Not rated"],
      rows: buckets.map(({ label, total, ratings }) => [label, formatNumber(total),
        ...[1, 2, 3, 4, 5].map((rating) => formatNumber(countOf(ratings, rating))), formatNumber(total - ratedOf(ratings))]),
    }),
    h("div", { class: "pair" },
      figure({
        title: "Average rating",
        summary: `Line: the average rating by ${unit} from ${period}. Over all it is ${average(averageRating)}.`,
        draw: line({
          ticks: [1, 2, 3, 4, 5],
          formatTick: String,
          buckets: buckets.map(({ label, averageRating }) => ({ label, value: averageRating, about: average(averageRating) })),
        }),
        head: [head, "Average rating"],
        rows: buckets.map(({ label, averageRating }) => [label, average(averageRating)]),
      }),
      figure({
        title: "Satisfied",
        summary: `Line: the share of ratings that are 4 or 5, by ${unit} from ${period}. Over all it is ${percent(shareOf(satisfiedOf(ratings), rated))}.`,
        draw: line({
          ticks: [0, 0.25, 0.5, 0.75, 1],
          formatTick: (share) => `${share * 100}%`,
          buckets: buckets.map(({ label, ratings }) => {
            const value = shareOf(satisfiedOf(ratings), ratedOf(ratings));
            return { label, value, about: percent(value) };
          }),
        }),
        head: [head, "Satisfied"],
        rows: buckets.map(({ label, ratings }) => [label, percent(shareOf(satisfiedOf(ratings), ratedOf(ratings)))]),
      })),
    topicsTable(topics, view),
    h("p", { class: "muted" }, "Days are in UTC. Feedback in quarantine is not counted."),
  ];
}

/** Days, or weeks of them where they are many. */
function bucketsOf(days) {
  const size = days.length > DAYS_DRAWN ? 7 : 1;
  const buckets = [];
  for (let start = 0; start < days.length; start += size) {
    const some = days.slice(start, start + size);
    const ratings = [1, 2, 3, 4, 5].map((rating) =>
      ({ rating, count: some.reduce((sum, day) => sum + countOf(day.ratings, rating), 0) }));
    const rated = ratedOf(ratings);
    buckets.push({
      label: dayLabel(some[0].date),
      total: some.reduce((sum, day) => sum + day.total, 0),
      ratings,
      averageRating: shareOf(ratings.reduce((sum, { rating, count }) => sum + rating * count, 0), rated),
    });
  }
  return buckets;
}

function topicsTable(topics, view) {
  const most = Math.max(...topics.map(({ count }) => count));
  const bar = (count) => svg("svg", { class: "bar-of-topic", viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("rect", { class: "r5", width: Math.max(0.5, (count / most) * 100), height: 10 }));
  const rows = topics.map(({ topic, count, averageRating }) =>
    [topic === null ? "Without a topic" : h("a", { href: format({ ...view, list: "all", topic }) }, topic), h("span", { class: "with-bar" }, bar(count), formatNumber(count)), average(averageRating)]);
  return h("section", { class: "topics", "aria-labelledby": "topics-heading" }, h("h3", { id: "topics-heading" }, "Topics"),
    h("div", { class: "table", tabindex: 0, role: "group", "aria-label": "Topics" }, table("Topics", ["Topic", "Feedback", "Average rating"], rows)));
}
