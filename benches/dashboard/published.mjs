// The metrics that AWS publishes, by the database of which the CDK's are generated.

import { loadAwsServiceSpec } from '@aws-cdk/aws-service-spec';

const database = await loadAwsServiceSpec();
const published = new Set(
  [...database.all('metric')].flatMap((metric) =>
    [...database.follow('usesDimensionSet', metric)].map(({ entity: { dimensions } }) =>
      idOf(
        metric.namespace,
        metric.name,
        dimensions.map(({ name }) => name),
      ),
    ),
  ),
);

function idOf(namespace, name, dimensions) {
  return [namespace, name, ...dimensions.toSorted()].join();
}

/** Whether AWS publishes the metric by these dimensions, or it is none of AWS's. */
export function isPublished(namespace, name, dimensions) {
  return !namespace.startsWith('AWS/') || published.has(idOf(namespace, name, dimensions));
}
