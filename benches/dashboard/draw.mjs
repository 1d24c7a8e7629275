// Draws the template's dashboard over a simulated day, about as CloudWatch's console does:
//
//   cargo build
//   cd benches/dashboard && npm ci
//   node draw.mjs --local ../../target/debug/local --lambda ../../target/debug/lambda --out ../../docs/dashboard.webp
//
// The widgets are those of template.yaml, the request lines those of the Lambda binary, the numbers those of day.mjs.
// A metric that the simulation or AWS does not publish, or a query that it cannot run, is an error. It also runs the
// saved queries and prints what they give. It needs Chromium: /usr/bin/chromium, or what CHROMIUM names.

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import * as echarts from 'echarts';
import { chromium } from 'playwright-core';
import { stateOf } from './alarms.mjs';
import { NOW, PARAMETERS, simulate } from './day.mjs';
import { run } from './insights.mjs';
import { requestLines } from './lines.mjs';
import { nameOf, resources } from './template.mjs';

const WIDTH = 1_400;
const ROW = 40;
const GAP = 10;
const CELL = WIDTH / 24;
const PERIOD = 300; // what the console picks for a day
const COLORS = ['#1f77b4', '#ff7f0e', '#2ca02c', '#d62728', '#9467bd', '#8c564b', '#e377c2', '#7f7f7f', '#17becf'];
const FONT = 'Inter, "Open Sans", "Helvetica Neue", Roboto, Arial, sans-serif';

const { values: options } = parseArgs({
  options: { local: { type: 'string' }, lambda: { type: 'string' }, out: { type: 'string' } },
});
if (!options.local || !options.lambda || !options.out) {
  console.error('usage: node draw.mjs --local PATH --lambda PATH --out FILE.webp');
  process.exit(2);
}

const stack = resources(PARAMETERS);
const ofType = (type) => Object.entries(stack).filter(([, resource]) => resource.Type === type);
const { metrics, lines } = simulate(await requestLines(options, nameOf('FeedbackFunction')), nameOf);
const [[, { Properties: dashboard }]] = ofType('AWS::CloudWatch::Dashboard');
const { widgets } = JSON.parse(dashboard.DashboardBody);

for (const [, { Properties }] of ofType('AWS::Logs::QueryDefinition')) {
  const rows = run(Properties.QueryString, lines);
  if (rows.length === 0) throw new Error(`${Properties.Name} finds nothing`);
  console.log(Properties.Name);
  console.table(rows.slice(0, 8).map(present));
}

const draw = {
  text: ({ markdown }) =>
    html(markdown)
      .replace(/\*\*(.+?)\*\*/g, '<b>$1</b>')
      .replace(/\*(.+?)\*/g, '<i>$1</i>'),
  alarm: ({ title, alarms }) => heading(title) + tiles(alarms),
  log: ({ title, query, view }, size) => {
    const rows = run(query, lines);
    return heading(title) + (view === 'table' ? table(rows) : chart(ofRows(rows), {}, size));
  },
  metric: (properties, size) =>
    heading(properties.title) +
    chart(
      properties.metrics.flatMap((metric) => graphs(metric, properties)),
      properties.yAxis,
      size,
    ),
};

/** The lines of a metric, or of what an expression finds. */
function graphs(metric, properties) {
  const own = typeof metric.at(-1) === 'object' ? metric.at(-1) : {};
  const { label, color, yAxis, expression } = own;
  if (expression) {
    return metrics.evaluate(expression, PERIOD).map(({ dimensions, series }) => ({
      name: label.replace(/\$\{PROP\('Dim\.(\w+)'\)\}/g, (_, name) => dimensions[name]),
      color,
      yAxis,
      series,
    }));
  }
  const [namespace, name, ...pairs] = metric.filter((part) => typeof part === 'string');
  const dimensions = Object.fromEntries(
    pairs.flatMap((part, index) => (index % 2 ? [] : [[part, pairs[index + 1]]])),
  );
  return [
    {
      name: label,
      color,
      yAxis,
      series: metrics.get(namespace, name, dimensions, own.stat ?? properties.stat, PERIOD),
    },
  ];
}

/** The lines of a query by time: each aggregate over the first column. */
function ofRows(rows) {
  const [time, ...aggregates] = Object.keys(rows[0]);
  const sorted = rows.toSorted((a, b) => a[time] - b[time]);
  return aggregates.map((name) => ({ name, series: sorted.map((row) => [row[time], row[name]]) }));
}

function chart(graphs, { left = {}, right } = {}, { width, height }) {
  const svg = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height });
  const axis = ({ min, label }, position) => ({
    type: 'value',
    min,
    position,
    name: label,
    nameLocation: 'end',
    splitNumber: 4,
    nameTextStyle: { align: position, padding: [0, 0, -4, 0] },
    splitLine: { show: position === 'left' },
  });
  // By hand: ECharts does not keep room for as many rows as a legend takes.
  const letters = graphs.map(({ name }) => name.length * 6.4 + 34);
  let [legendRows, used] = [1, 0];
  for (const letter of letters) {
    if (used + letter > width - 16) [legendRows, used] = [legendRows + 1, 0];
    used += letter;
  }
  svg.setOption({
    animation: false,
    color: COLORS,
    textStyle: { fontFamily: FONT, fontSize: 12 },
    grid: { left: 8, right: right ? 8 : 16, top: 26, bottom: 12 + legendRows * 19, containLabel: true },
    legend: {
      bottom: 2,
      left: 'center',
      icon: 'roundRect',
      itemWidth: 12,
      itemHeight: 10,
      itemGap: 12,
      data: graphs.map(({ name }) => name),
    },
    xAxis: {
      type: 'time',
      min: metrics.start,
      max: NOW,
      splitNumber: 6,
      axisLabel: { formatter: '{HH}:{mm}', hideOverlap: true },
    },
    yAxis: [axis(left, 'left'), ...(right ? [axis(right, 'right')] : [])],
    series: graphs.map(({ name, color, yAxis, series }) => ({
      type: 'line',
      name,
      data: series,
      color,
      yAxisIndex: yAxis === 'right' ? 1 : 0,
      symbol: 'none',
      lineStyle: { width: 1.6 },
    })),
  });
  const drawn = svg.renderToSVGString();
  svg.dispose();
  return drawn;
}

function tiles(arns) {
  const alarms = arns.map((arn) => {
    const [name, { Properties }] = ofType('AWS::CloudWatch::Alarm').find(([name]) => nameOf(`${name}.Arn`) === arn);
    return { name, state: stateOf(Properties, metrics) };
  });
  const states = ['ALARM', 'OK'];
  alarms.sort((a, b) => states.indexOf(a.state) - states.indexOf(b.state));
  const tile = ({ name, state }) => `<div class="tile ${state}">${name}</div>`;
  return `<div class="tiles">${alarms.map(tile).join('')}</div>`;
}

function table(rows) {
  const columns = Object.keys(rows[0]);
  const cells = (row) => columns.map((column) => `<td>${html(shown(row[column] ?? ''))}</td>`).join('');
  const head = columns.map((column) => `<th>${column}</th>`).join('');
  return `<table><tr>${head}</tr>${rows.map((row) => `<tr>${cells(row)}</tr>`).join('')}</table>`;
}

/** A row without what it does not have. */
function present(row) {
  const there = Object.entries(row).filter(([, value]) => value !== undefined);
  return Object.fromEntries(there.map(([name, value]) => [name, shown(value)]));
}

function heading(title) {
  return `<h2>${html(title)}</h2>`;
}

function html(text) {
  return String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

function shown(value) {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toFixed(2)) : value;
}

const boxes = widgets.map(({ type, x, y, width, height, properties }) => {
  const size = { width: width * CELL - GAP - 2, height: height * ROW - GAP - 34 };
  const place = `left:${x * CELL}px;top:${y * ROW}px;width:${width * CELL - GAP}px;height:${height * ROW - GAP}px`;
  return `<section class="${type}" style="${place}">${draw[type](properties, size)}</section>`;
});
const bottom = Math.max(...widgets.map(({ y, height }) => y + height)) * ROW;
const page = `<!doctype html><meta charset="utf-8"><style>
  body { margin: 0; background: #f2f3f3; font: 13px ${FONT}; color: #16191f }
  main { position: relative; margin: ${GAP}px 0 0 ${GAP}px; width: ${WIDTH}px; height: ${bottom}px }
  section { position: absolute; box-sizing: border-box; overflow: hidden; background: #fff; border: 1px solid #d5dbdb; border-radius: 6px }
  section.text { background: none; border: none; padding: 6px 4px }
  h2 { margin: 8px 10px 2px; font-size: 14px; font-weight: 600; line-height: 20px }
  table { border-collapse: collapse; margin: 2px 10px; width: calc(100% - 20px); font-size: 12px }
  th, td { text-align: left; padding: 2px 6px; border-bottom: 1px solid #eaeded; line-height: 17px }
  th { color: #545b64 } td:last-child, th:last-child { text-align: right }
  .tiles { display: flex; flex-wrap: wrap; gap: 6px; padding: 2px 10px }
  .tile { width: 182px; padding: 5px 8px; border-radius: 4px; font-size: 12px; border: 1px solid #b7d8b0; background: #f0f8ee; color: #1d6b10; overflow: hidden; text-overflow: ellipsis }
  .tile.ALARM { border-color: #d13212; background: #d13212; color: #fff }
</style><main>${boxes.join('')}</main>`;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
try {
  const viewport = { width: WIDTH + GAP, height: bottom + GAP };
  const shownPage = await browser.newPage({ viewport, deviceScaleFactor: 1.25 });
  await shownPage.setContent(page);
  const client = await shownPage.context().newCDPSession(shownPage);
  const { data } = await client.send('Page.captureScreenshot', { format: 'webp', quality: 80 });
  writeFileSync(options.out, Buffer.from(data, 'base64'));
  // The same as PNG, to look at: FEEDBACK_SCREENSHOT names it.
  if (process.env.FEEDBACK_SCREENSHOT) await shownPage.screenshot({ path: process.env.FEEDBACK_SCREENSHOT });
} finally {
  await browser.close();
}
