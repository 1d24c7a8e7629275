//! Tables that the service cannot use, or not yet.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ProvisionedThroughput, ScalarAttributeType,
};
use feedback_graphql::http::Options;
use feedback_graphql::local::{Engine, Storage};
use feedback_graphql::repository::connect_without_account;
use serde_json::{Value, json};

use super::{backfill, handle_many, ids, items, listed, run};
use crate::support::proxy::{self, Fate};
use crate::support::{Server, Store, TABLE, on};

/// A table as the original handler's template has it: no index.
async fn original_table(provisioned: bool) -> (Engine, Client) {
    let engine = Engine::start(&Storage::Memory, None).await.unwrap();
    let client = connect_without_account(&engine.endpoint());
    create(&client, &["feedbackId"], provisioned).await;
    (engine, client)
}

async fn create(client: &Client, key: &[&str], provisioned: bool) {
    let mut table = client.create_table().table_name(TABLE);
    for (name, key_type) in key.iter().zip([KeyType::Hash, KeyType::Range]) {
        let attribute = AttributeDefinition::builder().attribute_name(*name);
        let key = KeySchemaElement::builder().attribute_name(*name);
        table = table
            .attribute_definitions(attribute.attribute_type(ScalarAttributeType::S).build().unwrap())
            .key_schema(key.key_type(key_type).build().unwrap());
    }
    let units = ProvisionedThroughput::builder()
        .read_capacity_units(5)
        .write_capacity_units(3)
        .build()
        .unwrap();
    let table = if provisioned {
        table.provisioned_throughput(units)
    } else {
        table.billing_mode(BillingMode::PayPerRequest)
    };
    table.send().await.unwrap();
}

/// What the AWS CLI would send for the command that is in this text.
fn command_in(said: &str, endpoint: &str) -> Value {
    let start = format!(
        "AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any aws dynamodb update-table --table-name '{TABLE}' --region local --endpoint-url '{endpoint}/' \\\n    --attribute-definitions "
    );
    let (_, rest) = said.split_once(&start).unwrap_or_else(|| panic!("{said}"));
    let (attributes, rest) = rest
        .split_once(" \\\n    --global-secondary-index-updates '")
        .unwrap();
    let (updates, _) = rest.split_once('\'').unwrap();
    let attributes = attributes.split(' ').map(|attribute| {
        let fields = attribute.split(',').map(|field| field.split_once('=').unwrap());
        fields.collect::<BTreeMap<_, _>>()
    });
    json!({
        "TableName": TABLE,
        "AttributeDefinitions": attributes.collect::<Vec<_>>(),
        "GlobalSecondaryIndexUpdates": serde_json::from_str::<Value>(updates).unwrap(),
    })
}

#[tokio::test]
async fn a_table_without_the_index_is_left_alone_until_the_command_that_is_shown_has_added_it() {
    for provisioned in [false, true] {
        let (engine, client) = original_table(provisioned).await;
        let endpoint = engine.endpoint();
        let repository = on(&client, 1).await;
        let store = Store {
            engine,
            client,
            repository,
        };
        let expected = handle_many(&store.client, 20).await;
        let before = items(&store).await;

        let said = backfill(&endpoint, &[]).await;
        assert!(
            said.contains(" 20 pending\n") && said.contains("Nothing was changed."),
            "{said}"
        );
        let warned = said.contains("provisioned with 5 read and 3 write units a second");
        assert_eq!(warned, provisioned, "{said}");
        let ended = run(&endpoint, &["--write"]).await;
        assert_eq!((ended.code, &*ended.said), (Some(1), ""), "{ended:?}");
        assert!(
            ended
                .complained
                .starts_with("error: table Feedback has no index timeline yet")
        );
        assert_eq!(items(&store).await, before);

        let update = command_in(&said, &endpoint);
        assert_eq!(update, command_in(&ended.complained, &endpoint));
        let answer = reqwest::Client::new()
            .post(&endpoint)
            .header("x-amz-target", "DynamoDB_20120810.UpdateTable")
            .header("content-type", "application/x-amz-json-1.0")
            .header("authorization", "AWS4-HMAC-SHA256 Credential=any/20260301/local/dynamodb/aws4_request, SignedHeaders=host, Signature=any")
            .header("x-amz-date", "20260301T093000Z")
            .body(update.to_string());
        let answer = answer.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
        backfill(&endpoint, &["--write"]).await;
        let server = Server::with(store, Options::default()).await;
        assert_eq!(ids(&listed(&server).await), expected);
    }
}

/// A run on this endpoint that has to be refused, and in one sentence: what that is.
async fn refused(endpoint: &str) -> String {
    let ended = run(endpoint, &["--write"]).await;
    assert_eq!((ended.code, &*ended.said), (Some(1), ""), "{ended:?}");
    let sentence = ended
        .complained
        .strip_prefix("error: cannot use table Feedback: ")
        .and_then(|said| said.strip_suffix('\n'));
    let sentence = sentence.unwrap_or_else(|| panic!("{ended:?}"));
    assert_eq!(sentence.lines().count(), 1, "{ended:?}");
    sentence.to_owned()
}

#[tokio::test]
async fn a_table_that_the_service_cannot_use_is_refused_in_one_sentence() {
    let said = refused("http://127.0.0.1:9").await;
    assert!(said.contains("onnection refused"), "{said}");
    let engine = Engine::start(&Storage::Memory, None).await.unwrap();
    let said = refused(&engine.endpoint()).await;
    assert_eq!(said, "there is no table Feedback");
    let client = connect_without_account(&engine.endpoint());
    create(&client, &["feedbackId", "timestamp"], false).await;
    let said = refused(&engine.endpoint()).await;
    let expected = "the key of the table is not the string feedbackId alone, so the service cannot use it";
    assert_eq!(said, expected);
}

/// An endpoint that describes the table so.
async fn describing(store: &Store, mend: fn(&mut Value)) -> String {
    let decide = move |operation: &str, input: Value| {
        let describes = operation == "DescribeTable";
        let mend = move |mut answer: Value| {
            if describes {
                mend(&mut answer["Table"]);
            }
            answer
        };
        Fate::PassAndMend(input, Box::new(mend))
    };
    proxy::start(store.engine.endpoint(), Arc::new(decide)).await
}

#[tokio::test]
async fn another_index_of_the_same_name_is_refused() {
    let store = Store::new().await;
    handle_many(&store.client, 5).await;
    let before = items(&store).await;
    let others: [fn(&mut Value); 4] = [
        |table| table["GlobalSecondaryIndexes"][0]["Projection"] = json!({ "ProjectionType": "KEYS_ONLY" }),
        |table| table["GlobalSecondaryIndexes"][0]["KeySchema"][0]["AttributeName"] = json!("feedbackId"),
        |table| {
            let keys = table["GlobalSecondaryIndexes"][0]["KeySchema"].as_array_mut();
            keys.unwrap().truncate(1);
        },
        |table| {
            for attribute in table["AttributeDefinitions"].as_array_mut().unwrap() {
                attribute["AttributeType"] = json!("S");
            }
        },
    ];
    for mend in others {
        let said = refused(&describing(&store, mend).await).await;
        assert!(
            said.starts_with("the table has another index called timeline: "),
            "{said}"
        );
    }
    let deleting = |table: &mut Value| table["GlobalSecondaryIndexes"][0]["IndexStatus"] = json!("DELETING");
    let said = refused(&describing(&store, deleting).await).await;
    assert_eq!(said, "the index timeline is being deleted");
    assert_eq!(items(&store).await, before);
}

#[tokio::test]
async fn an_index_that_is_still_being_built_will_do() {
    let store = Store::new().await;
    handle_many(&store.client, 5).await;
    let building = |table: &mut Value| table["GlobalSecondaryIndexes"][0]["IndexStatus"] = json!("CREATING");
    let said = backfill(&describing(&store, building).await, &["--write"]).await;
    assert!(
        said.contains("The index timeline is still being built."),
        "{said}"
    );
    assert!(said.ends_with("\n5 items backfilled.\n"), "{said}");
}
