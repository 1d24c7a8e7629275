//! Holds `template.yaml` against the code.
//!
//! A linter checks a SAM template against AWS's own schemas. It does not know which variables this program reads,
//! which calls it makes or how its table is keyed, and it lets a reference to nothing pass. A stack with such a fault
//! deploys, or half deploys, and fails on the first request; here it fails before.
//!
//! The short tags (`!Ref`, `!GetAtt a.b`) are read as the long forms that they stand for, so that every test sees one
//! way of writing.

use std::collections::{BTreeMap, BTreeSet};

use feedback_graphql::{config, repository, repository::table};
use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value, json};

/// What may be referred to without being declared.
const PSEUDO_PARAMETERS: [&str; 8] = [
    "AWS::AccountId",
    "AWS::NoValue",
    "AWS::NotificationARNs",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
];

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
fn the_index_has_the_tables_ceilings() {
    let template = Template::load();
    let (_, table) = template.only("AWS::DynamoDB::Table");
    let ceilings = &table["Properties"]["OnDemandThroughput"];

    assert_eq!(table["Properties"]["BillingMode"], "PAY_PER_REQUEST");
    assert!(ceilings.is_object(), "the table has ceilings, if only on demand");
    assert_eq!(
        &table["Properties"]["GlobalSecondaryIndexes"][0]["OnDemandThroughput"], ceilings,
        "an index with a lower ceiling throttles the writes to its table"
    );
}

#[test]
fn the_function_is_given_every_variable_that_the_code_reads_and_no_other() {
    let template = Template::load();
    let given: BTreeSet<&str> = template.variables().keys().map(String::as_str).collect();
    let read: BTreeSet<&str> = config::VARIABLES.iter().copied().collect();
    assert_eq!(given, read);
}

#[test]
fn the_code_accepts_every_value_that_the_template_allows() {
    let template = Template::load();
    for (variable, value) in template.variables() {
        if variable == "FEEDBACK_TABLE" {
            continue;
        }
        let parameter = template.parameter(value);
        let listed = parameter["AllowedValues"].as_array().into_iter().flatten();
        let limits = ["Default", "MinValue", "MaxValue"]
            .iter()
            .filter_map(|key| parameter.get(key));
        for value in listed.chain(limits) {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let read = config::Config::read(|name| match name {
                "FEEDBACK_TABLE" => Some("feedback".to_owned()),
                name => (name == variable).then(|| value.clone()),
            });
            assert_eq!(read.err(), None, "{variable} set to {value}");
        }
    }
}

#[test]
fn the_function_is_given_the_stacks_own_table() {
    let template = Template::load();
    let (table, _) = template.only("AWS::DynamoDB::Table");
    assert_eq!(template.variables()["FEEDBACK_TABLE"], json!({ "Ref": table }));
}

#[test]
fn the_shard_count_goes_as_far_as_the_code_does() {
    let template = Template::load();
    let shards = template.parameter_of_variable("FEEDBACK_TIMELINE_SHARDS");
    assert_eq!(shards["MinValue"], 1);
    assert_eq!(shards["MaxValue"], config::MAX_TIMELINE_SHARDS);
    assert_eq!(shards["Default"], 1);
}

#[test]
fn the_function_may_do_what_the_code_does_and_nothing_else() {
    let template = Template::load();
    let (role_name, role) = template.only("AWS::IAM::Role");
    let (_, function) = template.only("AWS::Serverless::Function");
    let (table, _) = template.only("AWS::DynamoDB::Table");
    let log_group = text(&function["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]);

    assert_eq!(
        function["Properties"]["Role"],
        json!({ "Fn::GetAtt": [role_name, "Arn"] })
    );
    assert_eq!(
        function["Properties"]["Policies"],
        Value::Null,
        "ignored beside a Role, and misleading"
    );
    assert_eq!(
        role["Properties"]["ManagedPolicyArns"],
        Value::Null,
        "a managed policy grants more than is used, and changes"
    );

    let index_arn = format!("${{{table}.Arn}}/index/{}", table::TIMELINE_INDEX);
    let name_of = |resource: &Value| {
        if *resource == json!({ "Fn::GetAtt": [table, "Arn"] }) {
            "table"
        } else if *resource == json!({ "Fn::Sub": index_arn }) {
            "index"
        } else if *resource == json!({ "Fn::GetAtt": [log_group, "Arn"] }) {
            "log"
        } else {
            panic!("a permission on something else: {resource}")
        }
    };
    let mut allowed = BTreeSet::new();
    for policy in list(&role["Properties"]["Policies"]) {
        for statement in list(&policy["PolicyDocument"]["Statement"]) {
            let keys: BTreeSet<&str> = object(statement).keys().map(String::as_str).collect();
            assert_eq!(keys, BTreeSet::from(["Action", "Effect", "Resource", "Sid"]));
            assert_eq!(statement["Effect"], "Allow");
            for resource in one_or_many(&statement["Resource"]) {
                for action in one_or_many(&statement["Action"]) {
                    allowed.insert((text(action), name_of(resource)));
                }
            }
        }
    }

    let mut used: BTreeSet<(&str, &str)> = repository::IAM_ACTIONS.iter().copied().collect();
    used.extend([("logs:CreateLogStream", "log"), ("logs:PutLogEvents", "log")]);
    assert_eq!(allowed, used);
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

#[test]
fn every_reference_names_something_that_the_template_declares() {
    assert_eq!(Template::load().dangling(), BTreeSet::new());
}

#[test]
fn every_parameter_and_every_condition_is_used() {
    let template = Template::load();
    let references = template.references();
    for section in ["Parameters", "Conditions"] {
        for name in object(&template.0[section]).keys() {
            let used = references.iter().any(|reference| reference.name == *name);
            assert!(used, "nothing uses {name} of {section}");
        }
    }
}

/// The two tests above would also pass if no reference were found at all.
#[test]
fn a_dangling_reference_is_found_however_it_is_written() {
    let template = Template::parse(
        r"
        Parameters:
          Known: {Type: String}
          Bare1: {Type: String}
          Bare2: {Type: String}
          Bare3: {Type: String}
          Bare4: {Type: String}
        Conditions:
          Yes: !Equals [!Ref Known, !Ref Gone01]
          No: !Not [!Condition Gone02]
        Resources:
          Here:
            Type: AWS::SNS::Topic
            Condition: Gone03
            DependsOn: [Here, Gone04]
            Properties:
              A: {Ref: Gone05}
              B: !GetAtt Gone06.Arn
              C: {'Fn::GetAtt': [Gone07, Arn]}
              D: !Sub '${Here.Arn}/${Known}/${AWS::Region}/${!Literal}/${Gone08}/${Gone09.Arn}'
              E: !Sub ['${Local}/${Gone10}', {Local: !Ref Gone11}]
              F: !If [Gone12, !Ref Here, !Ref AWS::NoValue]
              G: !GetAtt Bare1.Arn
              H: !Sub '${Bare2.Arn}'
              I: !If [Bare3, 1, 2]
              J: !Ref AWS::Nothing
          There:
            Type: AWS::SNS::Topic
            DependsOn: [Gone13, Bare4]
          Everywhere:
            Type: AWS::SNS::Topic
            DependsOn: Gone15
        Outputs:
          Out: {Condition: Gone14, Value: !Ref There}
        ",
    );
    let mut expected: BTreeSet<String> = (1..=15).map(|n| format!("Gone{n:02}")).collect();
    expected.insert("AWS::Nothing".to_owned());
    // A parameter has no attributes, is no condition and cannot be waited for.
    expected.extend((1..=4).map(|n| format!("Bare{n}")));
    assert_eq!(template.dangling(), expected);
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

#[test]
fn every_log_goes_to_a_group_of_the_stack_and_is_deleted_in_time() {
    let template = Template::load();
    let mut groups = BTreeSet::new();
    for (name, group) in template.of_type("AWS::Logs::LogGroup") {
        let days = template.parameter(&group["Properties"]["RetentionInDays"]);
        assert!(days["Default"].is_u64(), "{name} keeps its lines for ever");
        groups.insert(name);
    }

    let (_, function) = template.only("AWS::Serverless::Function");
    let (_, api) = template.only("AWS::Serverless::HttpApi");
    let logging = &function["Properties"]["LoggingConfig"];
    let destination = &api["Properties"]["AccessLogSettings"]["DestinationArn"];
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
    let (_, api) = template.only("AWS::Serverless::HttpApi");
    let format = text(&api["Properties"]["AccessLogSettings"]["Format"]);
    assert!(!format.contains('\n'), "one line a request");

    let line: Value = serde_json::from_str(format).expect("JSON, all of its values quoted");
    for (name, value) in object(&line) {
        assert!(HARMLESS.contains(&text(value)), "{name} is {value}");
    }
}

#[test]
fn the_routes_are_those_of_the_router_and_each_path_answers_preflights() {
    let template = Template::load();
    assert_eq!(
        template.routes(),
        BTreeSet::from([
            ("/feedback", "OPTIONS"),
            ("/feedback", "POST"),
            ("/graphql", "GET"),
            ("/graphql", "OPTIONS"),
            ("/graphql", "POST"),
        ])
    );
}

#[test]
fn cors_is_the_functions_alone() {
    let template = Template::load();
    let (_, api) = template.only("AWS::Serverless::HttpApi");
    assert_eq!(
        api["Properties"]["CorsConfiguration"],
        Value::Null,
        "the HTTP API would discard the function's headers"
    );
    let origins = template.parameter_of_variable("FEEDBACK_ALLOWED_ORIGINS");
    assert_eq!(origins["Default"], "", "no origin is allowed until one is named");
}

#[test]
fn the_public_way_in_is_throttled() {
    let template = Template::load();
    let (_, api) = template.only("AWS::Serverless::HttpApi");
    for limit in ["ThrottlingRateLimit", "ThrottlingBurstLimit"] {
        let parameter = template.parameter(&api["Properties"]["DefaultRouteSettings"][limit]);
        assert!(parameter["Default"].as_u64().is_some_and(|limit| limit > 0));
    }
}

#[test]
fn the_explorer_is_off_unless_it_is_switched_on() {
    let template = Template::load();
    let explorer = template.parameter_of_variable("FEEDBACK_EXPLORER");
    assert_eq!(explorer["Default"], "false");
}

#[test]
fn every_url_that_the_stack_prints_is_one_of_its_routes() {
    let template = Template::load();
    let (api, _) = template.only("AWS::Serverless::HttpApi");
    let endpoint = format!("${{{api}.ApiEndpoint}}");
    let paths: BTreeSet<&str> = template.routes().into_iter().map(|(path, _)| path).collect();

    let mut printed = BTreeSet::new();
    for (name, output) in object(&template.0["Outputs"]) {
        if name.ends_with("Url") {
            let url = text(&output["Value"]["Fn::Sub"]);
            printed.insert(url.strip_prefix(&endpoint).expect("a URL of the HTTP API"));
        }
    }
    assert_eq!(printed, paths);
}

#[test]
fn every_parameter_says_what_it_is_and_has_a_default_that_it_allows() {
    let template = Template::load();
    for (name, parameter) in object(&template.0["Parameters"]) {
        assert!(!text(&parameter["Description"]).is_empty(), "{name}");
        let default = &parameter["Default"];
        assert!(!default.is_null(), "{name} has no default");
        if let Some(allowed) = parameter["AllowedValues"].as_array() {
            assert!(allowed.contains(default), "{name}");
        }
        if let Some(number) = default.as_i64() {
            let least = parameter["MinValue"].as_i64().unwrap_or(i64::MIN);
            let most = parameter["MaxValue"].as_i64().unwrap_or(i64::MAX);
            assert!((least..=most).contains(&number), "{name}");
        }
    }

    let mut grouped: Vec<&str> =
        list(&template.0["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"])
            .iter()
            .flat_map(|group| list(&group["Parameters"]))
            .map(text)
            .collect();
    grouped.sort_unstable();
    let declared: Vec<&str> = object(&template.0["Parameters"])
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        grouped, declared,
        "each parameter is in one group of the console's form"
    );
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

/// The template, its short tags written out.
struct Template(Value);

struct Reference {
    name: String,
    target: Target,
}

/// What a reference may name.
enum Target {
    /// `Ref`, and `${Name}` in a `Sub`: a parameter, a resource or a pseudo parameter.
    Anything,
    /// `GetAtt`, `${Name.Attribute}` in a `Sub`, `DependsOn`.
    Resource,
    /// `If`, `Condition`.
    Condition,
}

impl Template {
    fn load() -> Self {
        Self::parse(&read("template.yaml"))
    }

    fn parse(source: &str) -> Self {
        match Yaml::load_from_str(source).as_deref() {
            Ok([document]) => Self(long_form(document)),
            other => panic!("not one YAML document without duplicate keys: {other:?}"),
        }
    }

    fn of_type(&self, kind: &str) -> Vec<(&str, &Value)> {
        object(&self.0["Resources"])
            .iter()
            .filter(|(_, resource)| resource["Type"] == kind)
            .map(|(name, resource)| (name.as_str(), resource))
            .collect()
    }

    fn only(&self, kind: &str) -> (&str, &Value) {
        match self.of_type(kind).as_slice() {
            &[only] => only,
            found => panic!("{} resources of type {kind}, not one", found.len()),
        }
    }

    fn variables(&self) -> &Map<String, Value> {
        let (_, function) = self.only("AWS::Serverless::Function");
        object(&function["Properties"]["Environment"]["Variables"])
    }

    /// The parameter that a value refers to, also where it does so only on a condition.
    fn parameter(&self, value: &Value) -> &Value {
        let value = value.get("Fn::If").map_or(value, |branches| &branches[1]);
        let name = value["Ref"]
            .as_str()
            .unwrap_or_else(|| panic!("{value} is no parameter"));
        &self.0["Parameters"][name]
    }

    fn parameter_of_variable(&self, variable: &str) -> &Value {
        self.parameter(&self.variables()[variable])
    }

    /// Path and method of each route of the function.
    fn routes(&self) -> BTreeSet<(&str, &str)> {
        let (api, _) = self.only("AWS::Serverless::HttpApi");
        let (_, function) = self.only("AWS::Serverless::Function");
        object(&function["Properties"]["Events"])
            .iter()
            .map(|(name, event)| {
                assert_eq!(event["Type"], "HttpApi", "{name}");
                assert_eq!(event["Properties"]["ApiId"], json!({ "Ref": api }), "{name}");
                (
                    text(&event["Properties"]["Path"]),
                    text(&event["Properties"]["Method"]),
                )
            })
            .collect()
    }

    /// Every reference in the sections that are evaluated.
    fn references(&self) -> Vec<Reference> {
        let mut found = Vec::new();
        for section in ["Conditions", "Resources", "Outputs"] {
            walk(&self.0[section], &mut |value| find_references(value, &mut found));
        }
        found
    }

    fn dangling(&self) -> BTreeSet<String> {
        let declared = |section: &str, name: &str| self.0[section].get(name).is_some();
        self.references()
            .into_iter()
            .filter(|Reference { name, target }| match target {
                Target::Anything => {
                    !declared("Parameters", name)
                        && !declared("Resources", name)
                        && !PSEUDO_PARAMETERS.contains(&name.as_str())
                }
                Target::Resource => !declared("Resources", name),
                Target::Condition => !declared("Conditions", name),
            })
            .map(|reference| reference.name)
            .collect()
    }
}

/// The references that a mapping makes by itself, leaving out those of what is nested in it.
fn find_references(value: &Value, found: &mut Vec<Reference>) {
    let Some(mapping) = value.as_object() else {
        return;
    };
    let mut refer = |name: &str, target| {
        found.push(Reference {
            name: name.to_owned(),
            target,
        });
    };
    for (key, argument) in mapping {
        match key.as_str() {
            "Ref" => refer(text(argument), Target::Anything),
            "Fn::GetAtt" => refer(text(&argument[0]), Target::Resource),
            "Fn::If" => refer(text(&argument[0]), Target::Condition),
            // In a policy statement it is a mapping, and has nothing to do with the template's conditions.
            "Condition" if argument.is_string() => refer(text(argument), Target::Condition),
            "DependsOn" => one_or_many(argument)
                .iter()
                .for_each(|name| refer(text(name), Target::Resource)),
            "Fn::Sub" => {
                let pattern = argument.as_str().unwrap_or_else(|| text(&argument[0]));
                for placeholder in pattern.split("${").skip(1) {
                    let name = placeholder.split('}').next().unwrap_or_default();
                    if name.starts_with('!') || argument[1].get(name).is_some() {
                        continue;
                    }
                    match name.split_once('.') {
                        Some((resource, _)) => refer(resource, Target::Resource),
                        None => refer(name, Target::Anything),
                    }
                }
            }
            _ => {}
        }
    }
}

/// Visits a value and everything nested in it.
fn walk(value: &Value, visit: &mut impl FnMut(&Value)) {
    visit(value);
    match value {
        Value::Array(items) => items.iter().for_each(|item| walk(item, visit)),
        Value::Object(entries) => entries.values().for_each(|entry| walk(entry, visit)),
        _ => {}
    }
}

fn long_form(node: &Yaml) -> Value {
    match node {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => json!(value),
        Yaml::Value(Scalar::Integer(value)) => json!(value),
        Yaml::Value(Scalar::FloatingPoint(value)) => json!(**value),
        Yaml::Value(Scalar::String(value)) => json!(value),
        Yaml::Sequence(items) => items.iter().map(long_form).collect(),
        Yaml::Mapping(entries) => entries
            .iter()
            .map(|(key, value)| (text(&long_form(key)).to_owned(), long_form(value)))
            .collect(),
        Yaml::Tagged(tag, argument) => match (tag.suffix.as_str(), long_form(argument)) {
            (name @ ("Ref" | "Condition"), argument) => json!({ name: argument }),
            ("GetAtt", Value::String(path)) => {
                json!({ "Fn::GetAtt": path.splitn(2, '.').collect::<Vec<_>>() })
            }
            (name, argument) => json!({ format!("Fn::{name}"): argument }),
        },
        Yaml::Representation(..) | Yaml::Alias(_) | Yaml::BadValue => {
            panic!("not a plain template: {node:?}")
        }
    }
}

/// A file of this package, read when the test runs so that a change of it needs no new build.
fn read(name: &str) -> String {
    let path = format!("{}/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
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

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list"))
}

fn object(value: &Value) -> &Map<String, Value> {
    value
        .as_object()
        .unwrap_or_else(|| panic!("{value} is no mapping"))
}

/// Where one value may stand for a list of one.
fn one_or_many(value: &Value) -> &[Value] {
    value
        .as_array()
        .map_or(std::slice::from_ref(value), Vec::as_slice)
}
