//! With which key things are encrypted: AWS's own, or the one that was given.

use serde_json::{Value, json};

use super::document::{Template, read, text};
use super::variation::{API_KEYS, KMS_KEY};

#[test]
fn whatever_is_stored_is_encrypted_with_the_key_that_was_given() {
    let template = Template::load().with(&[KMS_KEY, API_KEYS].concat());
    let key = json!({ "Ref": "KmsKeyArn" });
    assert_eq!(
        properties(&template, "AWS::DynamoDB::Table")["SSESpecification"],
        json!({ "SSEEnabled": true, "SSEType": "KMS", "KMSMasterKeyId": key })
    );
    assert_eq!(template.function()["KmsKeyArn"], key);
    assert_eq!(
        properties(&template, "AWS::SecretsManager::Secret")["KmsKeyId"],
        key
    );
    // The values of the function's variables are in its configuration as well.
    let profile = properties(&template, "AWS::AppConfig::ConfigurationProfile");
    assert_eq!(profile["KmsKeyIdentifier"], key);
    for (name, group) in template.of_type("AWS::Logs::LogGroup") {
        assert_eq!(group["Properties"]["KmsKeyId"], key, "{name}");
    }
}

#[test]
fn without_a_key_everything_is_encrypted_with_those_of_aws() {
    let template = Template::load().with(API_KEYS);
    assert_eq!(
        properties(&template, "AWS::DynamoDB::Table")["SSESpecification"],
        json!({ "SSEEnabled": true, "SSEType": "KMS" })
    );
    assert_eq!(template.function()["KmsKeyArn"], Value::Null);
    assert_eq!(
        properties(&template, "AWS::SecretsManager::Secret")["KmsKeyId"],
        "alias/aws/secretsmanager"
    );
    let profile = properties(&template, "AWS::AppConfig::ConfigurationProfile");
    assert_eq!(profile["KmsKeyIdentifier"], Value::Null);
    for (name, group) in template.of_type("AWS::Logs::LogGroup") {
        assert_eq!(group["Properties"]["KmsKeyId"], Value::Null, "{name}");
    }
    assert_eq!(template.0["Parameters"]["KmsKeyArn"]["Default"], "");
}

/// A group is not created with a key that CloudWatch Logs may not use for it, so its name is part of the key's policy.
#[test]
fn the_docs_name_the_log_groups_for_the_policy_of_the_key() {
    let docs = read("docs/security.md");
    for (name, group) in Template::load().of_type("AWS::Logs::LogGroup") {
        let group_name = text(&group["Properties"]["LogGroupName"]["Fn::Sub"]);
        let group_name = group_name.replace("${AWS::StackName}", "feedback");
        assert!(docs.contains(&format!(":log-group:{group_name}\"")), "{name}");
    }
}

/// The properties of the one resource of this type.
fn properties<'a>(template: &'a Template, kind: &str) -> &'a Value {
    &template.only(kind).1["Properties"]
}
