//! What is left of the template for one choice of its parameters, as AWS evaluates it.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::document::{Template, list, object, placeholders, text};

/// Values of parameters; those left out keep their defaults.
pub type Settings<'a> = &'a [(&'a str, &'a str)];

/// Tokens, and what they are checked against.
pub const JWT: Settings = &[
    ("StaffAuthorizer", "JWT"),
    ("JwtIssuer", "https://issuer.example/"),
    ("JwtAudience", "staff,admin"),
];
pub const IAM: Settings = &[("StaffAuthorizer", "IAM")];
pub const API_KEYS: Settings = &[("ApiKeys", "true")];
pub const KMS_KEY: Settings = &[(
    "KmsKeyArn",
    "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
)];
pub const DASHBOARD: Settings = &[("Dashboard", "true")];
pub const TRACING: Settings = &[("Tracing", "true")];
pub const PROVISIONED: Settings = &[("CapacityMode", "PROVISIONED")];
pub const EVERYTHING_GIVEN: Settings = &[
    ("AllowedOrigins", "https://www.example.com"),
    ("ApiKeys", "true"),
    ("Limits", "depth=20"),
    ("Documents", "documents.json"),
    ("ClientAddressHeader", "CloudFront-Viewer-Address"),
    ("AlarmTopicArn", "arn:aws:sns:eu-central-1:123456789012:alarms"),
    KMS_KEY[0],
    ("ReservedConcurrency", "50"),
    ("ProvisionedConcurrency", "5"),
    ("MaxReadRequestUnits", "100"),
    ("MaxWriteRequestUnits", "100"),
    ("Indexes", "status,topic,rating,person"),
    ("Explorer", "true"),
    ("ClientLimit", "100"),
    ("QuarantineAlarmUnits", "100"),
    DASHBOARD[0],
    TRACING[0],
];

/// Every way in × capacity mode × (defaults, everything given) × way of deploying.
pub fn all() -> Vec<Vec<(&'static str, &'static str)>> {
    let ways_in: [Settings; 3] = [&[], JWT, IAM];
    let modes: [Settings; 2] = [&[], PROVISIONED];
    let given: [Settings; 2] = [&[], EVERYTHING_GIVEN];
    let deployments: [Settings; 2] = [&[], &[("DeploymentType", "AllAtOnce")]];
    let mut all = Vec::new();
    for way_in in ways_in {
        for mode in modes {
            for given in given {
                for deployment in deployments {
                    all.push([way_in, mode, given, deployment].concat());
                }
            }
        }
    }
    all
}

impl Template {
    /// The template with these parameters: what has a condition that does not hold is gone, and every `If` has become
    /// one of its branches. References stay as they are.
    pub fn with(&self, settings: Settings) -> Self {
        let parameters = self.parameters(settings);
        let mut template = self.clone();
        for section in ["Resources", "Outputs"] {
            let kept = object(&self.0[section])
                .iter()
                .filter(|(_, entry)| {
                    let condition = entry["Condition"].as_str();
                    condition.is_none_or(|name| self.holds(&json!({ "Condition": name }), &parameters))
                })
                .map(|(name, entry)| {
                    let mut entry = entry.clone();
                    object_mut(&mut entry).remove("Condition");
                    let entry = self.evaluated(&entry, &parameters);
                    (name.clone(), entry.expect("a resource or an output is a mapping"))
                })
                .collect::<Map<_, _>>();
            template.0[section] = Value::Object(kept);
        }
        template
    }

    /// Why AWS would not even begin, by the template's rules.
    pub fn objections(&self, settings: Settings) -> Vec<&str> {
        let parameters = self.parameters(settings);
        object(&self.0["Rules"])
            .values()
            .filter(|rule| self.holds(&rule["RuleCondition"], &parameters))
            .flat_map(|rule| list(&rule["Assertions"]))
            .filter(|assertion| !self.holds(&assertion["Assert"], &parameters))
            .map(|assertion| text(&assertion["AssertDescription"]))
            .collect()
    }

    fn parameters(&self, settings: Settings) -> Map<String, Value> {
        let declared = object(&self.0["Parameters"]);
        let mut values: Map<String, Value> = declared
            .iter()
            .map(|(name, parameter)| (name.clone(), parameter["Default"].clone()))
            .collect();
        let mut named = BTreeSet::new();
        for (name, value) in settings {
            assert!(named.insert(name), "{name} is given twice");
            let parameter = declared
                .get(*name)
                .unwrap_or_else(|| panic!("there is no parameter {name}"));
            let allowed = parameter["AllowedValues"].as_array();
            assert!(
                allowed.is_none_or(|allowed| allowed.contains(&json!(value))),
                "{name} cannot be {value}"
            );
            values.insert((*name).to_owned(), json!(value));
        }
        values
    }

    fn holds(&self, condition: &Value, parameters: &Map<String, Value>) -> bool {
        let (function, argument) = object(condition).iter().next().expect("a condition function");
        let all = || list(argument).iter();
        match function.as_str() {
            "Condition" => self.holds(&self.0["Conditions"][text(argument)], parameters),
            "Fn::Equals" => plain(&argument[0], parameters) == plain(&argument[1], parameters),
            "Fn::Not" => !self.holds(&argument[0], parameters),
            "Fn::And" => all().all(|condition| self.holds(condition, parameters)),
            "Fn::Or" => all().any(|condition| self.holds(condition, parameters)),
            other => panic!("{other} is not evaluated here"),
        }
    }

    /// The value with its `If`s decided, or nothing where it is `AWS::NoValue`.
    fn evaluated(&self, value: &Value, parameters: &Map<String, Value>) -> Option<Value> {
        match value {
            Value::Object(entries) => {
                if let Some(branches) = entries.get("Fn::If") {
                    let condition = json!({ "Condition": branches[0] });
                    let branch = if self.holds(&condition, parameters) { 1 } else { 2 };
                    return self.evaluated(&branches[branch], parameters);
                }
                if entries.get("Ref").is_some_and(|name| name == "AWS::NoValue") {
                    return None;
                }
                let kept = entries
                    .iter()
                    .filter_map(|(key, entry)| Some((key.clone(), self.evaluated(entry, parameters)?)));
                Some(Value::Object(kept.collect()))
            }
            Value::Array(items) => {
                let kept = items.iter().filter_map(|item| self.evaluated(item, parameters));
                Some(Value::Array(kept.collect()))
            }
            _ => Some(value.clone()),
        }
    }
}

/// What a condition compares: texts, whatever the types of the parameters.
fn plain(value: &Value, parameters: &Map<String, Value>) -> String {
    if let Some(choice) = value.get("Fn::Select") {
        let index = choice[0].as_u64().and_then(|index| index.try_into().ok());
        let split = &choice[1]["Fn::Split"];
        let (delimiter, whole) = (plain(&split[0], parameters), plain(&split[1], parameters));
        let mut parts = whole.split(&delimiter);
        let part = index.and_then(|index| parts.nth(index));
        return part
            .unwrap_or_else(|| panic!("{value} selects nothing"))
            .to_owned();
    }
    if let Some(pattern) = value.get("Fn::Sub") {
        return placeholders(pattern).fold(text(pattern).to_owned(), |whole, name| {
            whole.replace(&format!("${{{name}}}"), &plain(&parameters[name], parameters))
        });
    }
    let value = value["Ref"].as_str().map_or(value, |name| &parameters[name]);
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn object_mut(value: &mut Value) -> &mut Map<String, Value> {
    value.as_object_mut().expect("a mapping")
}

/// The tests of the template are worth what this evaluation is.
#[test]
fn a_template_is_evaluated_as_aws_does() {
    let template = Template::parse(
        r"
        Parameters:
          Color: {Type: String, Default: red}
          Size: {Type: Number, Default: 0}
          Parts: {Type: String, Default: 'left,right'}
        Rules:
          Small:
            RuleCondition: !Equals [!Ref Color, green]
            Assertions: [{Assert: !Equals [!Ref Size, 0], AssertDescription: green is small}]
        Conditions:
          IsRed: !Equals [!Ref Color, red]
          IsLarge: !Not [!Equals [!Ref Size, 0]]
          Both: !And [!Condition IsRed, !Condition IsLarge]
          Either: !Or [!Condition IsRed, !Condition IsLarge]
          HasRight: !Not [!Equals [!Select [1, !Split [right, !Sub '${Parts}/right/none']], /none]]
        Resources:
          Always:
            Type: T
            Properties: {A: !If [Both, !Ref Size, !Ref AWS::NoValue], B: [!If [Either, 1, 2], !Ref AWS::NoValue]}
          Red: {Type: T, Condition: IsRed}
          Right: {Type: T, Condition: HasRight}
        Outputs:
          Large: {Condition: IsLarge, Value: 1}
        ",
    );
    let small_red = template.with(&[]).0;
    assert_eq!(
        small_red["Resources"],
        json!({
            "Always": { "Type": "T", "Properties": { "B": [1] } },
            "Red": { "Type": "T" },
            "Right": { "Type": "T" },
        })
    );
    assert_eq!(small_red["Outputs"], json!({}));
    let large_red = template.with(&[("Size", "3")]).0;
    assert_eq!(
        large_red["Resources"]["Always"]["Properties"],
        json!({ "A": { "Ref": "Size" }, "B": [1] })
    );
    assert_eq!(large_red["Outputs"], json!({ "Large": { "Value": 1 } }));
    let small_green = template.with(&[("Color", "green"), ("Parts", "left")]).0;
    assert_eq!(
        small_green["Resources"],
        json!({ "Always": { "Type": "T", "Properties": { "B": [2] } } })
    );
    assert!(template.objections(&[("Color", "green")]).is_empty());
    assert!(template.objections(&[("Size", "3")]).is_empty());
    assert_eq!(
        template.objections(&[("Color", "green"), ("Size", "3")]),
        ["green is small"]
    );
}
