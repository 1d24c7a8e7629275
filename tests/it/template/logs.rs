//! Where lines go, how long they stay, and what is not in them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::document::{Template, object, text};

#[test]
fn every_log_goes_to_a_group_of_the_stack_and_is_deleted_in_time() {
    let template = Template::load();
    let mut groups = BTreeSet::new();
    for (name, group) in template.of_type("AWS::Logs::LogGroup") {
        let days = template.parameter(&group["Properties"]["RetentionInDays"]);
        assert!(days["Default"].is_u64(), "{name} keeps its lines for ever");
        groups.insert(name);
    }

    let (_, stage) = template.only("AWS::ApiGatewayV2::Stage");
    let logging = &template.function()["LoggingConfig"];
    let destination = &stage["Properties"]["AccessLogSettings"]["DestinationArn"];
    let written = [
        text(&logging["LogGroup"]["Ref"]),
        text(&destination["Fn::GetAtt"][0]),
    ];
    assert_eq!(groups, BTreeSet::from(written));

    // The platform's own filter would drop lines that FEEDBACK_LOG asks for.
    assert_eq!(logging["LogFormat"], "JSON");
    assert_eq!(logging["ApplicationLogLevel"], "TRACE");
}

#[test]
fn the_access_log_is_json_and_tells_nothing_personal() {
    const HARMLESS: [&str; 11] = [
        "$context.error.responseType",
        "$context.httpMethod",
        "$context.integration.latency",
        "$context.integration.requestId",
        "$context.integration.status",
        "$context.requestId",
        "$context.requestTime",
        "$context.responseLatency",
        "$context.responseLength",
        "$context.routeKey",
        "$context.status",
    ];
    let template = Template::load();
    let (_, stage) = template.only("AWS::ApiGatewayV2::Stage");
    let format = text(&stage["Properties"]["AccessLogSettings"]["Format"]);
    assert!(!format.contains('\n'), "one line a request");

    let line: Value = serde_json::from_str(format).expect("JSON, all of its values quoted");
    for (name, value) in object(&line) {
        assert!(HARMLESS.contains(&text(value)), "{name} is {value}");
    }
}
