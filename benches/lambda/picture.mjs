// The results as a picture: groups of bars, each as long as its figure, on one linear scale a group.
//
// GitHub shows it on white and on near-black, and its own switch is not what a style sheet in a picture would see. So
// every colour is one that can be read on both, and there is no background.

const WIDTH = 840;
const LABEL = 190; // where the bars begin
const ROOM = WIDTH - LABEL - 150; // for the longest bar; the figure stands behind it
const BAR = 18;
const STEP = 26;
const TEXT = '#768390';
const COLOURS = { ours: '#2da44e', others: '#8c959f' };

const GROUPS = [
  { metric: 'httpsStart', title: 'Cold start: spawn to first answer, over HTTPS', unit: 'ms', scale: 1 },
  { metric: 'submitCpu', title: 'CPU time of a warm submit', alias: { blog: 'formCpu' }, unit: 'ms', scale: 1 },
  { metric: 'pageCpu', title: 'CPU time of a warm page of 20', unit: 'ms', scale: 1 },
  { metric: 'memory', title: 'Peak memory', unit: 'MB', scale: 1e6 },
];

/** The SVG. `measured(metric, subject)` is the report's. */
export function picture(subjects, measured) {
  const parts = [];
  let y = 24;
  for (const { metric, title, alias = {}, unit, scale } of GROUPS) {
    const bars = Object.entries(subjects)
      .map(([subject, name]) => ({ subject, name, value: measured(alias[subject] ?? metric, subject)?.[2] / scale }))
      .filter(({ value }) => Number.isFinite(value));
    const ours = bars.find(({ subject }) => subject === 'ours')?.value;
    const most = Math.max(...bars.map(({ value }) => value));
    parts.push(text(0, y, title, 'font-weight="600"'));
    y += 12;
    for (const bar of bars) {
      const width = Math.max(2, (ROOM * bar.value) / most);
      const factor = bar.subject === 'ours' ? '' : ` · ${figure(bar.value / ours)}×`;
      const colour = bar.subject === 'ours' ? COLOURS.ours : COLOURS.others;
      parts.push(text(LABEL - 10, y + 13, bar.name, 'text-anchor="end"'));
      parts.push(`<rect x="${LABEL}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" rx="3" fill="${colour}"/>`);
      parts.push(text(LABEL + width + 8, y + 13, `${figure(bar.value)} ${unit}${factor}`));
      y += STEP;
    }
    y += 26;
  }
  const height = y - 26;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}"`,
    `  role="img" aria-label="Cold start, warm CPU time and peak memory of the service and of four others"`,
    `  font-family="system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif" font-size="14" fill="${TEXT}">`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

const figure = (value) => (value >= 100 ? value.toFixed(0) : value.toPrecision(2));

function text(x, y, content, attributes = '') {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x.toFixed(1)}" y="${y}" ${attributes}>${escaped}</text>`;
}
