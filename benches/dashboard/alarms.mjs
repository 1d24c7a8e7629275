// Whether an alarm is on, by its definition in the template and the metrics of the day.

const MINUTE = 60_000;

/** `ALARM` or `OK` at the end of the day. */
export function stateOf(alarm, metrics) {
  const end = metrics.start + metrics.minutes * MINUTE;
  const read = ({ Namespace, MetricName, Dimensions = [] }, statistic) => {
    const dimensions = Object.fromEntries(Dimensions.map(({ Name, Value }) => [Name, Value]));
    return new Map(metrics.get(Namespace, MetricName, dimensions, statistic, 60));
  };
  const value = alarm.Metrics ? expression(alarm.Metrics, read) : valueAt(read(alarm, alarm.Statistic));
  const minutes = Array.from({ length: alarm.EvaluationPeriods }, (_, index) => end - (index + 1) * MINUTE);
  // What is missing is good.
  const bad = minutes.filter((at) => value(at) > alarm.Threshold);
  return bad.length >= alarm.DatapointsToAlarm ? 'ALARM' : 'OK';
}

const valueAt = (series) => (at) => series.get(at) ?? undefined;

/** The one expression that gives data, over the others' values. */
function expression(all, read) {
  const { Expression } = all.find(({ ReturnData }) => ReturnData !== false);
  const inner = all.filter(({ MetricStat }) => MetricStat);
  const values = inner.map(({ MetricStat: { Metric, Stat } }) => valueAt(read(Metric, Stat)));
  const FILL = (value, other) => value ?? other;
  const evaluate = new Function('FILL', ...inner.map(({ Id }) => Id), `return ${Expression}`);
  return (at) => evaluate(FILL, ...values.map((value) => value(at)));
}
