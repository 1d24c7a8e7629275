//! The table: its keys, its capacity, and how long things stay in it.

use std::collections::BTreeSet;

use feedback_graphql::repository::table;
use serde_json::{Value, json};

use super::document::{Template, list, text};
use super::indexes;
use super::variation::{self, EVERYTHING_GIVEN, PROVISIONED, Settings};

#[test]
fn the_tables_key_is_that_of_the_code() {
    let template = Template::load();
    let (_, table) = template.only("AWS::DynamoDB::Table");
    assert_eq!(
        table["Properties"]["KeySchema"],
        json!([{ "AttributeName": table::PARTITION_KEY, "KeyType": "HASH" }])
    );
}

#[test]
fn every_index_has_the_tables_capacity() {
    let template = Template::load();
    for settings in variation::all() {
        let template = template.with(&settings);
        let (_, table) = template.only("AWS::DynamoDB::Table");
        for index in list(&table["Properties"]["GlobalSecondaryIndexes"]) {
            for capacity in ["OnDemandThroughput", "ProvisionedThroughput"] {
                assert_eq!(
                    index[capacity], table["Properties"][capacity],
                    "an index with less throttles the writes to its table: {}, {settings:?}",
                    index["IndexName"]
                );
            }
        }
    }
}

#[test]
fn a_table_on_demand_has_the_maximum_throughput_that_was_given() {
    let template = Template::load();
    let maximum = |settings: Settings| {
        let template = template.with(settings);
        let (_, table) = template.only("AWS::DynamoDB::Table");
        assert_eq!(table["Properties"]["BillingMode"], "PAY_PER_REQUEST");
        assert_eq!(table["Properties"]["ProvisionedThroughput"], Value::Null);
        table["Properties"]["OnDemandThroughput"].clone()
    };
    let (read, write) = ("MaxReadRequestUnits", "MaxWriteRequestUnits");
    assert_eq!(maximum(&[]), Value::Null);
    assert_eq!(maximum(&[(read, "9")]), json!({ read: { "Ref": read } }));
    assert_eq!(maximum(&[(write, "9")]), json!({ write: { "Ref": write } }));
    assert_eq!(
        maximum(&[(read, "9"), (write, "9")]),
        json!({ read: { "Ref": read }, write: { "Ref": write } })
    );
}

#[test]
fn a_provisioned_table_starts_with_the_least_and_has_no_maximum_throughput() {
    let template = Template::load().with(&[PROVISIONED, EVERYTHING_GIVEN].concat());
    let (_, table) = template.only("AWS::DynamoDB::Table");
    assert_eq!(table["Properties"]["BillingMode"], "PROVISIONED");
    assert_eq!(
        table["Properties"]["ProvisionedThroughput"],
        json!({
            "ReadCapacityUnits": { "Ref": "MinReadCapacity" },
            "WriteCapacityUnits": { "Ref": "MinWriteCapacity" },
        })
    );
    assert_eq!(
        table["Properties"]["OnDemandThroughput"],
        Value::Null,
        "DynamoDB refuses it"
    );
}

#[test]
fn provisioned_capacity_follows_the_load_for_table_and_indexes_reads_and_writes() {
    let template = Template::load();
    for names in indexes::lists() {
        capacity_follows_the_load(
            &template.with(&[PROVISIONED, &[("Indexes", names.as_str())]].concat()),
            &names,
        );
    }
}

fn capacity_follows_the_load(template: &Template, names: &str) {
    let (table, _) = template.only("AWS::DynamoDB::Table");
    let targets = template.of_type("AWS::ApplicationAutoScaling::ScalableTarget");
    let policies = template.of_type("AWS::ApplicationAutoScaling::ScalingPolicy");

    let mut scaled = BTreeSet::new();
    for (name, target) in &targets {
        let target = &target["Properties"];
        assert_eq!(target["ServiceNamespace"], "dynamodb");
        let dimension = text(&target["ScalableDimension"]);
        let kind = if dimension.ends_with("ReadCapacityUnits") {
            "Read"
        } else {
            "Write"
        };
        assert_eq!(
            target["MinCapacity"],
            json!({ "Ref": format!("Min{kind}Capacity") })
        );
        assert_eq!(
            target["MaxCapacity"],
            json!({ "Ref": format!("Max{kind}Capacity") })
        );
        let resource = text(&target["ResourceId"]["Fn::Sub"]).to_owned();
        scaled.insert((resource, dimension.to_owned()));

        let own: Vec<&Value> = policies
            .iter()
            .map(|(_, policy)| &policy["Properties"])
            .filter(|policy| policy["ScalingTargetId"] == json!({ "Ref": name }))
            .collect();
        let &[policy] = own.as_slice() else {
            panic!("{name} has {} policies", own.len());
        };
        assert_eq!(policy["PolicyType"], "TargetTrackingScaling");
        assert_eq!(
            policy["TargetTrackingScalingPolicyConfiguration"],
            json!({
                "TargetValue": { "Ref": "CapacityUtilization" },
                "PredefinedMetricSpecification": {
                    "PredefinedMetricType": format!("DynamoDB{kind}CapacityUtilization"),
                },
            })
        );
    }
    let table = format!("table/${{{table}}}");
    let mut expected = BTreeSet::new();
    for unit in ["Read", "Write"] {
        expected.insert((table.clone(), format!("dynamodb:table:{unit}CapacityUnits")));
        expected.extend(indexes::of(names).iter().map(|index| {
            let index = format!("{table}/index/{}", index.name());
            (index, format!("dynamodb:index:{unit}CapacityUnits"))
        }));
    }
    assert_eq!(scaled, expected, "{names}");
    assert_eq!(policies.len(), targets.len());
}

#[test]
fn nothing_is_scaled_on_demand() {
    let template = Template::load().with(&[]);
    for kind in ["ScalableTarget", "ScalingPolicy"] {
        let kind = format!("AWS::ApplicationAutoScaling::{kind}");
        assert!(template.of_type(&kind).is_empty());
    }
}

#[test]
fn what_expires_is_deleted_whatever_the_retention_is_by_then() {
    let template = Template::load();
    for settings in variation::all() {
        let template = template.with(&settings);
        let (_, table) = template.only("AWS::DynamoDB::Table");
        assert_eq!(
            table["Properties"]["TimeToLiveSpecification"],
            json!({ "AttributeName": table::EXPIRY_ATTRIBUTE, "Enabled": true })
        );
    }
}

#[test]
fn what_people_wrote_outlives_mistakes() {
    let template = Template::load();
    let (_, table) = template.only("AWS::DynamoDB::Table");
    let properties = &table["Properties"];

    assert_eq!(table["DeletionPolicy"], "Retain");
    assert_eq!(table["UpdateReplacePolicy"], "Retain");
    assert_eq!(
        properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"],
        true
    );
    assert_eq!(properties["SSESpecification"]["SSEEnabled"], true);
    let protection = template.parameter(&properties["DeletionProtectionEnabled"]);
    assert_eq!(protection["Default"], "true");
}
