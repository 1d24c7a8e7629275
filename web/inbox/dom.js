// Elements, and how values are written. Whatever people wrote becomes text: nothing here, or anywhere in the inbox,
// parses markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element. `false`, `null` and `undefined` leave out an attribute or a child; functions are listeners. */
export function h(name, attributes, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** The same for SVG. */
export function svg(name, attributes, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (typeof value === "function") element.addEventListener(name.replace(/^on/, ""), value);
    else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== false && child != null));
  return element;
}

const dateTime = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const dayOfYear = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium" });
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "narrow" });
const number = new Intl.NumberFormat("en-GB");

export const formatNumber = (value) => number.format(value);
export const formatDateTime = (text) => dateTime.format(new Date(text));
export const formatDay = (date) => day.format(date);

/** How long ago, within a week; then the day. */
export function formatAge(text) {
  const date = new Date(text);
  const minutes = (Date.now() - date) / 60_000;
  if (minutes < 1) return "now";
  if (minutes < 60) return relative.format(-Math.floor(minutes), "minute");
  if (minutes < 24 * 60) return relative.format(-Math.floor(minutes / 60), "hour");
  if (minutes < 7 * 24 * 60) return relative.format(-Math.floor(minutes / 60 / 24), "day");
  return (date.getFullYear() === new Date().getFullYear() ? day : dayOfYear).format(date);
}

/** A time, with its exact value on demand. */
export function time(text, format = formatDateTime) {
  return h("time", { datetime: text, title: formatDateTime(text) }, format(text));
}

/** A count that may end early: `1,000+`. Nothing, if it ended before anything was found. */
export const formatCount = ({ value, isExact }) => (isExact ? formatNumber(value) : value > 0 ? `${formatNumber(value)}+` : "");

/** `1 piece`, `2 pieces`. */
export const plural = (count, one, many = `${one}s`) => `${formatNumber(count)} ${count === 1 ? one : many}`;

/** A face from a frown to a smile. */
export function face(rating) {
  const bend = rating - 3;
  const d = `M9 9.5v.5M15 9.5v.5M8 ${15.5 - bend / 2}Q12 ${15.5 + bend * 1.7} 16 ${15.5 - bend / 2}`;
  return svg("svg", { class: `face rating-${rating}`, viewBox: "0 0 24 24", role: "img", "aria-label": `Rated ${rating} of 5` },
    svg("circle", { cx: 12, cy: 12, r: 10 }), svg("path", { d }));
}
