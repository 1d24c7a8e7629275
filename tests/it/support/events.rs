//! An HTTP call as the events that AWS makes of it.
//!
//! Each front door has its own format and its own habits, and the habits are what breaks services: who decodes
//! the query, who joins repeated headers, who leaves the stage in the path. The builders here follow
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>,
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html>,
//! <https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html> and
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html>.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use uuid::Uuid;

pub use self::http::{HttpAnswer, HttpCall};

mod http;

const ACCOUNT: &str = "123456789012";
const CLIENT: &str = "203.0.113.7";
const STAGE: &str = "prod";
const TIME: &str = "15/Jan/2027:08:00:00 +0000";
const EPOCH_MILLISECONDS: u64 = 1_800_000_000_000;

/// The front doors that a Lambda function can stand behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// API Gateway HTTP API, payload 2.0, `$default` stage.
    HttpApi,
    /// The same with a named stage, which stays in the path.
    HttpApiStage,
    /// Lambda function URL: payload 2.0 without API Gateway.
    FunctionUrl,
    /// API Gateway REST API, payload 1.0; the stage is in `requestContext.path` only.
    RestApi,
    /// REST API behind a custom domain that maps its root to the stage, which then is in no path.
    RestApiCustomDomain,
    /// Application Load Balancer, each header and parameter once.
    Alb,
    /// Application Load Balancer whose target group has multi-value headers enabled.
    AlbMultiValue,
}

impl EventKind {
    pub const ALL: [Self; 7] = [
        Self::HttpApi,
        Self::HttpApiStage,
        Self::FunctionUrl,
        Self::RestApi,
        Self::RestApiCustomDomain,
        Self::Alb,
        Self::AlbMultiValue,
    ];
}

/// The event that a front door of this kind makes of the call.
pub fn event(kind: EventKind, call: &HttpCall) -> Value {
    match kind {
        EventKind::HttpApi => http_api(call, None),
        EventKind::HttpApiStage => http_api(call, Some(STAGE)),
        EventKind::FunctionUrl => function_url(call),
        EventKind::RestApi => rest_api(
            call,
            "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com",
            &format!("/{STAGE}"),
        ),
        EventKind::RestApiCustomDomain => rest_api(call, "api.example.com", ""),
        EventKind::Alb => load_balancer(call, false),
        EventKind::AlbMultiValue => load_balancer(call, true),
    }
}

/// An HTTP API decodes the path, alone among the front doors, and leaves a named stage in it.
fn http_api(call: &HttpCall, stage: Option<&str>) -> Value {
    let host = "f6g7h8i9j0.execute-api.eu-west-1.amazonaws.com";
    let path = percent_decoded(&call.path);
    let Some(stage) = stage else {
        return payload_2(call, host, &path);
    };
    let mut event = payload_2(call, host, &format!("/{stage}{path}"));
    event["requestContext"]["stage"] = json!(stage);
    event["requestContext"]["routeKey"] = json!("ANY /{proxy+}");
    event["routeKey"] = json!("ANY /{proxy+}");
    event["pathParameters"] = json!({ "proxy": path.trim_start_matches('/') });
    event["stageVariables"] = json!({ "environment": "production" });
    event
}

fn function_url(call: &HttpCall) -> Value {
    let mut event = payload_2(
        call,
        "k1l2m3n4o5p6q7r8s9t0.lambda-url.eu-west-1.on.aws",
        &call.path,
    );
    event["requestContext"]["accountId"] = json!("anonymous");
    event["headers"]["x-amzn-tls-version"] = json!("TLSv1.3");
    event["headers"]["x-amzn-tls-cipher-suite"] = json!("TLS_AES_128_GCM_SHA256");
    event
}

/// Payload 2.0: lower-case header names, repeated ones joined, cookies apart, and no field that would be empty.
fn payload_2(call: &HttpCall, host: &str, path: &str) -> Value {
    let headers = lower_case(call.headers_behind(host));
    let (cookies, headers): (Vec<_>, Vec<_>) = headers.into_iter().partition(|(name, _)| name == "cookie");
    let headers = joined(&headers);
    let domain_prefix = host.split('.').next();
    let mut event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": call.query.as_deref().unwrap_or_default(),
        "headers": headers,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": domain_prefix,
            "domainName": host,
            "domainPrefix": domain_prefix,
            "http": {
                "method": call.method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": call.address,
                "userAgent": headers["user-agent"],
            },
            "requestId": Uuid::new_v4().to_string(),
            "routeKey": "$default",
            "stage": "$default",
            "time": TIME,
            "timeEpoch": EPOCH_MILLISECONDS,
        },
        "isBase64Encoded": call.base64,
    });
    if !cookies.is_empty() {
        let cookies = cookies
            .iter()
            .flat_map(|(_, line)| line.split(';'))
            .map(str::trim);
        event["cookies"] = cookies.collect();
    }
    if call.query.is_some() {
        event["queryStringParameters"] = json!(joined(&call.decoded_query()));
    }
    if let Some(body) = call.body_text() {
        event["body"] = json!(body);
    }
    event
}

/// Payload 1.0: the client's header case, every header and decoded parameter both as its last value and as a
/// list, and `null` for what is missing.
fn rest_api(call: &HttpCall, host: &str, prefix: &str) -> Value {
    let headers = call.headers_behind(host);
    let user_agent = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("user-agent"));
    let query = call.decoded_query();
    let proxy = Some(call.path.trim_start_matches('/')).filter(|rest| !rest.is_empty());
    let resource = if proxy.is_some() { "/{proxy+}" } else { "/" };
    let domain_prefix = host.split('.').next();
    json!({
        "resource": resource,
        "path": call.path,
        "httpMethod": call.method,
        "headers": last(&headers),
        "multiValueHeaders": all(&headers),
        "queryStringParameters": call.query.as_ref().map(|_| last(&query)),
        "multiValueQueryStringParameters": call.query.as_ref().map(|_| all(&query)),
        "pathParameters": proxy.map(|proxy| json!({ "proxy": proxy })),
        "stageVariables": null,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "a1b2c3d4e5",
            "deploymentId": "dp1234",
            "domainName": host,
            "domainPrefix": domain_prefix,
            "extendedRequestId": "Xy1abGZvIAMEbYw=",
            "httpMethod": call.method,
            "identity": {
                "accessKey": null,
                "accountId": null,
                "caller": null,
                "cognitoAuthenticationProvider": null,
                "cognitoAuthenticationType": null,
                "cognitoIdentityId": null,
                "cognitoIdentityPoolId": null,
                "principalOrgId": null,
                "sourceIp": call.address,
                "user": null,
                "userAgent": user_agent.map(|(_, value)| value),
                "userArn": null,
            },
            "path": format!("{prefix}{}", call.path),
            "protocol": "HTTP/1.1",
            "requestId": Uuid::new_v4().to_string(),
            "requestTime": TIME,
            "requestTimeEpoch": EPOCH_MILLISECONDS,
            "resourceId": "rs5678",
            "resourcePath": resource,
            "stage": STAGE,
        },
        "body": call.body_text(),
        "isBase64Encoded": call.base64,
    })
}

/// A load balancer's event: lower-case header names, parameters as they were sent, and either single values or
/// lists throughout, never both.
fn load_balancer(call: &HttpCall, multi_value: bool) -> Value {
    let headers = lower_case(call.headers_behind("feedback-1234567890.eu-west-1.elb.amazonaws.com"));
    let query = call.encoded_query();
    let target_group =
        format!("arn:aws:elasticloadbalancing:eu-west-1:{ACCOUNT}:targetgroup/feedback/6d0ecf831eec9f09");
    let mut event = json!({
        "requestContext": { "elb": { "targetGroupArn": target_group } },
        "httpMethod": call.method,
        "path": call.path,
        "body": call.body_text().unwrap_or_default(),
        "isBase64Encoded": call.base64,
    });
    if multi_value {
        event["multiValueQueryStringParameters"] = json!(all(&query));
        event["multiValueHeaders"] = json!(all(&headers));
    } else {
        event["queryStringParameters"] = json!(last(&query));
        event["headers"] = json!(last(&headers));
    }
    event
}

fn lower_case(headers: Vec<(String, String)>) -> Vec<(String, String)> {
    headers
        .into_iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .collect()
}

fn last(pairs: &[(String, String)]) -> BTreeMap<&str, &str> {
    pairs
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

fn all(pairs: &[(String, String)]) -> BTreeMap<&str, Vec<&str>> {
    let mut lists = BTreeMap::<_, Vec<_>>::new();
    for (name, value) in pairs {
        lists.entry(name.as_str()).or_default().push(value.as_str());
    }
    lists
}

fn joined(pairs: &[(String, String)]) -> BTreeMap<&str, String> {
    all(pairs)
        .into_iter()
        .map(|(name, values)| (name, values.join(",")))
        .collect()
}

fn percent_decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let digits = part
            .get(..2)
            .filter(|it| it.bytes().all(|byte| byte.is_ascii_hexdigit()));
        if let Some(digits) = digits {
            bytes.push(u8::from_str_radix(digits, 16).expect("two hexadecimal digits"));
            bytes.extend_from_slice(&part.as_bytes()[2..]);
        } else {
            bytes.push(b'%');
            bytes.extend_from_slice(part.as_bytes());
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
