//! The metrics that there are: by AWS's documentation of each service, and the service's own.
//!
//! - <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html>
//! - <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html>
//! - <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html>

use std::collections::BTreeSet;

use crate::lambda::metrics::OUTCOMES;

/// A metric with the statistics that mean something of it, by sets of dimensions.
struct Kind {
    namespace: &'static str,
    dimensions: &'static [&'static [&'static str]],
    metrics: &'static [(&'static str, &'static [&'static str])],
}

const COUNT: &[&str] = &["Sum"];
const TIME: &[&str] = &["Average", "Maximum", "Minimum", "p50", "p95", "p99"];
/// Of units, the count of samples is one of requests.
const UNITS: &[&str] = &["Average", "Maximum", "Minimum", "SampleCount", "Sum"];

const KINDS: [Kind; 6] = [
    Kind {
        namespace: "AWS/ApiGateway",
        dimensions: &[&["ApiId"], &["ApiId", "Stage"]],
        metrics: &[
            ("4xx", COUNT),
            ("5xx", COUNT),
            ("Count", COUNT),
            ("DataProcessed", COUNT),
            ("IntegrationLatency", TIME),
            ("Latency", TIME),
        ],
    },
    Kind {
        namespace: "AWS/Lambda",
        dimensions: &[
            &["FunctionName"],
            &["FunctionName", "Resource"],
            &["ExecutedVersion", "FunctionName", "Resource"],
        ],
        metrics: &[
            ("ConcurrentExecutions", &["Maximum"]),
            ("Duration", TIME),
            ("Errors", COUNT),
            ("Invocations", COUNT),
            ("Throttles", COUNT),
        ],
    },
    Kind {
        namespace: "AWS/DynamoDB",
        dimensions: &[&["TableName"], &["GlobalSecondaryIndexName", "TableName"]],
        metrics: &[
            ("ConsumedReadCapacityUnits", UNITS),
            ("ConsumedWriteCapacityUnits", UNITS),
            ("ReadThrottleEvents", &["SampleCount", "Sum"]),
            ("WriteThrottleEvents", &["SampleCount", "Sum"]),
        ],
    },
    Kind {
        namespace: "AWS/DynamoDB",
        dimensions: &[&["Operation", "TableName"]],
        metrics: &[
            (
                "SuccessfulRequestLatency",
                &["Average", "Maximum", "Minimum", "SampleCount"],
            ),
            ("SystemErrors", &["SampleCount", "Sum"]),
            ("ThrottledRequests", &["SampleCount", "Sum"]),
        ],
    },
    // Of the function's request line.
    Kind {
        namespace: "Feedback",
        dimensions: &[&["function_name", "operation_type"]],
        metrics: &[
            ("duration_ms", TIME),
            ("dynamodb_requests", UNITS),
            ("submissions_invalid", COUNT),
            ("submissions_quarantined", COUNT),
            ("submissions_refused", COUNT),
            ("submissions_replayed", COUNT),
            ("submissions_stored", COUNT),
            ("triage_conflicts", COUNT),
        ],
    },
    // Of the template's metric filter.
    Kind {
        namespace: "Feedback/${AWS::StackName}",
        dimensions: &[&[]],
        metrics: &[("counting_failures", COUNT)],
    },
];

/// A metric that somebody looks at.
#[derive(Debug)]
pub struct Metric {
    pub namespace: String,
    pub name: String,
    pub dimensions: BTreeSet<String>,
    pub statistic: String,
}

#[test]
fn the_services_own_metrics_are_those_of_its_request_line() {
    let own = KINDS.iter().find(|kind| kind.namespace == "Feedback");
    let own = own.into_iter().flat_map(|kind| kind.metrics);
    let own: BTreeSet<&str> = own.map(|(name, _)| *name).collect();
    let expected: BTreeSet<&str> = OUTCOMES
        .into_iter()
        .chain(["duration_ms", "dynamodb_requests"])
        .collect();
    assert_eq!(own, expected);
}

impl Metric {
    pub fn is_known(&self) -> bool {
        KINDS
            .iter()
            .filter(|kind| kind.namespace == self.namespace)
            .filter(|kind| {
                let mut sets = kind.dimensions.iter();
                sets.any(|set| set.iter().eq(&self.dimensions))
            })
            .flat_map(|kind| kind.metrics)
            .any(|(name, statistics)| self.name == *name && statistics.contains(&self.statistic.as_str()))
    }
}
