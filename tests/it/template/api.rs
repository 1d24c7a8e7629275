//! The routes: which there are, who gets in at them, how many requests they take.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::document::{Template, list, object, text};
use super::variation::{self, IAM, JWT, Settings};

/// The routes that are open to everyone, whatever is chosen.
const PUBLIC: [&str; 5] = [
    "GET /graphql",
    "OPTIONS /feedback",
    "OPTIONS /graphql",
    "POST /feedback",
    "POST /graphql",
];
const STAFF: [&str; 2] = ["GET /staff/graphql", "POST /staff/graphql"];
/// Browsers send no credential with it.
const STAFF_PREFLIGHT: &str = "OPTIONS /staff/graphql";

#[test]
fn the_routes_are_those_of_the_router_and_each_path_answers_preflights() {
    let template = Template::load();
    let names =
        |settings: Settings| -> BTreeSet<String> { routes(&template.with(settings)).into_keys().collect() };
    let public: BTreeSet<String> = PUBLIC.map(str::to_owned).into();
    assert_eq!(names(&[]), public);

    let mut all = public;
    all.extend(STAFF.map(str::to_owned));
    all.insert(STAFF_PREFLIGHT.to_owned());
    assert_eq!(names(JWT), all);
    assert_eq!(names(IAM), all);
}

#[test]
fn every_public_route_is_open_and_every_preflight_too() {
    let template = Template::load();
    for settings in variation::all() {
        for (key, route) in routes(&template.with(&settings)) {
            let is_open = PUBLIC.contains(&key.as_str()) || key == STAFF_PREFLIGHT;
            assert_eq!(
                is_open,
                route["AuthorizationType"] == "NONE",
                "{key}, {settings:?}"
            );
            if is_open {
                assert_eq!(route["AuthorizerId"], Value::Null, "{key}");
            }
        }
    }
}

#[test]
fn staff_come_in_with_a_token_of_the_issuer_that_was_named() {
    let template = Template::load().with(JWT);
    let (api, _) = template.only("AWS::ApiGatewayV2::Api");
    let (authorizer, authorizer_resource) = template.only("AWS::ApiGatewayV2::Authorizer");
    let routes = routes(&template);
    for key in STAFF {
        assert_eq!(routes[key]["AuthorizationType"], "JWT", "{key}");
        assert_eq!(routes[key]["AuthorizerId"], json!({ "Ref": authorizer }), "{key}");
    }
    assert_eq!(
        authorizer_resource["Properties"],
        json!({
            "ApiId": { "Ref": api },
            "Name": "staff",
            "AuthorizerType": "JWT",
            "IdentitySource": ["$request.header.Authorization"],
            "JwtConfiguration": {
                "Issuer": { "Ref": "JwtIssuer" },
                "Audience": { "Fn::Split": [",", { "Ref": "JwtAudience" }] },
            },
        })
    );
}

#[test]
fn staff_come_in_with_a_signed_request() {
    let template = Template::load().with(IAM);
    let routes = routes(&template);
    for key in STAFF {
        assert_eq!(routes[key]["AuthorizationType"], "AWS_IAM", "{key}");
        assert_eq!(routes[key]["AuthorizerId"], Value::Null, "{key}");
    }
    assert!(template.of_type("AWS::ApiGatewayV2::Authorizer").is_empty());
    let arn = text(&template.0["Outputs"]["StaffInvokeArn"]["Value"]["Fn::Sub"]);
    assert!(arn.ends_with("/staff/graphql"), "{arn}");
}

/// A deployment leaves on a route what is left out of the template.
#[test]
fn the_way_in_is_said_for_every_route_and_without_staff_no_route_of_theirs_is_left() {
    let template = Template::load();
    for settings in variation::all() {
        for (key, route) in routes(&template.with(&settings)) {
            let expected = match (STAFF.contains(&key.as_str()), settings.contains(&IAM[0])) {
                (false, _) => "NONE",
                (true, true) => "AWS_IAM",
                (true, false) => "JWT",
            };
            assert_eq!(route["AuthorizationType"], expected, "{key}, {settings:?}");
        }
    }
    let without = template.with(&[]);
    assert!(routes(&without).keys().all(|key| !key.contains("/staff/")));
    assert!(without.of_type("AWS::ApiGatewayV2::Authorizer").is_empty());
}

#[test]
fn tokens_are_not_checked_without_an_issuer_and_an_audience() {
    let template = Template::load();
    let only = |count| template.objections(&JWT[..count]).len();
    assert_eq!((only(1), only(2), only(3)), (2, 1, 0));
    assert!(template.objections(&[]).is_empty());
    assert!(template.objections(IAM).is_empty());
    let authorizer = &template.0["Parameters"]["StaffAuthorizer"];
    assert_eq!(authorizer["AllowedValues"], json!(["NONE", "JWT", "IAM"]));
    assert_eq!(
        authorizer["Default"], "NONE",
        "nobody reads until somebody says who"
    );
}

#[test]
fn what_is_open_to_everyone_is_throttled_more_tightly_than_the_rest() {
    let template = Template::load();
    let (_, stage) = template.only("AWS::ApiGatewayV2::Stage");
    let stage_properties = &stage["Properties"];
    let limits = |rate: &str, burst: &str| json!({ "ThrottlingRateLimit": { "Ref": rate }, "ThrottlingBurstLimit": { "Ref": burst } });
    let default = limits("StaffRateLimit", "StaffBurstLimit");
    assert_eq!(stage_properties["DefaultRouteSettings"], default);

    // A route that can go away must not be among them, and what is among them has to be there before the stage.
    let settings = object(&stage_properties["RouteSettings"]);
    let always: BTreeSet<String> = routes(&template.with(&[])).into_keys().collect();
    assert_eq!(settings.keys().cloned().collect::<BTreeSet<_>>(), always);
    for (key, setting) in settings {
        assert_eq!(*setting, limits("PublicRateLimit", "PublicBurstLimit"), "{key}");
    }
    let awaited: BTreeSet<&str> = list(&stage["DependsOn"]).iter().map(text).collect();
    let unconditional = template.with(&[]);
    let resources = unconditional.of_type("AWS::ApiGatewayV2::Route");
    assert_eq!(awaited, resources.into_iter().map(|(name, _)| name).collect());

    let number = |name: &str| template.0["Parameters"][name]["Default"].as_u64();
    for limit in ["RateLimit", "BurstLimit"] {
        let public = number(&format!("Public{limit}"));
        assert!(public > Some(0));
        assert!(public < number(&format!("Staff{limit}")));
    }
}

#[test]
fn every_change_of_the_routes_is_deployed() {
    let template = Template::load();
    let (api, _) = template.only("AWS::ApiGatewayV2::Api");
    let (_, stage) = template.only("AWS::ApiGatewayV2::Stage");
    assert_eq!(stage["Properties"]["ApiId"], json!({ "Ref": api }));
    assert_eq!(stage["Properties"]["AutoDeploy"], true);
    assert_eq!(
        stage["Properties"]["StageName"], "$default",
        "another would be part of every URL"
    );
}

#[test]
fn cors_is_the_functions_alone() {
    let template = Template::load();
    let (_, api) = template.only("AWS::ApiGatewayV2::Api");
    assert_eq!(
        api["Properties"]["CorsConfiguration"],
        Value::Null,
        "the HTTP API would discard the function's headers"
    );
    assert_eq!(
        template.0["Parameters"]["AllowedOrigins"]["Default"], "",
        "no origin is allowed until one is named"
    );
}

#[test]
fn every_url_that_the_stack_prints_is_one_of_its_routes() {
    let template = Template::load();
    for settings in variation::all() {
        let template = template.with(&settings);
        let (api, _) = template.only("AWS::ApiGatewayV2::Api");
        let endpoint = format!("${{{api}.ApiEndpoint}}");
        let routes = routes(&template);
        let paths: BTreeSet<&str> = routes
            .keys()
            .filter_map(|key| Some(key.split_once(' ')?.1))
            .collect();

        let mut printed = BTreeSet::new();
        for (name, output) in object(&template.0["Outputs"]) {
            if name.ends_with("Url") {
                let url = text(&output["Value"]["Fn::Sub"]);
                printed.insert(url.strip_prefix(&endpoint).expect("a URL of the HTTP API"));
            }
        }
        assert_eq!(printed, paths, "{settings:?}");
    }
}

/// The properties of each route by its key, method and path.
fn routes(template: &Template) -> BTreeMap<String, Value> {
    let (api, _) = template.only("AWS::ApiGatewayV2::Api");
    let (integration, integration_resource) = template.only("AWS::ApiGatewayV2::Integration");
    assert_eq!(integration_resource["Properties"]["ApiId"], json!({ "Ref": api }));
    let mut routes = BTreeMap::new();
    for (name, route) in template.of_type("AWS::ApiGatewayV2::Route") {
        let properties = &route["Properties"];
        assert_eq!(properties["ApiId"], json!({ "Ref": api }), "{name}");
        assert_eq!(
            properties["Target"],
            json!({ "Fn::Sub": format!("integrations/${{{integration}}}") }),
            "{name}"
        );
        let key = text(&properties["RouteKey"]).to_owned();
        assert!(
            routes.insert(key, properties.clone()).is_none(),
            "{name} is there twice"
        );
    }
    routes
}
