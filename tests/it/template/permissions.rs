//! Each permission that the code uses, on what it uses it, and no other.

use std::collections::BTreeSet;

use feedback_graphql::{auth, repository, repository::table};
use serde_json::{Value, json};

use super::document::{Template, list, object, one_or_many, text, walk};
use super::variation::API_KEYS;

#[test]
fn the_function_may_do_what_the_code_does_and_nothing_else() {
    let template = Template::load();
    let mut used: BTreeSet<(&str, &str)> = repository::IAM_ACTIONS.iter().copied().collect();
    used.extend([("logs:CreateLogStream", "log"), ("logs:PutLogEvents", "log")]);
    assert_eq!(allowed(&template.with(&[])), owned(&used));

    used.extend(auth::IAM_ACTIONS);
    assert_eq!(allowed(&template.with(API_KEYS)), owned(&used));
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
            assert!(!statement[key].to_string().contains('*'), "{statement}");
        }
    }
}

/// Each action that the function's role allows, with the kind of thing that it allows it on.
fn allowed(template: &Template) -> BTreeSet<(String, String)> {
    let (_, role) = template.only("AWS::IAM::Role");
    let mut allowed = BTreeSet::new();
    for policy in list(&role["Properties"]["Policies"]) {
        for statement in list(&policy["PolicyDocument"]["Statement"]) {
            let keys: BTreeSet<&str> = object(statement).keys().map(String::as_str).collect();
            assert_eq!(keys, BTreeSet::from(["Action", "Effect", "Resource", "Sid"]));
            assert_eq!(statement["Effect"], "Allow");
            for resource in one_or_many(&statement["Resource"]) {
                for action in one_or_many(&statement["Action"]) {
                    let action = text(action).to_owned();
                    allowed.insert((action, kind(template, resource).to_owned()));
                }
            }
        }
    }
    allowed
}

fn kind(template: &Template, resource: &Value) -> &'static str {
    let (table, _) = template.only("AWS::DynamoDB::Table");
    let index_arn = format!("${{{table}.Arn}}/index/{}", table::TIMELINE_INDEX);
    let log_group = &template.function()["LoggingConfig"]["LogGroup"]["Ref"];
    let secrets = template.of_type("AWS::SecretsManager::Secret");
    if *resource == json!({ "Fn::GetAtt": [table, "Arn"] }) {
        "table"
    } else if *resource == json!({ "Fn::Sub": index_arn }) {
        "index"
    } else if *resource == json!({ "Fn::GetAtt": [log_group, "Arn"] }) {
        "log"
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
