//! The line of a request as metrics, too: CloudWatch's embedded metric format
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>).
//!
//! CloudWatch takes from such a line the fields that its member `_aws` names. The library's JSON has no nested objects, so
//! members are added to what it has written; other lines are left as they are.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// The namespace of the metrics.
const NAMESPACE: &str = "Feedback";

/// The fields that are metrics, with their units, where they are on the line.
const METRICS: [(&str, Unit); 8] = [
    ("duration_ms", Unit::Milliseconds),
    ("dynamodb_requests", Unit::Count),
    ("submissions_stored", Unit::Count),
    ("submissions_replayed", Unit::Count),
    ("submissions_invalid", Unit::Count),
    ("submissions_quarantined", Unit::Count),
    ("submissions_refused", Unit::Count),
    ("triage_conflicts", Unit::Count),
];

const FUNCTION_NAME: &str = "function_name";
const OPERATION_TYPE: &str = "operation_type";

/// The operation type of a request that was refused before it had one.
const NO_OPERATION: &str = "none";

/// A format of JSON lines, with metrics in those of requests where there is a function's name.
pub(super) struct WithMetrics<F> {
    /// The format of the line.
    pub(super) format: F,
    /// The target of the events that are requests.
    pub(super) target: &'static str,
    /// The name of the function, a dimension of each metric.
    pub(super) function_name: Option<String>,
}

impl<S, N, F> FormatEvent<S, N> for WithMetrics<F>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let is_request = event.metadata().target() == self.target;
        let Some(function_name) = self.function_name.as_deref().filter(|_| is_request) else {
            return self.format.format_event(context, writer, event);
        };
        let mut line = String::new();
        self.format.format_event(context, Writer::new(&mut line), event)?;
        let mut fields = Fields::default();
        event.record(&mut fields);
        let added = Added {
            function_name,
            operation_type: (!fields.have_operation_type).then_some(NO_OPERATION),
            metadata: Metadata::of(fields.metrics),
        };
        let added = serde_json::to_string(&added).map_err(|_| fmt::Error)?;
        let (line, added) = (line.trim_end().strip_suffix('}'), added.strip_prefix('{'));
        let (line, added) = line.zip(added).ok_or(fmt::Error)?;
        writeln!(writer, "{line},{added}")
    }
}

/// The fields of an event that matter here.
#[derive(Default)]
struct Fields {
    metrics: Vec<Metric>,
    have_operation_type: bool,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, _: &dyn fmt::Debug) {
        self.have_operation_type |= field.name() == OPERATION_TYPE;
        let metric = METRICS.into_iter().find(|(name, _)| *name == field.name());
        self.metrics
            .extend(metric.map(|(name, unit)| Metric { name, unit }));
    }
}

/// The members that are added to a line.
#[derive(Serialize)]
struct Added<'a> {
    function_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation_type: Option<&'static str>,
    #[serde(rename = "_aws")]
    metadata: Metadata,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    /// In milliseconds since 1970 began.
    timestamp: u128,
    #[serde(rename = "CloudWatchMetrics")]
    directives: [Directive; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive {
    namespace: &'static str,
    dimensions: [[&'static str; 2]; 1],
    metrics: Vec<Metric>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metric {
    name: &'static str,
    unit: Unit,
}

#[derive(Clone, Copy, Serialize)]
enum Unit {
    Count,
    Milliseconds,
}

impl Metadata {
    fn of(metrics: Vec<Metric>) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            timestamp: now.unwrap_or_default().as_millis(),
            directives: [Directive {
                namespace: NAMESPACE,
                dimensions: [[FUNCTION_NAME, OPERATION_TYPE]],
                metrics,
            }],
        }
    }
}
