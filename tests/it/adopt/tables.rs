//! Tables that the service cannot use, or not yet.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, CreateGlobalSecondaryIndexAction, GlobalSecondaryIndexUpdate,
    KeySchemaElement, KeyType, Projection, ProjectionType, ProvisionedThroughput, ScalarAttributeType,
};
use feedback_graphql::http::Options;
use feedback_graphql::local::{Engine, Storage};
use feedback_graphql::repository::{connect_without_account, table};
use serde_json::{Value, json};

use super::{adopt, handle_many, ids, items, listed, run};
use crate::support::{Server, Store, TABLE, on};

/// A table as the original handler's template has it: no index.
async fn original_table(provisioned: bool) -> (Engine, Client) {
    let engine = Engine::start(&Storage::Memory, None).await.unwrap();
    let client = connect_without_account(&engine.endpoint()).await;
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
        let repository = on(&client, 1);
        let store = Store {
            engine,
            client,
            repository,
        };
        let expected = handle_many(&store.client, 20).await;
        let before = items(&store).await;

        let said = adopt(&endpoint, &[]).await;
        assert!(
            said.contains(" 20 to adopt\n") && said.contains("Nothing was changed."),
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
        adopt(&endpoint, &["--write"]).await;
        let server = Server::with(store, Options::default()).await;
        assert_eq!(ids(&listed(&server).await), expected);
    }
}

#[tokio::test]
async fn a_table_that_the_service_cannot_use_is_refused_in_one_sentence() {
    let refusal = async |client: &Client, endpoint: &str| {
        let before = client.scan().table_name(TABLE).send().await.ok();
        let ended = run(endpoint, &["--write"]).await;
        assert_eq!((ended.code, &*ended.said), (Some(1), ""), "{ended:?}");
        assert_eq!(ended.complained.lines().count(), 1, "{ended:?}");
        let after = client.scan().table_name(TABLE).send().await.ok();
        assert_eq!(before.map(|it| it.count), after.map(|it| it.count));
        ended.complained
    };
    let engine = Engine::start(&Storage::Memory, None).await.unwrap();
    let (endpoint, client) = (
        engine.endpoint(),
        connect_without_account(&engine.endpoint()).await,
    );
    let said = refusal(&client, &endpoint).await;
    assert_eq!(
        said,
        "error: cannot use table Feedback: there is no table Feedback\n"
    );
    create(&client, &["feedbackId", "timestamp"], false).await;
    let said = refusal(&client, &endpoint).await;
    assert!(
        said.contains("the key of the table is not the string feedbackId alone"),
        "{said}"
    );

    let (engine, client) = original_table(false).await;
    let endpoint = engine.endpoint();
    add_index(&client, table::TIMELINE_INDEX, &["feedbackId"]).await;
    let said = refusal(&client, &endpoint).await;
    assert!(
        said.contains("the table has another index called timeline"),
        "{said}"
    );

    let said = run("http://127.0.0.1:9", &["--write"]).await.complained;
    assert!(
        said.starts_with("error: cannot use table Feedback: ") && said.lines().count() == 1,
        "{said}"
    );
}

async fn add_index(client: &Client, name: &str, key: &[&str]) {
    let mut index = CreateGlobalSecondaryIndexAction::builder()
        .index_name(name)
        .projection(Projection::builder().projection_type(ProjectionType::All).build());
    let mut update = client.update_table().table_name(TABLE);
    for (name, key_type) in key.iter().zip([KeyType::Hash, KeyType::Range]) {
        let attribute = AttributeDefinition::builder().attribute_name(*name);
        let key = KeySchemaElement::builder().attribute_name(*name);
        index = index.key_schema(key.key_type(key_type).build().unwrap());
        update =
            update.attribute_definitions(attribute.attribute_type(ScalarAttributeType::S).build().unwrap());
    }
    let index = GlobalSecondaryIndexUpdate::builder()
        .create(index.build().unwrap())
        .build();
    update.global_secondary_index_updates(index).send().await.unwrap();
}
