//! The HTTP request in an event.
//!
//! Each source has a format and quirks of its own:
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>,
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html>,
//! <https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html> and
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html>.

use std::slice;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::Value;
use serde_json::value::RawValue;
use url::form_urlencoded;

use crate::auth::VerifiedIdentity;
use crate::domain::ClientAddress;
use crate::http::{HttpError, last_entry};

/// The header in which a load balancer adds the address of the client to those that the client sent.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The longest URI that a request can have. The sources allow a quarter of it, or less.
const MAX_URI_BYTES: usize = 65_534;

/// The bytes that are encoded in paths and queries, together with those beyond ASCII.
const NOT_PLAIN: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The source of an event, as far as formats differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Front {
    /// Payload 1.0: a REST API, or an HTTP API that is configured for it.
    Payload1,
    /// Payload 2.0: an HTTP API or a Function URL.
    Payload2,
    /// An Application Load Balancer.
    LoadBalancer,
}

/// An event of HTTP.
pub(super) struct Event {
    pub(super) request: Request,
    pub(super) front: Front,
}

impl Event {
    /// Reads an event. A request that HTTP does not allow is marked for the router to refuse; `None` if the event has no
    /// request.
    pub(super) fn read(payload: &RawValue) -> Option<Self> {
        let mut request = Request::default();
        let Ok(mut event) = serde_json::from_str::<Value>(payload.get()) else {
            let message = "the event has an unpaired surrogate, or is nested too deeply";
            request.extensions_mut().insert(HttpError::bad_request(message));
            // Any source accepts the response to it.
            let front = Front::Payload2;
            return Some(Self { request, front });
        };
        let front = Front::of(&event)?;
        if let Err(error) = fill(&mut request, front, &mut event) {
            request.extensions_mut().insert(error);
        }
        Some(Self { request, front })
    }
}

impl Front {
    fn of(event: &Value) -> Option<Self> {
        let context = &event["requestContext"];
        if context["elb"].is_object() {
            Some(Self::LoadBalancer)
        } else if context["http"].is_object() {
            Some(Self::Payload2)
        } else {
            event["httpMethod"].is_string().then_some(Self::Payload1)
        }
    }
}

/// Fills the request from the event, up to the first part that is malformed.
fn fill(request: &mut Request, front: Front, event: &mut Value) -> Result<(), HttpError> {
    let path = path(front, event);
    *request.uri_mut() = uri(path.clone())?;
    *request.method_mut() = method(front, event)?;
    let query = query(front, event);
    if !query.is_empty() {
        *request.uri_mut() = uri(path + "?" + &query)?;
    }
    *request.headers_mut() = headers(event)?;
    *request.body_mut() = body(event)?;
    if let Some(identity) = identity(front, &event["requestContext"]) {
        request.extensions_mut().insert(identity);
    }
    if let Some(client) = client(front, &event["requestContext"], request.headers()) {
        request.extensions_mut().insert(client);
    }
    Ok(())
}

fn uri(text: String) -> Result<Uri, HttpError> {
    if text.len() > MAX_URI_BYTES {
        let message = "the path and the query are too long for a request: send the operation by POST";
        return Err(HttpError::bad_request(message).with_status(StatusCode::URI_TOO_LONG));
    }
    Uri::try_from(text).map_err(|_| HttpError::bad_request("the path or the query is not valid"))
}

/// The path without the prefix that leads to the service: a stage, or a custom domain's mapping.
///
/// Whether API Gateway leaves the prefix in the path depends on the URL that was requested. So the path is that of the
/// matched route, unless that is `$default`.
fn path(front: Front, event: &Value) -> String {
    let (path, route) = match front {
        Front::LoadBalancer => (&event["path"], None),
        Front::Payload1 => (&event["path"], event["resource"].as_str()),
        Front::Payload2 => {
            let key = event["routeKey"].as_str().map(|key| key.split_once(' '));
            let route = key.map(|method_and_path| method_and_path.map_or("$default", |(_, path)| path));
            (&event["rawPath"], route)
        }
    };
    let parameters = &event["pathParameters"];
    if let Some(path) = route.and_then(|route| fill_in(route, parameters)) {
        return encode(&path);
    }
    let path = path.as_str().unwrap_or_default();
    let stage = event["requestContext"]["stage"].as_str();
    // The stage is never in the path of a REST API, whose every route is a resource.
    let stage = stage.filter(|_| front == Front::Payload2 || route == Some("$default"));
    let path = encode(stage.and_then(|stage| below(path, stage)).unwrap_or(path));
    if path.starts_with('/') {
        path
    } else {
        format!("/{path}")
    }
}

/// The path of a route like `/staff/{proxy+}` with its parameters filled in; `None` if one is missing.
fn fill_in(route: &str, parameters: &Value) -> Option<String> {
    let segments = route.strip_prefix('/')?.split('/').map(|segment| {
        let parameter = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        match parameter {
            Some(name) => parameters[name.trim_end_matches('+')].as_str(),
            None => Some(segment),
        }
    });
    let segments = segments.collect::<Option<Vec<_>>>()?;
    Some(format!("/{}", segments.join("/")))
}

/// The path without its stage; `None` if it does not begin with the stage.
fn below<'a>(path: &'a str, stage: &str) -> Option<&'a str> {
    let rest = path.strip_prefix('/')?.strip_prefix(stage)?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

fn method(front: Front, event: &Value) -> Result<Method, HttpError> {
    let method = match front {
        Front::Payload2 => &event["requestContext"]["http"]["method"],
        Front::Payload1 | Front::LoadBalancer => &event["httpMethod"],
    };
    let method = method.as_str().unwrap_or_default();
    Method::from_bytes(method.as_bytes()).map_err(|_| HttpError::bad_request("the method is not valid"))
}

/// The query as the client sent it. REST APIs decode it; load balancers only split it.
fn query(front: Front, event: &Value) -> String {
    let parameters = || {
        named_texts(
            &event["multiValueQueryStringParameters"],
            &event["queryStringParameters"],
        )
    };
    match front {
        Front::Payload2 => encode(event["rawQueryString"].as_str().unwrap_or_default()),
        Front::Payload1 => form_urlencoded::Serializer::new(String::new())
            .extend_pairs(parameters())
            .finish(),
        Front::LoadBalancer => parameters()
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect::<Vec<_>>()
            .join("&"),
    }
}

fn headers(event: &Value) -> Result<HeaderMap, HttpError> {
    let mut headers = HeaderMap::new();
    for (name, value) in named_texts(&event["multiValueHeaders"], &event["headers"]) {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| HttpError::bad_request("a header has a name that HTTP does not allow"))?;
        let value = HeaderValue::from_bytes(value.as_bytes())
            .map_err(|_| HttpError::bad_request("a header has a value that HTTP does not allow"))?;
        headers.try_append(name, value).map_err(|_| {
            let error = HttpError::bad_request("the request has too many headers");
            error.with_status(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)
        })?;
    }
    Ok(headers)
}

/// The names and texts of `lists` or, if that is empty, of `single`, which has only one text a name.
fn named_texts<'a>(lists: &'a Value, single: &'a Value) -> impl Iterator<Item = (&'a str, &'a str)> {
    let lists = lists.as_object().filter(|lists| !lists.is_empty());
    let entries = lists.or(single.as_object()).into_iter().flatten();
    entries.flat_map(|(name, values)| {
        let values = values.as_array().map_or(slice::from_ref(values), Vec::as_slice);
        let texts = values.iter().filter_map(Value::as_str);
        texts.map(|text| (name.as_str(), text))
    })
}

/// The body, decoded from base64 if it is. A body that cannot be decoded was not encoded, whatever the event says.
fn body(event: &mut Value) -> Result<Body, HttpError> {
    match event["body"].take() {
        Value::Null => Ok(Body::empty()),
        Value::String(text) => {
            let decoded = (event["isBase64Encoded"] == true).then(|| BASE64.decode(&text));
            Ok(decoded
                .and_then(Result::ok)
                .map_or_else(|| Body::from(text), Body::from))
        }
        _ => Err(HttpError::bad_request("the body is not a string")),
    }
}

/// The identity that an authorizer of API Gateway, or the IAM authorization of a Function URL, has verified.
fn identity(front: Front, context: &Value) -> Option<VerifiedIdentity> {
    let authorizer = &context["authorizer"];
    let (claims, arn) = match front {
        Front::LoadBalancer => return None,
        Front::Payload1 => (&authorizer["claims"], &context["identity"]["userArn"]),
        Front::Payload2 => (&authorizer["jwt"]["claims"], &authorizer["iam"]["userArn"]),
    };
    match claims.as_object() {
        Some(claims) => VerifiedIdentity::of_token(claims),
        None => VerifiedIdentity::of_principal(arn.as_str()?),
    }
}

/// The client that the source has seen: the other end of the connection to API Gateway, the Function URL or the load
/// balancer. Only load balancers have it in a header alone, of which the last entry is their own.
fn client(front: Front, context: &Value, headers: &HeaderMap) -> Option<ClientAddress> {
    let address = match front {
        Front::Payload1 => context["identity"]["sourceIp"].as_str(),
        Front::Payload2 => context["http"]["sourceIp"].as_str(),
        Front::LoadBalancer => last_entry(headers, &FORWARDED_FOR),
    };
    ClientAddress::parse(address?)
}

/// Encodes the bytes that are not allowed in a path or a query.
fn encode(text: &str) -> String {
    utf8_percent_encode(text, NOT_PLAIN).to_string()
}
