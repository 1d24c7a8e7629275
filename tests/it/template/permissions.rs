//! Each permission that the code uses, on what it uses it, and no other.

use std::collections::BTreeSet;

use feedback_graphql::{auth, repository};
use serde_json::{Value, json};

use super::document::{Template, list, object, one_or_many, text, walk};
use super::indexes;
use super::variation::{API_KEYS, KMS_KEY, Settings, TRACING};

/// What X-Ray takes, with the kind of thing that it is allowed on. The actions have no resource types:
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html>.
const TRACES: [(&str, &str); 2] = [
    ("xray:PutTelemetryRecords", "everything"),
    ("xray:PutTraceSegments", "everything"),
];

#[test]
fn the_function_may_do_what_the_code_does_and_nothing_else() {
    let template = Template::load();
    let mut used: BTreeSet<(&str, &str)> = repository::IAM_ACTIONS.iter().copied().collect();
    used.extend([("logs:CreateLogStream", "log"), ("logs:PutLogEvents", "log")]);
    assert_eq!(allowed(&template.with(&[])), owned(&used));

    used.extend(auth::IAM_ACTIONS);
    assert_eq!(allowed(&template.with(API_KEYS)), owned(&used));
}

/// What AWS names for it: <https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html>. The function has no daemon
/// of its own that would ask for sampling rules.
#[test]
fn the_function_may_send_traces_where_it_is_traced_and_nowhere_else() {
    let template = Template::load();
    let mode = |settings: Settings| template.with(settings).function()["Tracing"].clone();
    assert_eq!(mode(&[]), "PassThrough");
    assert_eq!(mode(TRACING), "Active");

    let without = allowed(&template.with(&[]));
    let with = allowed(&template.with(TRACING));
    assert!(without.is_subset(&with));
    let added: BTreeSet<_> = with.difference(&without).cloned().collect();
    assert_eq!(added, owned(&BTreeSet::from(TRACES)));
}

/// The services decrypt in the name of whoever uses them. The variables are decrypted by a grant of Lambda's own.
#[test]
fn the_function_may_use_the_key_through_the_table_and_the_secret_alone() {
    let template = Template::load();
    let added = |settings: Settings| -> Vec<(String, String)> {
        let without = allowed(&template.with(settings));
        let with = allowed(&template.with(&[settings, KMS_KEY].concat()));
        assert!(without.is_subset(&with));
        with.difference(&without).cloned().collect()
    };
    let decrypt = |service: &str| ("kms:Decrypt".to_owned(), format!("key through {service}"));
    assert_eq!(added(&[]), [decrypt("dynamodb")]);
    assert_eq!(added(API_KEYS), [decrypt("dynamodb"), decrypt("secretsmanager")]);
}

#[test]
fn the_role_is_all_that_grants_the_function_anything() {
    let template = Template::load();
    let (role_name, role) = template.only("AWS::IAM::Role");
    let function = template.function();
    assert_eq!(function["Role"], json!({ "Fn::GetAtt": [role_name, "Arn"] }));
    assert_eq!(
        function["Policies"],
        Value::Null,
        "ignored beside a Role, and misleading"
    );
    assert_eq!(
        role["Properties"]["ManagedPolicyArns"],
        Value::Null,
        "a managed policy grants more than is used, and changes"
    );
    for kind in [
        "AWS::IAM::Policy",
        "AWS::IAM::RolePolicy",
        "AWS::IAM::ManagedPolicy",
    ] {
        assert!(template.of_type(kind).is_empty(), "{kind}");
    }
}

#[test]
fn no_permission_is_a_wildcard() {
    let template = Template::load();
    let mut statements = Vec::new();
    walk(&template.0["Resources"], &mut |value| {
        if value.get("Effect").is_some() {
            statements.push(value.clone());
        }
    });
    assert!(!statements.is_empty());

    for statement in &statements {
        for key in ["NotAction", "NotResource", "NotPrincipal"] {
            assert_eq!(statement[key], Value::Null, "grants all but what it names");
        }
        for key in ["Action", "Resource", "Principal"] {
            let has_resource_types = key != "Resource" || statement["Action"] != json!(TRACES.map(|it| it.0));
            let is_wild = statement[key].to_string().contains('*');
            assert!(!(is_wild && has_resource_types), "{statement}");
        }
    }
}

/// Each action that the function's role allows, with the kind of thing that it allows it on.
fn allowed(template: &Template) -> BTreeSet<(String, String)> {
    let (_, role) = template.only("AWS::IAM::Role");
    let mut allowed = BTreeSet::new();
    for policy in list(&role["Properties"]["Policies"]) {
        for statement in list(&policy["PolicyDocument"]["Statement"]) {
            let mut keys: BTreeSet<&str> = object(statement).keys().map(String::as_str).collect();
            let kinds: Vec<String> = if keys.remove("Condition") {
                assert_eq!(statement["Resource"], json!({ "Ref": "KmsKeyArn" }));
                let services = services(&statement["Condition"]).into_iter();
                services.map(|service| format!("key through {service}")).collect()
            } else {
                let resources = one_or_many(&statement["Resource"]).iter();
                resources
                    .map(|resource| kind(template, resource).to_owned())
                    .collect()
            };
            assert_eq!(keys, BTreeSet::from(["Action", "Effect", "Resource", "Sid"]));
            assert_eq!(statement["Effect"], "Allow");
            for kind in kinds {
                for action in one_or_many(&statement["Action"]) {
                    allowed.insert((text(action).to_owned(), kind.clone()));
                }
            }
        }
    }
    allowed
}

/// The services of the stack's region through which alone a key may be used.
fn services(condition: &Value) -> Vec<&str> {
    let services = &condition["StringLike"]["kms:ViaService"];
    assert_eq!(
        *condition,
        json!({ "StringLike": { "kms:ViaService": services } })
    );
    list(services)
        .iter()
        .map(|service| {
            let host = text(&service["Fn::Sub"]);
            let name = host.strip_suffix(".${AWS::Region}.amazonaws.*");
            name.unwrap_or_else(|| panic!("{host} is no service of the region"))
        })
        .collect()
}

fn kind(template: &Template, resource: &Value) -> &'static str {
    let (table, _) = template.only("AWS::DynamoDB::Table");
    let log_group = &template.function()["LoggingConfig"]["LogGroup"]["Ref"];
    let secrets = template.of_type("AWS::SecretsManager::Secret");
    if *resource == json!({ "Fn::GetAtt": [table, "Arn"] }) {
        "table"
    } else if indexes::is_index(table, resource) {
        "index"
    } else if *resource == json!({ "Fn::GetAtt": [log_group, "Arn"] }) {
        "log"
    } else if resource == "*" {
        "everything"
    } else if secrets
        .iter()
        .any(|(name, _)| *resource == json!({ "Ref": name }))
    {
        "secret"
    } else {
        panic!("a permission on something else: {resource}")
    }
}

fn owned(actions: &BTreeSet<(&str, &str)>) -> BTreeSet<(String, String)> {
    actions
        .iter()
        .map(|(action, kind)| ((*action).to_owned(), (*kind).to_owned()))
        .collect()
}
