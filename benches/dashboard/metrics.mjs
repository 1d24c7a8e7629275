// A store of metrics by the minute, and as much of CloudWatch's statistics and searches as the widgets take. What is
// asked for has to be known: a metric that nobody publishes is an error here, and an empty graph there.

import { isPublished } from './published.mjs';

const SEARCH = /^SEARCH\('\{([^}]*)\} (.*)', '(\w+)'\)$/;

const STATISTICS = {
  Average: ({ sum, values }) => sum / values.length,
  Maximum: ({ values }) => values.reduce((most, value) => Math.max(most, value)),
  SampleCount: ({ values }) => values.length,
  Sum: ({ sum }) => sum,
};

const key = (dimensions) =>
  Object.entries(dimensions)
    .sort()
    .map((pair) => pair.join('='))
    .join();

export class Metrics {
  #known = new Map();

  /** `minutes` from `start`, in milliseconds since 1970. */
  constructor(start, minutes) {
    Object.assign(this, { start, minutes });
  }

  /** Makes a metric known, although there may be no value of it. */
  declare(namespace, name, dimensions) {
    const id = [namespace, name, key(dimensions)].join();
    if (!this.#known.has(id) && !isPublished(namespace, name, Object.keys(dimensions))) {
      fail(`AWS publishes no ${namespace} ${name} by ${key(dimensions)}`);
    }
    if (!this.#known.has(id)) this.#known.set(id, { namespace, name, dimensions, byMinute: new Map() });
    return this.#known.get(id);
  }

  publish(namespace, name, dimensions, at, value) {
    const { byMinute } = this.declare(namespace, name, dimensions);
    const minute = Math.floor((at - this.start) / 60_000);
    if (minute < 0 || minute >= this.minutes) return;
    if (!byMinute.has(minute)) byMinute.set(minute, { sum: 0, values: [] });
    const datum = byMinute.get(minute);
    datum.sum += value;
    datum.values.push(value);
  }

  /** One metric as `[time, value]`, with gaps where there is none. */
  get(namespace, name, dimensions, statistic, period) {
    const metric = this.#known.get([namespace, name, key(dimensions)].join());
    if (!metric) fail(`nobody publishes ${namespace} ${name} by ${key(dimensions)}`);
    return this.#series(metric, statistic, period);
  }

  /** What an expression of a widget stands for: `{ dimensions, series }`, several for a search, one for a sum. */
  evaluate(expression, period) {
    const summed = /^SUM\((.*)\)$/.exec(expression)?.[1];
    if (!summed) return this.#search(expression, period);
    const sums = new Map();
    for (const { series } of this.#search(summed, period)) {
      for (const [at, value] of series) {
        if (value !== null) sums.set(at, (sums.get(at) ?? 0) + value);
      }
    }
    return [{ dimensions: {}, series: this.#times(period).map((at) => [at, sums.get(at) ?? null]) }];
  }

  #search(expression, period) {
    const [, schema, terms, statistic] = SEARCH.exec(expression) ?? fail(`${expression} is no search`);
    const [namespace, ...names] = schema.split(',');
    const wanted = Object.fromEntries(
      [...terms.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
    );
    const { MetricName: name, ...dimensions } = wanted;
    const alike = [...this.#known.values()].filter(
      (metric) =>
        metric.namespace === namespace &&
        metric.name === name &&
        Object.keys(metric.dimensions).sort().join() === names.sort().join() &&
        Object.entries(dimensions).every(([dimension, value]) => metric.dimensions[dimension] === value),
    );
    if (alike.length === 0) fail(`${expression} finds nothing`);
    // As CloudWatch, which does not find what has no data points.
    const found = alike.filter(({ byMinute }) => byMinute.size > 0);
    return found.map((metric) => ({
      dimensions: metric.dimensions,
      series: this.#series(metric, statistic, period),
    }));
  }

  #series({ byMinute }, statistic, period) {
    return this.#times(period).map((at) => {
      const first = (at - this.start) / 60_000;
      const data = { sum: 0, values: [] };
      for (let minute = first; minute < first + period / 60; minute += 1) {
        const datum = byMinute.get(minute);
        if (!datum) continue;
        data.sum += datum.sum;
        data.values = data.values.concat(datum.values);
      }
      return [at, data.values.length === 0 ? null : statisticOf(statistic)(data)];
    });
  }

  #times(period) {
    return Array.from({ length: this.minutes / (period / 60) }, (_, index) => this.start + index * period * 1_000);
  }
}

function statisticOf(name) {
  const percentile = /^p(\d+)$/.exec(name)?.[1];
  if (!percentile) return STATISTICS[name] ?? fail(`${name} is no statistic`);
  return ({ values }) => values.toSorted((a, b) => a - b)[Math.ceil((values.length * percentile) / 100) - 1];
}

function fail(reason) {
  throw new Error(reason);
}
