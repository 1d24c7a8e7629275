// Charts as plain SVG, drawn for the width that there is, each with a table of the same numbers behind it.

import { formatNumber, h, svg } from "./dom.js";

const HEIGHT = 200;
const MARGIN = { top: 12, right: 8, bottom: 24, left: 40 };
/** The least distance of labels below a chart, for a root font of 16 px. */
const LABEL_WIDTH = 64;

/**
 * A figure: a chart and its table. `draw` returns the contents of an SVG of a width; `summary` is a
 * sentence for those who do not see it.
 */
export function figure({ title, summary, legend = [], draw, head, rows }) {
  const place = h("div", { class: "chart" });
  const scale = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
  new ResizeObserver(([{ contentRect }]) => {
    const width = Math.floor(contentRect.width);
    if (width <= 0) return;
    const attributes = { width, height: HEIGHT * scale, viewBox: `0 0 ${width / scale} ${HEIGHT}`, role: "img", "aria-label": summary };
    place.replaceChildren(svg("svg", attributes, draw(width / scale)));
  }).observe(place);
  return h("figure", {},
    h("figcaption", {}, h("h3", {}, title),
      legend.length > 0 && h("ul", { class: "legend" }, legend.map(({ name, key }) =>
        h("li", {}, svg("svg", { class: "swatch", viewBox: "0 0 10 10", "aria-hidden": "true" }, svg("rect", { class: key, width: 10, height: 10, rx: 2 })), name)))),
    place,
    h("details", {}, h("summary", {}, "Show as a table"), h("div", { class: "table", tabindex: 0, role: "group", "aria-label": title }, table(title, head, rows))));
}

export function table(caption, head, rows) {
  return h("table", {}, h("caption", { class: "hidden" }, caption),
    h("thead", {}, h("tr", {}, head.map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, rows.map(([first, ...rest]) => h("tr", {}, h("th", { scope: "row" }, first), rest.map((cell) => h("td", {}, cell))))));
}

/** Columns of stacked parts: `parts` of each bucket are numbers, in the order of `keys`, from the bottom up. */
export const columns = ({ buckets, keys }) => (width) => {
  const most = Math.max(1, ...buckets.map(({ parts }) => parts.reduce((sum, part) => sum + part, 0)));
  const ticks = ticksTo(most);
  const plot = plotOf(width, 0, ticks.at(-1));
  const step = plot.width / buckets.length;
  const bar = Math.max(1, Math.min(step * 0.72, 36));
  const drawn = buckets.map(({ label, parts, about }, index) => {
    const x = plot.x + step * (index + 0.5) - bar / 2;
    let sum = 0;
    const stack = parts.map((part, n) => {
      const [bottom, top] = [plot.y(sum), plot.y((sum += part))];
      return part > 0 && svg("rect", { class: keys[n], x, y: top, width: bar, height: bottom - top });
    });
    const hover = svg("rect", { class: "hover", x: plot.x + step * index, y: MARGIN.top, width: step, height: plot.height },
      svg("title", {}, `${label}: ${about}`));
    return [...stack, hover];
  });
  return [grid(plot, ticks, formatNumber), labels(plot, buckets, step), ...drawn.flat()];
};

/** A line through the values of the buckets that have one, between two bounds. */
export const line = ({ buckets, ticks, formatTick }) => (width) => {
  const plot = plotOf(width, ticks[0], ticks.at(-1));
  const step = plot.width / buckets.length;
  const points = buckets.flatMap(({ value, label, about }, index) =>
    value === null ? [] : [{ x: plot.x + step * (index + 0.5), y: plot.y(value), text: `${label}: ${about}` }]);
  const path = points.map(({ x, y }, n) => `${n === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
  return [
    grid(plot, ticks, formatTick), labels(plot, buckets, step),
    points.length > 1 && svg("path", { class: "line", d: path }),
    ...points.map(({ x, y, text }) => svg("circle", { class: "point", cx: x, cy: y, r: points.length > 45 ? 2 : 3 }, svg("title", {}, text))),
  ];
};

function plotOf(width, least, most) {
  const height = HEIGHT - MARGIN.top - MARGIN.bottom;
  return {
    x: MARGIN.left,
    width: Math.max(1, width - MARGIN.left - MARGIN.right),
    height,
    y: (value) => MARGIN.top + height * (1 - (value - least) / (most - least)),
  };
}

/** Round numbers from zero to the first one that is not less than the most. */
function ticksTo(most) {
  const magnitude = 10 ** Math.floor(Math.log10(most));
  const step = Math.max(1, [0.25, 0.5, 1, 2.5].map((part) => part * magnitude).find((size) => size * 4 >= most && Number.isInteger(size)) ?? 5 * magnitude);
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, n) => n * step);
}

const grid = (plot, ticks, formatTick) => svg("g", { class: "grid" }, ticks.map((tick) => [
  svg("line", { x1: plot.x, x2: plot.x + plot.width, y1: plot.y(tick), y2: plot.y(tick) }),
  svg("text", { x: plot.x - 6, y: plot.y(tick) + 4, "text-anchor": "end" }, formatTick(tick)),
]).flat());

function labels(plot, buckets, step) {
  const every = Math.ceil((LABEL_WIDTH * buckets.length) / plot.width);
  return svg("g", { class: "labels" }, buckets.map(({ label }, index) => index % every === 0
    && svg("text", { x: plot.x + step * (index + 0.5), y: HEIGHT - 6, "text-anchor": "middle" }, label)));
}
