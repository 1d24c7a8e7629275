//! The API keys' secret.

use serde_json::{Value, json};

use super::document::{Template, object, read, walk};
use super::variation::API_KEYS;

#[test]
fn the_secret_is_there_only_when_it_is_asked_for() {
    let template = Template::load();
    let default = template.with(&[]);
    assert!(default.of_type("AWS::SecretsManager::Secret").is_empty());
    assert_eq!(default.variables().get("FEEDBACK_API_KEYS_SECRET"), None);
    assert_eq!(default.0["Outputs"].get("ApiKeysSecretArn"), None);

    let asked = template.with(API_KEYS);
    let (name, _) = asked.only("AWS::SecretsManager::Secret");
    assert_eq!(
        asked.0["Outputs"]["ApiKeysSecretArn"]["Value"],
        json!({ "Ref": name })
    );
}

#[test]
fn the_template_has_no_secret_in_it() {
    let template = Template::load();
    let (_, secret) = template.only("AWS::SecretsManager::Secret");
    let properties = object(&secret["Properties"]);
    assert_eq!(properties.keys().collect::<Vec<_>>(), ["Description", "KmsKeyId"]);

    // Neither does a parameter take one, nor is one fetched.
    walk(&template.0, &mut |value| {
        for key in ["SecretString", "GenerateSecretString", "NoEcho"] {
            assert_eq!(value.get(key), None, "{value}");
        }
    });
    assert!(!read("template.yaml").contains("{{resolve:"));
}

#[test]
fn the_keys_outlive_the_stack_but_not_a_deployment_that_failed_to_make_them() {
    let template = Template::load();
    let (_, secret) = template.only("AWS::SecretsManager::Secret");
    assert_eq!(secret["DeletionPolicy"], "RetainExceptOnCreate");
    assert_eq!(secret["UpdateReplacePolicy"], "Retain");
    assert_eq!(
        secret["Properties"]["Name"],
        Value::Null,
        "one of the same name would still be there"
    );
}
