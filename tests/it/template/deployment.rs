//! A new version, and whether requests ever reach it.
//!
//! The API calls an alias, the alias stands for a published version, and a version is what code and configuration
//! were when it was published. SAM publishes when the text of the function's properties changes, which a new value of
//! a parameter does not do: the deployment would succeed, and have no effect.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::document::{Target, Template, object, read, references_in, text};

/// What of the function's properties is about its versions and no part of one.
const ABOUT_VERSIONS: [&str; 5] = [
    "AutoPublishAlias",
    "AutoPublishAliasAllProperties",
    "VersionDescription",
    "ProvisionedConcurrencyConfig",
    "DeploymentPreference",
];

#[test]
fn the_api_calls_the_alias_and_may_call_nothing_else() {
    let template = Template::load();
    let (function, _) = template.only("AWS::Serverless::Function");
    let (api, _) = template.only("AWS::ApiGatewayV2::Api");
    let (_, integration) = template.only("AWS::ApiGatewayV2::Integration");
    let (_, permission) = template.only("AWS::Lambda::Permission");
    let alias = json!({ "Ref": format!("{function}.Alias") });

    assert_eq!(integration["Properties"]["IntegrationUri"], alias);
    assert_eq!(permission["Properties"]["FunctionName"], alias);
    assert_eq!(permission["Properties"]["Action"], "lambda:InvokeFunction");
    assert_eq!(permission["Properties"]["Principal"], "apigateway.amazonaws.com");
    let source = text(&permission["Properties"]["SourceArn"]["Fn::Sub"]);
    assert!(source.ends_with(&format!(":${{{api}}}/*/*")), "{source}");
    assert_eq!(
        template.function()["Events"],
        Value::Null,
        "SAM would make a second API of them"
    );
}

#[test]
fn a_new_value_of_any_parameter_that_the_function_has_to_do_with_publishes_a_version() {
    let template = Template::load();
    assert_eq!(template.function()["AutoPublishAliasAllProperties"], true);

    // Neither a version's description nor a configuration's content can be changed: CloudFormation makes another.
    let (configuration, resource) = template.only("AWS::AppConfig::HostedConfigurationVersion");
    assert_eq!(
        template.function()["VersionDescription"],
        json!({ "Fn::Sub": format!("Configuration ${{{configuration}.VersionNumber}}") })
    );
    let content = text(&resource["Properties"]["Content"]["Fn::Sub"]);
    let named: BTreeSet<String> = content.lines().map(str::to_owned).collect();
    let expected: BTreeSet<String> = parameters_of_the_function(&template, &[])
        .into_iter()
        .map(|name| format!("{name}=${{{name}}}"))
        .collect();
    assert_eq!(named, expected);
}

/// Lambda does not publish a version that is like the last one, and the deployment fails. So whatever publishes a
/// version has to change the function itself: its reserved concurrency is not the function's, but the account's.
#[test]
fn whatever_publishes_a_version_changes_the_function() {
    let template = Template::load();
    assert_eq!(
        parameters_of_the_function(&template, &["ReservedConcurrentExecutions"]),
        parameters_of_the_function(&template, &[])
    );
}

#[test]
fn every_way_of_going_over_is_one_that_sam_knows_and_the_default_is_gradual() {
    const KNOWN: [&str; 9] = [
        "AllAtOnce",
        "Canary10Percent5Minutes",
        "Canary10Percent10Minutes",
        "Canary10Percent15Minutes",
        "Canary10Percent30Minutes",
        "Linear10PercentEvery1Minute",
        "Linear10PercentEvery2Minutes",
        "Linear10PercentEvery3Minutes",
        "Linear10PercentEvery10Minutes",
    ];
    let template = Template::load();
    let parameter = template.parameter(&template.function()["DeploymentPreference"]["Type"]);
    assert_eq!(parameter["AllowedValues"], json!(KNOWN));
    assert_ne!(parameter["Default"], "AllAtOnce");
}

#[test]
fn concurrency_is_reserved_and_provisioned_only_where_a_number_is_given() {
    let template = Template::load();
    let default = template.with(&[]);
    assert_eq!(default.function()["ReservedConcurrentExecutions"], Value::Null);
    assert_eq!(default.function()["ProvisionedConcurrencyConfig"], Value::Null);

    let given = template.with(&[("ReservedConcurrency", "50"), ("ProvisionedConcurrency", "5")]);
    assert_eq!(
        given.function()["ReservedConcurrentExecutions"],
        json!({ "Ref": "ReservedConcurrency" })
    );
    assert_eq!(
        given.function()["ProvisionedConcurrencyConfig"],
        json!({ "ProvisionedConcurrentExecutions": { "Ref": "ProvisionedConcurrency" } })
    );
}

/// The parameters that the function as it is published depends on, directly or by a condition.
fn parameters_of_the_function<'a>(template: &'a Template, leaving_out: &[&str]) -> BTreeSet<&'a str> {
    let mut parameters = BTreeSet::new();
    for (name, property) in object(template.function()) {
        if !ABOUT_VERSIONS.contains(&name.as_str()) && !leaving_out.contains(&name.as_str()) {
            collect_parameters(template, property, &mut parameters);
        }
    }
    parameters
}

fn collect_parameters<'a>(template: &'a Template, value: &Value, parameters: &mut BTreeSet<&'a str>) {
    for reference in references_in(value) {
        if reference.target == Target::Condition {
            let condition = &template.0["Conditions"][&reference.name];
            collect_parameters(template, condition, parameters);
        } else if let Some((name, _)) = object(&template.0["Parameters"]).get_key_value(&reference.name) {
            parameters.insert(name);
        }
    }
}

#[test]
fn trusted_documents_come_as_a_layer_whose_next_version_publishes_one_of_the_function() {
    let template = Template::load();
    let default = template.with(&[]);
    assert!(default.of_type("AWS::Serverless::LayerVersion").is_empty());
    assert_eq!(default.function()["Layers"], Value::Null);
    assert_eq!(default.variables().get("FEEDBACK_DOCUMENTS"), None);
    assert_eq!(
        template.objections(&[("ArbitraryDocuments", "nobody")]),
        ["ArbitraryDocuments other than everyone needs Documents."]
    );

    let documents = ("Documents", "feedback-form.json");
    let nobody = ("ArbitraryDocuments", "nobody");
    assert_eq!(template.objections(&[documents, nobody]), [] as [&str; 0]);
    let given = template.with(&[documents, nobody]);
    let (layer, resource) = given.only("AWS::Serverless::LayerVersion");
    assert_eq!(given.function()["Layers"], json!([{ "Ref": layer }]));
    // Lambda puts what is in the folder of the layer under /opt.
    let path = &given.variables()["FEEDBACK_DOCUMENTS"];
    assert_eq!(*path, json!({ "Fn::Sub": "/opt/${Documents}" }));
    let folder = text(&resource["Properties"]["ContentUri"]);
    assert!(!read(&format!("{folder}/{}", documents.1)).is_empty());

    let (_, configuration) = given.only("AWS::AppConfig::HostedConfigurationVersion");
    assert_eq!(
        configuration["Properties"]["Description"],
        json!({ "Ref": layer })
    );
}
