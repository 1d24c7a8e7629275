//! What is watched, who is told, and what rolls a deployment back.

use std::collections::{BTreeMap, BTreeSet};

use feedback_graphql::repository::Index;
use serde_json::{Value, json};

use super::document::{Template, list, text};
use super::variation::Settings;
use super::{indexes, log_lines};

const QUARANTINE_FILLS: &str = "QuarantineFillsAlarm";
const COUNTING: &str = "CountingAlarm";

/// Namespace, metric and dimensions.
type Watched = (String, String, BTreeMap<String, Value>);

#[test]
fn errors_throttles_duration_and_5xx_are_watched_where_aws_counts_them() {
    let template = Template::load();
    for names in indexes::lists() {
        watched_where_aws_counts_them(&template.with(&[("Indexes", names.as_str())]), &names);
    }
}

fn watched_where_aws_counts_them(template: &Template, names: &str) {
    let name = |kind| json!({ "Ref": template.only(kind).0 });
    let function = vec![("FunctionName", name("AWS::Serverless::Function"))];
    let version = [function.clone(), version_dimensions(template)].concat();
    let table = vec![("TableName", name("AWS::DynamoDB::Table"))];
    let api = vec![("ApiId", name("AWS::ApiGatewayV2::Api"))];

    let mut expected = vec![
        ("AWS/Lambda", "Errors", &function),
        ("AWS/Lambda", "Throttles", &function),
        ("AWS/Lambda", "Duration", &function),
        ("AWS/Lambda", "Errors", &version),
        ("AWS/Lambda", "Duration", &version),
        ("AWS/DynamoDB", "ReadThrottleEvents", &table),
        ("AWS/DynamoDB", "WriteThrottleEvents", &table),
        ("AWS/ApiGateway", "5xx", &api),
        // Once for itself, and once so as not to take it for a fault.
        ("AWS/Lambda", "Throttles", &function),
    ];
    let indexes: Vec<_> = indexes::of(names)
        .into_iter()
        .map(|index| {
            [
                table.clone(),
                vec![("GlobalSecondaryIndexName", json!(index.name()))],
            ]
            .concat()
        })
        .collect();
    for index in &indexes {
        expected.push(("AWS/DynamoDB", "ReadThrottleEvents", index));
        expected.push(("AWS/DynamoDB", "WriteThrottleEvents", index));
    }
    let mut expected: Vec<Watched> = expected
        .into_iter()
        .map(|(namespace, metric, dimensions)| {
            let dimensions = dimensions.iter().cloned();
            let dimensions = dimensions.map(|(name, value)| (name.to_owned(), value));
            (namespace.to_owned(), metric.to_owned(), dimensions.collect())
        })
        .collect();
    let mut found: Vec<Watched> = alarms(template).values().flat_map(watched).collect();
    // Values have no order of their own.
    expected.sort_by_key(|watched| format!("{watched:?}"));
    found.sort_by_key(|watched| format!("{watched:?}"));
    assert_eq!(found, expected, "{names}");
}

#[test]
fn a_quarantine_that_fills_is_watched_where_a_number_is_given() {
    let template = Template::load();
    assert!(!alarms(&template.with(&[])).contains_key(QUARANTINE_FILLS));
    let alarm = &alarms(&template.with(&[("QuarantineAlarmUnits", "100")]))[QUARANTINE_FILLS];
    let (table, _) = template.only("AWS::DynamoDB::Table");
    let dimensions = [
        ("TableName".to_owned(), json!({ "Ref": table })),
        (
            "GlobalSecondaryIndexName".to_owned(),
            json!(Index::Quarantine.name()),
        ),
    ];
    let expected = (
        "AWS/DynamoDB".to_owned(),
        "ConsumedWriteCapacityUnits".to_owned(),
        BTreeMap::from(dimensions),
    );
    assert_eq!(watched(alarm), [expected]);
    assert_eq!(alarm["Threshold"], json!({ "Ref": "QuarantineAlarmUnits" }));
}

/// Where clients are counted at all, and the log has the line that tells.
#[test]
fn clients_that_are_not_counted_are_watched_where_they_are_to_be_counted() {
    let template = Template::load();
    for (settings, is_watched) in [
        (&[] as Settings, false),
        (&[("Quarantine", "trap=1,links=3")], false),
        (&[("ClientLimit", "100")], true),
        (&[("Quarantine", "trap=1,perClient=20")], true),
        (&[("Quarantine", "perClient=0,trap=1")], true),
        (&[("ClientLimit", "100"), ("LogLevel", "warn")], true),
        (&[("ClientLimit", "100"), ("LogLevel", "error")], false),
    ] {
        let template = template.with(settings);
        let filters = template.of_type("AWS::Logs::MetricFilter");
        let alarms = alarms(&template);
        let alarm = alarms.get(COUNTING);
        assert_eq!((filters.len(), alarm.is_some()), (is_watched.into(), is_watched));
        let Some(alarm) = alarm else {
            continue;
        };
        let filter = &filters[0].1["Properties"];
        assert_eq!(
            filter["LogGroupName"],
            template.function()["LoggingConfig"]["LogGroup"]
        );
        let [metric] = list(&filter["MetricTransformations"]) else {
            panic!("{filter} makes several metrics");
        };
        let namespace = written(&metric["MetricNamespace"]);
        assert!(
            namespace.ends_with("/${AWS::StackName}"),
            "another stack's alarm would go on"
        );
        let expected = (namespace, text(&metric["MetricName"]).to_owned(), BTreeMap::new());
        assert_eq!(watched(alarm), [expected]);
        assert_eq!(
            metric["DefaultValue"],
            Value::Null,
            "the metric would be paid for all the time"
        );
    }
}

#[tokio::test]
async fn a_line_is_counted_if_it_says_that_clients_are_not_and_else_not() {
    let template = Template::load();
    let (_, filter) = template.only("AWS::Logs::MetricFilter");
    let pattern = text(&filter["Properties"]["FilterPattern"]);
    let (field, value) = pattern
        .strip_prefix("{ $.")
        .and_then(|rest| rest.strip_suffix("\" }"))
        .and_then(|comparison| comparison.split_once(" = \""))
        .unwrap_or_else(|| panic!("{pattern} does not compare a field with a text"));
    let lines = log_lines::of_requests().await;
    let (counted, others): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line[field] == value);
    assert_eq!(counted.len(), 1, "{lines:#?}");
    assert_eq!(counted[0]["level"], "WARN");
    assert!(
        text(&counted[0]["reason"]).contains("ThrottlingException"),
        "{counted:?}"
    );
    assert!(others.len() > 1, "{lines:#?}");
}

#[test]
fn an_alarm_tells_the_topic_if_there_is_one() {
    const TOPIC: &str = "arn:aws:sns:eu-central-1:123456789012:alarms";
    let template = Template::load();
    let told = |settings: &[(&str, &str)], expected: &Value| {
        for (name, alarm) in alarms(&template.with(settings)) {
            for event in ["AlarmActions", "OKActions"] {
                assert_eq!(alarm[event], *expected, "{name}");
            }
            assert_ne!(alarm["ActionsEnabled"], false, "{name}");
        }
    };
    let on: Settings = &[("QuarantineAlarmUnits", "100"), ("ClientLimit", "100")];
    told(on, &Value::Null);
    told(
        &[on, &[("AlarmTopicArn", TOPIC)]].concat(),
        &json!([{ "Ref": "AlarmTopicArn" }]),
    );
}

#[test]
fn silence_is_no_fault_and_a_fault_shows_within_minutes() {
    for (name, alarm) in alarms(&Template::load()) {
        assert_eq!(alarm["TreatMissingData"], "notBreaching", "{name}");
        assert_eq!(alarm["ComparisonOperator"], "GreaterThanThreshold", "{name}");
        assert!(!written(&alarm["AlarmDescription"]).is_empty(), "{name}");
        let minutes = alarm["EvaluationPeriods"].as_u64();
        assert!(minutes <= Some(5), "{name}");
        assert!(alarm["DatapointsToAlarm"].as_u64() <= minutes, "{name}");
        for period in periods(&alarm) {
            assert_eq!(period, 60, "{name}");
        }
    }
}

/// A template cannot calculate, CloudWatch can.
#[test]
fn durations_are_measured_against_the_timeout_that_was_chosen() {
    let mut measured = 0;
    for (name, alarm) in alarms(&Template::load()) {
        if watched(&alarm).iter().all(|(_, metric, _)| metric != "Duration") {
            continue;
        }
        measured += 1;
        let [share, duration] = list(&alarm["Metrics"]) else {
            panic!("{name} measures something else");
        };
        // Milliseconds, divided by seconds and by 10: percent.
        assert_eq!(
            share["Expression"],
            json!({ "Fn::Sub": "duration / ${Timeout} / 10" })
        );
        assert_eq!(duration["Id"], "duration");
        assert_eq!(duration["MetricStat"]["Stat"], "p99");
        let percent = alarm["Threshold"].as_u64();
        assert!(Some(50) <= percent && percent < Some(100), "{name}");
    }
    assert_eq!(measured, 2, "of the function and of its new version");
}

#[test]
fn a_sum_counts_each_of_its_metrics_and_nothing_else_returns_data() {
    for (name, alarm) in alarms(&Template::load()) {
        let Some(metrics) = alarm["Metrics"].as_array() else {
            assert_eq!(alarm["Statistic"], "Sum", "{name}");
            continue;
        };
        let (returned, inner): (Vec<_>, Vec<_>) =
            metrics.iter().partition(|metric| metric["ReturnData"] != false);
        let &[returned] = returned.as_slice() else {
            panic!("{name} has {} results", returned.len());
        };
        let expression = returned["Expression"].to_string();
        for metric in inner {
            assert!(expression.contains(text(&metric["Id"])), "{name}");
        }
    }
}

#[test]
fn a_deployment_goes_back_on_what_the_new_version_does() {
    let template = Template::load();
    let alarms = alarms(&template);
    let rolling_back = rollback_alarms(&template.with(&[]));
    let mut metrics = BTreeSet::new();
    for name in &rolling_back {
        let alarm = alarms
            .get(name)
            .unwrap_or_else(|| panic!("there is no alarm {name}"));
        for (namespace, metric, dimensions) in watched(alarm) {
            if metric == "Throttles" {
                continue;
            }
            if namespace == "AWS/Lambda" {
                // One that is on because of the old version would stop the new one, which mends it.
                for (dimension, value) in version_dimensions(&template) {
                    assert_eq!(dimensions[dimension], value, "{name}");
                }
            }
            metrics.insert(metric);
        }
    }
    let expected = ["5xx", "Duration", "Errors"].map(str::to_owned);
    assert_eq!(metrics, BTreeSet::from(expected));
}

/// The API answers 5xx for them, and no version is at fault.
#[test]
fn a_deployment_does_not_go_back_on_requests_that_were_throttled() {
    let template = Template::load();
    let alarms = alarms(&template);
    for name in rollback_alarms(&template.with(&[])) {
        let alarm = &alarms[&name];
        if watched(alarm).iter().all(|(_, metric, _)| metric != "5xx") {
            continue;
        }
        let [faults, answers, throttles] = list(&alarm["Metrics"]) else {
            panic!("{name} counts something else");
        };
        assert_eq!(faults["Expression"], "FILL(answers, 0) - FILL(throttles, 0)");
        assert_eq!(
            (&answers["Id"], &throttles["Id"]),
            (&json!("answers"), &json!("throttles"))
        );
        assert_eq!(answers["MetricStat"]["Metric"]["MetricName"], "5xx");
        assert_eq!(throttles["MetricStat"]["Metric"]["MetricName"], "Throttles");
        for metric in [answers, throttles] {
            assert_eq!(metric["MetricStat"]["Stat"], "Sum");
        }
        return;
    }
    panic!("no alarm on 5xx rolls a deployment back");
}

#[test]
fn a_repair_that_goes_out_all_at_once_is_stopped_by_no_alarm() {
    let template = Template::load().with(&[("DeploymentType", "AllAtOnce")]);
    assert!(rollback_alarms(&template).is_empty());
}

/// By which Lambda counts one version, while an alias shares its requests out between two.
fn version_dimensions(template: &Template) -> Vec<(&'static str, Value)> {
    let (function, _) = template.only("AWS::Serverless::Function");
    let alias = text(&template.function()["AutoPublishAlias"]);
    vec![
        (
            "Resource",
            json!({ "Fn::Sub": format!("${{{function}}}:{alias}") }),
        ),
        (
            "ExecutedVersion",
            json!({ "Fn::GetAtt": [function, "Version.Version"] }),
        ),
    ]
}

/// The properties of each alarm.
pub fn alarms(template: &Template) -> BTreeMap<String, Value> {
    let alarms = template.of_type("AWS::CloudWatch::Alarm");
    assert!(!alarms.is_empty());
    alarms
        .into_iter()
        .map(|(name, alarm)| (name.to_owned(), alarm["Properties"].clone()))
        .collect()
}

fn rollback_alarms(template: &Template) -> BTreeSet<String> {
    list(&template.function()["DeploymentPreference"]["Alarms"])
        .iter()
        .map(|alarm| text(&alarm["Ref"]).to_owned())
        .collect()
}

/// Every metric that an alarm looks at, itself or in a sum.
pub fn watched(alarm: &Value) -> Vec<Watched> {
    let read = |metric: &Value| {
        let dimensions = metric["Dimensions"].as_array().into_iter().flatten();
        let dimensions = dimensions.map(|it| (text(&it["Name"]).to_owned(), it["Value"].clone()));
        (
            written(&metric["Namespace"]),
            text(&metric["MetricName"]).to_owned(),
            dimensions.collect(),
        )
    };
    let summed = alarm["Metrics"].as_array().into_iter().flatten();
    let own = alarm.get("MetricName").map(|_| alarm).into_iter();
    summed
        .filter_map(|metric| Some(&metric.get("MetricStat")?["Metric"]))
        .chain(own)
        .map(read)
        .collect()
}

/// A text, with placeholders or without.
fn written(value: &Value) -> String {
    text(value.get("Fn::Sub").unwrap_or(value)).to_owned()
}

fn periods(alarm: &Value) -> Vec<u64> {
    let summed = alarm["Metrics"].as_array().into_iter().flatten();
    let summed = summed.map(|metric| &metric["MetricStat"]["Period"]);
    summed
        .chain([&alarm["Period"]])
        .filter_map(Value::as_u64)
        .collect()
}
