//! The dashboard, and the queries that are saved with it: all that they name is there.
//!
//! CloudWatch shows an empty widget for a metric that nobody publishes and an empty column for a field that no line has,
//! and no linter knows of either. `benches/dashboard` holds the metrics to AWS's own list, too, and runs the queries.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use self::metrics::Metric;
use self::queries::Query;
use super::alarms;
use super::document::{Template, list, object, text};
use super::log_lines;
use super::variation::{self, DASHBOARD};

mod metrics;
mod queries;

const DASHBOARD_TYPE: &str = "AWS::CloudWatch::Dashboard";
const QUERY_TYPE: &str = "AWS::Logs::QueryDefinition";
const COLUMNS: u64 = 24;
/// What Logs Insights knows of every line.
const OF_EVERY_LINE: &str = "@timestamp";

#[test]
fn the_dashboard_and_the_saved_queries_are_there_where_they_are_asked_for() {
    let template = Template::load();
    let there = |settings| {
        let template = template.with(settings);
        [DASHBOARD_TYPE, QUERY_TYPE].map(|kind| template.of_type(kind).len())
    };
    assert_eq!(there(&[]), [0, 0]);
    assert_eq!(there(DASHBOARD), [1, 3]);
}

#[test]
fn the_dashboard_shows_every_alarm_of_the_stack_and_no_other() {
    for settings in shown() {
        let template = Template::load().with(&settings);
        let widgets = widgets(&template);
        let shown: Vec<&str> = properties(&widgets, "alarm")
            .flat_map(|alarms| list(&alarms["alarms"]))
            .map(text)
            .collect();
        let expected: BTreeSet<String> = alarms::alarms(&template)
            .into_keys()
            .map(|name| format!("<{name}.Arn>"))
            .collect();
        assert_eq!(shown.len(), expected.len(), "{settings:?}");
        assert_eq!(
            shown.into_iter().map(str::to_owned).collect::<BTreeSet<_>>(),
            expected,
            "{settings:?}"
        );
    }
}

#[test]
fn widgets_fill_the_grid_without_gaps_and_none_lies_on_another() {
    for settings in shown() {
        let mut taken = BTreeMap::new();
        for widget in &widgets(&Template::load().with(&settings)) {
            let number = |name: &str| {
                widget[name]
                    .as_u64()
                    .unwrap_or_else(|| panic!("{widget} has no {name}"))
            };
            let (x, y) = (number("x"), number("y"));
            let (width, height) = (number("width"), number("height"));
            assert!(width > 0 && height > 0 && x + width <= COLUMNS, "{widget}");
            for row in y..y + height {
                for column in x..x + width {
                    let other = taken.insert((row, column), widget.clone());
                    assert_eq!(other, None, "{widget}");
                }
            }
        }
        let (&(last, _), _) = taken.last_key_value().unwrap();
        let cells = usize::try_from((last + 1) * COLUMNS).unwrap();
        assert_eq!(taken.len(), cells, "{settings:?}");
    }
}

#[test]
fn every_widget_says_what_it_shows_and_of_which_region() {
    let mut titles = BTreeSet::new();
    for widget in &widgets(&Template::load().with(DASHBOARD)) {
        let properties = &widget["properties"];
        match text(&widget["type"]) {
            "text" => assert!(!text(&properties["markdown"]).is_empty()),
            kind => {
                assert!(titles.insert(text(&properties["title"]).to_owned()), "{widget}");
                assert!(
                    kind == "alarm" || properties["region"] == "<AWS::Region>",
                    "{widget}"
                );
            }
        }
    }
}

#[test]
fn every_metric_of_the_dashboard_and_of_the_alarms_is_one_that_there_is() {
    let mut names = BTreeSet::new();
    for settings in shown() {
        let template = Template::load().with(&settings);
        let widgets = widgets(&template);
        let on_dashboard = properties(&widgets, "metric").flat_map(of_widget);
        let watched = alarms::alarms(&template);
        let watched = watched.values().flat_map(of_alarm);
        for metric in on_dashboard.chain(watched) {
            assert!(metric.is_known(), "{metric:?}");
            names.insert(metric.name);
        }
    }
    // What there would be if nothing were found.
    assert!(names.len() > 10, "{names:?}");
}

/// Of this stack, and not of others in the account.
#[test]
fn every_metric_of_the_dashboard_is_of_the_stacks_own_resources() {
    let template = Template::load().with(DASHBOARD);
    let widgets = widgets(&template);
    let name = |kind: &str| format!("<{}>", template.only(kind).0);
    let api = name("AWS::ApiGatewayV2::Api");
    let function = name("AWS::Serverless::Function");
    let table = name("AWS::DynamoDB::Table");
    for properties in properties(&widgets, "metric") {
        for metric in list(&properties["metrics"]) {
            let metric = metric.to_string().replace("\\\"", "\"");
            let of = |dimension: &str, separator: &str, name: &str| {
                metric.contains(&format!("{dimension}{separator}\"{name}\""))
            };
            let is_own = of("ApiId\"", ",", &api)
                || of("FunctionName\"", ",", &function)
                || of("TableName\"", ",", &table)
                || of("function_name", "=", &function)
                || of("TableName", "=", &table);
            assert!(is_own, "{metric}");
        }
    }
}

#[test]
fn the_dashboard_shows_units_and_throttles_of_whichever_indexes_the_table_has() {
    let widgets = widgets(&Template::load().with(DASHBOARD));
    let searched: BTreeSet<String> = properties(&widgets, "metric")
        .flat_map(of_widget)
        .filter(|metric| metric.dimensions.contains("GlobalSecondaryIndexName"))
        .map(|metric| metric.name)
        .collect();
    let expected = [
        "ConsumedReadCapacityUnits",
        "ConsumedWriteCapacityUnits",
        "ReadThrottleEvents",
        "WriteThrottleEvents",
    ];
    assert_eq!(searched, expected.map(str::to_owned).into());
}

#[tokio::test]
async fn every_field_that_a_query_reads_is_one_of_a_line_in_the_log() {
    let template = Template::load().with(DASHBOARD);
    let lines = [log_lines::of_requests().await, log_lines::of_platform()].concat();
    let fields: Vec<(String, &Value)> = lines.iter().flat_map(log_lines::fields).collect();
    let queries = queries(&template);
    assert_eq!(queries.len(), 5);
    for query in queries {
        let Query {
            fields: read,
            compared,
        } = Query::parse(&query);
        for name in read.iter().filter(|name| *name != OF_EVERY_LINE) {
            assert!(
                fields.iter().any(|(field, _)| field == name),
                "no line has {name}: {query}"
            );
        }
        for (name, value) in compared {
            let is_there = |(field, found): &(String, &Value)| *field == name && **found == json!(value);
            assert!(fields.iter().any(is_there), "{name} is never {value}: {query}");
        }
    }
}

/// Dashboards belong to an account: one of the same name in another region would be overwritten.
#[test]
fn stacks_in_two_regions_have_two_dashboards() {
    let template = Template::load().with(DASHBOARD);
    let (_, dashboard) = template.only(DASHBOARD_TYPE);
    assert_eq!(
        dashboard["Properties"]["DashboardName"],
        json!({ "Fn::Sub": "${AWS::StackName}-${AWS::Region}" })
    );
}

/// Each choice of parameters that changes what there is to show.
fn shown() -> Vec<Vec<(&'static str, &'static str)>> {
    let mut all: Vec<_> = variation::all();
    all.retain(|settings| !settings.contains(&DASHBOARD[0]));
    let others = [
        ("Indexes", "none"),
        ("Indexes", "rating,person"),
        ("QuarantineAlarmUnits", "100"),
        ("Quarantine", "perClient=20"),
    ];
    all.extend(others.map(|setting| vec![setting]));
    for settings in &mut all {
        settings.push(DASHBOARD[0]);
    }
    all.push(variation::EVERYTHING_GIVEN.to_vec());
    all
}

/// The widgets of the dashboard, with the names of what is referred to for what it stands for, in angle brackets.
fn widgets(template: &Template) -> Vec<Value> {
    let (_, dashboard) = template.only(DASHBOARD_TYPE);
    let body = &dashboard["Properties"]["DashboardBody"]["Fn::Sub"];
    let mut json = text(&body[0]).to_owned();
    for (name, value) in object(&body[1]) {
        let separator = text(&value["Fn::Join"][0]);
        let arns: Vec<String> = list(&value["Fn::Join"][1])
            .iter()
            .map(|arn| {
                let of = &arn["Fn::GetAtt"];
                format!("<{}.{}>", text(&of[0]), text(&of[1]))
            })
            .collect();
        json = json.replace(&format!("${{{name}}}"), &arns.join(separator));
    }
    let body: Value = serde_json::from_str(&substituted(&json)).expect("JSON");
    list(&body["widgets"]).to_vec()
}

/// A text of a `Sub`, as above.
fn substituted(pattern: &str) -> String {
    let (first, parts) = pattern.split_once("${").unwrap_or((pattern, ""));
    let parts = parts.split("${").filter(|part| !part.is_empty()).map(|part| {
        let (name, rest) = part.split_once('}').expect("a placeholder ends");
        match name.strip_prefix('!') {
            Some(literal) => format!("${{{literal}}}{rest}"),
            None => format!("<{name}>{rest}"),
        }
    });
    [first.to_owned()].into_iter().chain(parts).collect()
}

fn properties<'a>(widgets: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    widgets
        .iter()
        .filter(move |widget| widget["type"] == kind)
        .map(|widget| &widget["properties"])
}

/// The metrics of a widget, those that its expressions search for included.
fn of_widget(properties: &Value) -> Vec<Metric> {
    list(&properties["metrics"])
        .iter()
        .map(|metric| {
            let parts = list(metric);
            let (options, path) = parts.split_last().expect("a metric or an expression");
            if let Some(expression) = options["expression"].as_str() {
                return searched(expression);
            }
            let path: Vec<&str> = path.iter().map(text).collect();
            let [namespace, name, dimensions @ ..] = path.as_slice() else {
                panic!("{metric} names no metric");
            };
            let statistic = options.get("stat").unwrap_or(&properties["stat"]);
            Metric {
                namespace: (*namespace).to_owned(),
                name: (*name).to_owned(),
                dimensions: dimensions
                    .iter()
                    .step_by(2)
                    .map(|name| (*name).to_owned())
                    .collect(),
                statistic: text(statistic).to_owned(),
            }
        })
        .collect()
}

/// What an expression searches for, alone or for its sum.
fn searched(expression: &str) -> Metric {
    let search = expression
        .strip_prefix("SUM(")
        .and_then(|it| it.strip_suffix(')'));
    let parsed = || {
        let search = search.unwrap_or(expression).strip_prefix("SEARCH('{")?;
        let (schema, rest) = search.split_once("} ")?;
        let (terms, rest) = rest.split_once("', '")?;
        let statistic = rest.strip_suffix("')")?;
        let (namespace, dimensions) = schema.split_once(',')?;
        let dimensions: BTreeSet<String> = dimensions.split(',').map(str::to_owned).collect();
        let mut name = None;
        for term in terms.split(' ') {
            let (field, value) = term.split_once("=\"")?;
            let value = value.strip_suffix('"')?;
            if field == "MetricName" {
                name = Some(value.to_owned());
            } else if !dimensions.contains(field) {
                return None;
            }
        }
        Some(Metric {
            namespace: namespace.to_owned(),
            name: name?,
            dimensions,
            statistic: statistic.to_owned(),
        })
    };
    parsed().unwrap_or_else(|| panic!("{expression} is no search for a metric"))
}

/// The metrics of an alarm, with the statistic of each.
fn of_alarm(alarm: &Value) -> Vec<Metric> {
    let statistics: Vec<&Value> = match alarm["Metrics"].as_array() {
        Some(metrics) => metrics
            .iter()
            .filter_map(|metric| metric.get("MetricStat"))
            .map(|it| &it["Stat"])
            .collect(),
        None => vec![&alarm["Statistic"]],
    };
    alarms::watched(alarm)
        .into_iter()
        .zip(statistics)
        .map(|((namespace, name, dimensions), statistic)| Metric {
            namespace,
            name,
            dimensions: dimensions.into_keys().collect(),
            statistic: text(statistic).to_owned(),
        })
        .collect()
}

/// Every query, of widgets without the group that they read, which has to be the function's.
fn queries(template: &Template) -> Vec<String> {
    let group = text(&template.function()["LoggingConfig"]["LogGroup"]["Ref"]);
    let source = format!("SOURCE '<{group}>' | ");
    let widgets = widgets(template);
    let of_widgets = properties(&widgets, "log").map(|log| {
        let query = text(&log["query"]);
        let query = query.strip_prefix(&source);
        query
            .unwrap_or_else(|| panic!("{log} reads another log"))
            .to_owned()
    });
    let saved = template.of_type(QUERY_TYPE).into_iter().map(|(_, query)| {
        let properties = &query["Properties"];
        assert_eq!(properties["LogGroupNames"], json!([{ "Ref": group }]));
        text(&properties["QueryString"]).to_owned()
    });
    of_widgets.chain(saved).collect()
}
