//! The table: its keys, its capacity, and how long things stay in it.

use std::collections::{BTreeMap, BTreeSet};

use feedback_graphql::repository::table;
use serde_json::{Value, json};

use super::document::{Template, list, text};
use super::variation::{self, EVERYTHING_GIVEN, PROVISIONED, Settings};

#[test]
fn the_tables_key_and_index_are_those_of_the_code() {
    let template = Template::load();
    let (_, table) = template.only("AWS::DynamoDB::Table");
    let properties = &table["Properties"];

    let types: BTreeMap<&str, &str> = list(&properties["AttributeDefinitions"])
        .iter()
        .map(|it| (text(&it["AttributeName"]), text(&it["AttributeType"])))
        .collect();
    assert_eq!(
        types,
        BTreeMap::from([
            (table::PARTITION_KEY, "S"),
            (table::SHARD_ATTRIBUTE, "N"),
            (table::POSITION_ATTRIBUTE, "S"),
        ])
    );
    assert_eq!(
        properties["KeySchema"],
        json!([{ "AttributeName": table::PARTITION_KEY, "KeyType": "HASH" }])
    );

    let [index] = list(&properties["GlobalSecondaryIndexes"]) else {
        panic!("the table has exactly one index");
    };
    assert_eq!(index["IndexName"], table::TIMELINE_INDEX);
    assert_eq!(
        index["KeySchema"],
        json!([
            { "AttributeName": table::SHARD_ATTRIBUTE, "KeyType": "HASH" },
            { "AttributeName": table::POSITION_ATTRIBUTE, "KeyType": "RANGE" },
        ])
    );
    assert_eq!(index["Projection"], json!({ "ProjectionType": "ALL" }));
}

#[test]
fn the_index_has_the_tables_capacity() {
    let template = Template::load();
    for settings in variation::all() {
        let template = template.with(&settings);
        let (_, table) = template.only("AWS::DynamoDB::Table");
        let index = &table["Properties"]["GlobalSecondaryIndexes"][0];
        for capacity in ["OnDemandThroughput", "ProvisionedThroughput"] {
            assert_eq!(
                index[capacity], table["Properties"][capacity],
                "an index with less throttles the writes to its table: {settings:?}"
            );
        }
    }
}

#[test]
fn a_table_on_demand_has_the_ceilings_that_were_given() {
    let template = Template::load();
    let ceilings = |settings: Settings| {
        let template = template.with(settings);
        let (_, table) = template.only("AWS::DynamoDB::Table");
        assert_eq!(table["Properties"]["BillingMode"], "PAY_PER_REQUEST");
        assert_eq!(table["Properties"]["ProvisionedThroughput"], Value::Null);
        table["Properties"]["OnDemandThroughput"].clone()
    };
    let (read, write) = ("MaxReadRequestUnits", "MaxWriteRequestUnits");
    assert_eq!(ceilings(&[]), Value::Null);
    assert_eq!(ceilings(&[(read, "9")]), json!({ read: { "Ref": read } }));
    assert_eq!(ceilings(&[(write, "9")]), json!({ write: { "Ref": write } }));
    assert_eq!(
        ceilings(&[(read, "9"), (write, "9")]),
        json!({ read: { "Ref": read }, write: { "Ref": write } })
    );
}

#[test]
fn a_provisioned_table_starts_with_the_least_and_has_no_ceilings() {
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
        "DynamoDB refuses them"
    );
}

#[test]
fn provisioned_capacity_follows_the_load_for_table_and_index_reads_and_writes() {
    let template = Template::load().with(PROVISIONED);
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
        scaled.insert((text(&target["ResourceId"]["Fn::Sub"]), dimension));

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
    let index = format!("{table}/index/{}", table::TIMELINE_INDEX);
    assert_eq!(
        scaled,
        BTreeSet::from([
            (table.as_str(), "dynamodb:table:ReadCapacityUnits"),
            (table.as_str(), "dynamodb:table:WriteCapacityUnits"),
            (index.as_str(), "dynamodb:index:ReadCapacityUnits"),
            (index.as_str(), "dynamodb:index:WriteCapacityUnits"),
        ])
    );
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
