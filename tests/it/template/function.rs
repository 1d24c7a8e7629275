//! What the function is given and how it is built.

use std::collections::BTreeSet;

use feedback_graphql::config::{self, Config};
use feedback_graphql::domain::QuarantineRules;
use serde_json::{Value, json};

use super::document::{Template, placeholders, read, text};
use super::variation::EVERYTHING_GIVEN;

/// What Lambda takes of names and values of a function's variables together, in bytes.
const MAX_VARIABLES: usize = 4096;
/// More than the name of a table or the ARN of a secret, which `CloudFormation` has made up.
const MAX_REFERENCE: usize = 512;

#[test]
fn the_function_is_given_every_variable_that_the_code_reads_and_no_other() {
    let template = Template::load().with(EVERYTHING_GIVEN);
    let given: BTreeSet<&str> = template.variables().keys().map(String::as_str).collect();
    let read: BTreeSet<&str> = config::VARIABLES.iter().copied().collect();
    assert_eq!(given, read);
}

#[test]
fn the_code_accepts_every_value_that_the_template_allows() {
    let template = Template::load().with(EVERYTHING_GIVEN);
    for (variable, value) in template.variables() {
        // What is no parameter is a resource of the stack, or a path with one.
        let Some(parameter) = value["Ref"]
            .as_str()
            .and_then(|name| template.0["Parameters"].get(name))
        else {
            continue;
        };
        let listed = parameter["AllowedValues"].as_array().into_iter().flatten();
        let limits = ["Default", "MinValue", "MaxValue"]
            .iter()
            .filter_map(|key| parameter.get(key));
        for value in listed.chain(limits) {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            assert_eq!(error_of(variable, &value), None, "{variable} set to {value}");
        }
    }
}

#[test]
fn lambda_takes_the_variables_however_long_the_parameters_are() {
    let template = Template::load().with(EVERYTHING_GIVEN);
    let longest: usize = template
        .variables()
        .iter()
        .map(|(variable, value)| {
            let pattern = value["Fn::Sub"].as_str().map_or(0, str::len);
            let name = value["Ref"]
                .as_str()
                .or_else(|| placeholders(&value["Fn::Sub"]).next());
            let parameter = name.and_then(|name| template.0["Parameters"].get(name));
            variable.len() + pattern + parameter.map_or(MAX_REFERENCE, longest_value)
        })
        .sum();
    assert!(longest <= MAX_VARIABLES, "{longest} bytes");
}

#[test]
fn ten_origins_may_be_allowed() {
    let longest = longest_value(&parameter_of("FEEDBACK_ALLOWED_ORIGINS"));
    assert!(longest >= 1000, "{longest} characters");
}

#[test]
fn the_function_is_given_the_stacks_own_table_and_secret() {
    let template = Template::load().with(EVERYTHING_GIVEN);
    let (table, _) = template.only("AWS::DynamoDB::Table");
    let (secret, _) = template.only("AWS::SecretsManager::Secret");
    assert_eq!(template.variables()["FEEDBACK_TABLE"], json!({ "Ref": table }));
    assert_eq!(
        template.variables()["FEEDBACK_API_KEYS_SECRET"],
        json!({ "Ref": secret })
    );
}

#[test]
fn numbers_go_as_far_as_they_do_in_the_code() {
    let shards = parameter_of("FEEDBACK_TIMELINE_SHARDS");
    assert_eq!(shards["MinValue"], 1);
    assert_eq!(shards["MaxValue"], config::MAX_TIMELINE_SHARDS);
    assert_eq!(shards["Default"], 1);

    let days = parameter_of("FEEDBACK_RETENTION_DAYS");
    assert_eq!(days["MinValue"], 0);
    assert_eq!(days["MaxValue"], config::MAX_RETENTION_DAYS);
    assert_eq!(days["Default"], 0, "nothing is deleted unless somebody says so");

    let limit = parameter_of("FEEDBACK_CLIENT_LIMIT");
    assert_eq!(limit["MinValue"], 0);
    assert_eq!(limit["MaxValue"], config::MAX_CLIENT_LIMIT);
    assert_eq!(limit["Default"], 0, "nobody is refused unless somebody says so");
}

#[test]
fn every_limit_that_may_be_named_is_one_of_the_codes() {
    const NAMES_AND_DIGITS: [(&str, usize); 9] = [
        ("bodyBytes", 7),
        ("queryBytes", 6),
        ("tokens", 5),
        ("depth", 2),
        ("complexity", 5),
        ("aliases", 4),
        ("rootFields", 3),
        ("submissions", 3),
        ("directives", 4),
    ];
    let limits = parameter_of("FEEDBACK_LIMITS");
    let pairs = NAMES_AND_DIGITS.map(|(name, digits)| format!("{name}=[0-9]{{1,{digits}}}"));
    let pair = format!("({})", pairs.join("|"));
    assert_eq!(limits["AllowedPattern"], format!("^({pair}(,{pair})*)?$"));
    for (name, digits) in NAMES_AND_DIGITS {
        let with = |value: String| error_of("FEEDBACK_LIMITS", &format!("{name}={value}"));
        assert_eq!(with("9".repeat(digits)), None);
        assert!(with(format!("1{}", "0".repeat(digits))).is_some(), "{name}");
        assert!(
            text(&limits["Description"]).contains(name),
            "{name} is not explained"
        );
    }
    let all = NAMES_AND_DIGITS
        .map(|(name, digits)| format!("{name}={}", "9".repeat(digits)))
        .join(",");
    assert_eq!(error_of("FEEDBACK_LIMITS", &all), None);
    assert!(all.len() <= longest_value(&limits), "{} characters", all.len());
    assert!(
        error_of("FEEDBACK_LIMITS", "length=1").is_some(),
        "the code knows its limits"
    );
}

#[test]
fn every_rule_of_the_quarantine_that_may_be_named_is_one_of_the_codes() {
    const NAMES_AND_NUMBERS: [(&str, &str, &str, &str); 4] = [
        ("trap", "[01]", "1", "2"),
        ("elapsedMs", "[0-9]{1,7}", "9999999", "10000000"),
        ("links", "[0-9]{1,2}", "99", "100"),
        ("perClient", "[0-9]{1,4}", "9999", "10000"),
    ];
    let rules = parameter_of("FEEDBACK_QUARANTINE");
    let pairs = NAMES_AND_NUMBERS.map(|(name, numbers, ..)| format!("{name}={numbers}"));
    let pair = format!("({})", pairs.join("|"));
    assert_eq!(rules["AllowedPattern"], format!("^{pair}(,{pair})*$"));
    for (name, _, most, too_many) in NAMES_AND_NUMBERS {
        let with = |number| error_of("FEEDBACK_QUARANTINE", &format!("{name}={number}"));
        assert_eq!((with("0"), with(most)), (None, None), "{name}");
        assert!(with(too_many).is_some(), "{name}");
        assert!(
            text(&rules["Description"]).contains(name),
            "{name} is not explained"
        );
    }
    let all = NAMES_AND_NUMBERS
        .map(|(name, _, most, _)| format!("{name}={most}"))
        .join(",");
    assert_eq!(error_of("FEEDBACK_QUARANTINE", &all), None);
    assert!(all.len() <= longest_value(&rules), "{} characters", all.len());
    let default: QuarantineRules = text(&rules["Default"]).parse().unwrap();
    assert_eq!(default, QuarantineRules::default());
}

#[test]
fn what_tells_strangers_about_the_service_is_off_unless_it_is_switched_on() {
    for variable in ["FEEDBACK_EXPLORER", "FEEDBACK_INTROSPECTION"] {
        assert_eq!(parameter_of(variable)["Default"], "false", "{variable}");
    }
}

#[test]
fn the_schema_is_no_subgraph_unless_that_is_switched_on() {
    assert_eq!(parameter_of("FEEDBACK_FEDERATION")["Default"], "false");
}

/// `sam build` hands no flags on to `cargo lambda build`, which in turn compiles with `panic = "abort"` unless the
/// profile says otherwise. Both are decided in `Cargo.toml`, far from the template that depends on them.
#[test]
fn sam_build_compiles_the_lambda_as_cargo_build_does_and_without_the_laptops_server() {
    let template = Template::load();
    let (_, function) = template.only("AWS::Serverless::Function");
    assert_eq!(
        function["Metadata"],
        json!({ "BuildMethod": "rust-cargolambda", "BuildProperties": { "Binary": "lambda" } })
    );
    assert_eq!(function["Properties"]["Runtime"], "provided.al2023");
    assert_eq!(function["Properties"]["Handler"], "bootstrap");

    let manifest = read("Cargo.toml");
    assert_eq!(
        manifest_value(&manifest, "package.metadata.lambda.build", "no_default_features"),
        Some("true"),
        "the embedded database engine would be compiled for, and into, the artifact"
    );
    assert_eq!(
        manifest_value(&manifest, "profile.release", "panic"),
        Some("\"unwind\""),
        "a panic in one request would end the process, and with it the answer"
    );
}

fn parameter_of(variable: &str) -> Value {
    let template = Template::load().with(EVERYTHING_GIVEN);
    template.parameter(&template.variables()[variable]).clone()
}

/// The length of the longest value that a parameter takes.
fn longest_value(parameter: &Value) -> usize {
    let listed = parameter["AllowedValues"].as_array();
    let listed = listed.and_then(|values| values.iter().map(|value| text(value).len()).max());
    let number = || parameter["MaxValue"].as_u64().map(|most| most.to_string().len());
    let length = || parameter["MaxLength"].as_u64()?.try_into().ok();
    listed
        .or_else(number)
        .or_else(length)
        .unwrap_or_else(|| panic!("nothing bounds the length of {parameter}"))
}

/// What the code says to this value of one variable.
fn error_of(variable: &str, value: &str) -> Option<config::ConfigError> {
    let read = Config::read(|name| match name {
        "FEEDBACK_TABLE" => Some("feedback".to_owned()),
        name => (name == variable).then(|| value.to_owned()),
    });
    read.err()
}

/// A value of a table of `Cargo.toml`, as it is written there.
fn manifest_value<'a>(manifest: &'a str, table: &str, key: &str) -> Option<&'a str> {
    manifest
        .lines()
        .skip_while(|line| line.trim() != format!("[{table}]"))
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once('='))
        .find(|(name, _)| name.trim() == key)
        .map(|(_, value)| value.trim())
}
