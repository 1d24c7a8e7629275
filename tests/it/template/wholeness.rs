//! Nothing refers to nothing, nothing is declared for nothing, and each parameter explains itself.

use std::collections::BTreeSet;

use super::document::{Template, list, object, text};
use super::variation;

#[test]
fn every_reference_names_something_that_the_template_declares() {
    assert_eq!(Template::load().dangling(), BTreeSet::new());
}

#[test]
fn whatever_is_chosen_every_reference_names_something_that_is_there() {
    let template = Template::load();
    for settings in variation::all() {
        assert_eq!(
            template.with(&settings).dangling(),
            BTreeSet::new(),
            "{settings:?}"
        );
        assert!(template.objections(&settings).is_empty(), "{settings:?}");
    }
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

/// The tests above would also pass if no reference were found at all.
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
        Rules:
          Rule: {RuleCondition: !Equals [!Ref Gone16, 1], Assertions: [{Assert: !Equals [!Ref Gone17, 1]}]}
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
              K: [!Ref Published.Alias, !Ref Published.Version, !GetAtt Published.Version.Version]
              L: [!Ref Gone18.Alias, !Ref Gone19.Version, !GetAtt Gone20.Version.Version]
              M: !Ref Unpublished.Alias
          There:
            Type: AWS::SNS::Topic
            DependsOn: [Gone13, Bare4]
          Everywhere:
            Type: AWS::SNS::Topic
            DependsOn: Gone15
          Published: {Type: 'AWS::Serverless::Function', Properties: {AutoPublishAlias: live}}
          Unpublished: {Type: 'AWS::Serverless::Function', Properties: {}}
        Outputs:
          Out: {Condition: Gone14, Value: !Ref There}
        ",
    );
    let mut expected: BTreeSet<String> = (1..=20).map(|n| format!("Gone{n:02}")).collect();
    expected.insert("AWS::Nothing".to_owned());
    // SAM makes an alias only where it is told to publish one.
    expected.insert("Unpublished".to_owned());
    // A parameter has no attributes, is no condition and cannot be waited for.
    expected.extend((1..=4).map(|n| format!("Bare{n}")));
    assert_eq!(template.dangling(), expected);
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
        let is_free = parameter["Type"] == "String" && parameter["AllowedValues"].is_null();
        assert_eq!(
            is_free,
            parameter["AllowedPattern"].is_string(),
            "{name} takes any text"
        );
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
