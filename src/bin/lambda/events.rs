//! Events of HTTP APIs, REST APIs, Function URLs and load balancers, answered by the router.
//!
//! The library that makes requests of events panics over what it does not expect, and some of that a client can
//! write: a Host header that is no host, a query with a space in it. So an event is put in order before the
//! library sees it. What makes no sense even then is left to the routes, which have the words to refuse it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::convert::Infallible;
use std::future::ready;
use std::time::{Instant, SystemTime};

use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use feedback_graphql::auth::{Scope, VerifiedIdentity};
use feedback_graphql::graphql::Code;
use feedback_graphql::http::{Deadline, RequestId};
use lambda_http::aws_lambda_events::alb::AlbTargetGroupRequest;
use lambda_http::aws_lambda_events::apigw::{ApiGatewayProxyRequest, ApiGatewayV2httpRequest};
use lambda_http::aws_lambda_events::query_map::QueryMap;
use lambda_http::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use lambda_http::request::{LambdaRequest, RequestContext};
use lambda_http::tower::ServiceExt;
use lambda_http::{Adapter, LambdaEvent, Request, RequestExt, Service, service_fn};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Serialize;
use serde_json::json;

/// The longest URI that a request can have. The front doors let through a quarter of it, or less.
const MAX_URI_BYTES: usize = 65_534;

/// What stands for itself neither in a path nor in a query. What is beyond ASCII never does.
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

/// The router, as a function of events.
pub fn answering(
    router: Router,
) -> impl Service<LambdaEvent<LambdaRequest>, Response = impl Serialize, Error = Infallible> {
    let service = router.map_request(prepare).map_response(join_repeated_headers);
    let mut service = Adapter::from(service);
    service_fn(move |mut event: LambdaEvent<LambdaRequest>| {
        if put_in_order(&mut event.payload) <= MAX_URI_BYTES {
            return service.call(event);
        }
        // Nothing may be left of it that the library could stumble over.
        event.payload = match event.payload {
            LambdaRequest::ApiGatewayV2(_) => LambdaRequest::ApiGatewayV2(ApiGatewayV2httpRequest::default()),
            LambdaRequest::Alb(_) => LambdaRequest::Alb(AlbTargetGroupRequest::default()),
            _ => LambdaRequest::ApiGatewayV1(ApiGatewayProxyRequest::default()),
        };
        Adapter::from(service_fn(|_: Request| ready(Ok(uri_too_long())))).call(event)
    })
}

fn uri_too_long() -> Response {
    let error = json!({
        "message": "the path and the query are too long for a request: send the operation by POST",
        "extensions": { "code": Code::BadRequest.as_str() },
    });
    (StatusCode::URI_TOO_LONG, Json(json!({ "errors": [error] }))).into_response()
}

/// Changes what the library could not take, or would take for something else, and nothing of what is meant.
/// Returns how many bytes the request's URI can have at most.
fn put_in_order(event: &mut LambdaRequest) -> usize {
    let (path, stage, query_bytes) = match event {
        LambdaRequest::ApiGatewayV1(event) => {
            event.request_context.domain_name = None;
            put_headers_in_order(&mut event.headers, &event.multi_value_headers);
            decode_body(event.body.as_mut(), &mut event.is_base64_encoded);
            let single = put_query_map_in_order(&mut event.query_string_parameters);
            let multi = put_query_map_in_order(&mut event.multi_value_query_string_parameters);
            (
                &mut event.path,
                event.request_context.stage.as_ref(),
                single.max(multi),
            )
        }
        LambdaRequest::ApiGatewayV2(event) => {
            event.request_context.domain_name = None;
            put_headers_in_order(&mut event.headers, &HeaderMap::new());
            decode_body(event.body.as_mut(), &mut event.is_base64_encoded);
            let query = event.raw_query_string.get_or_insert_default();
            percent_encode(query);
            (
                &mut event.raw_path,
                event.request_context.stage.as_ref(),
                query.len(),
            )
        }
        LambdaRequest::Alb(event) => {
            put_headers_in_order(&mut event.headers, &event.multi_value_headers);
            decode_body(event.body.as_mut(), &mut event.is_base64_encoded);
            let single = put_query_map_in_order(&mut event.query_string_parameters);
            let multi = put_query_map_in_order(&mut event.multi_value_query_string_parameters);
            (&mut event.path, None, single.max(multi))
        }
        // The library is built for these three.
        _ => return 0,
    };
    let path = path.get_or_insert_default();
    percent_encode(path);
    if !path.starts_with('/') {
        path.insert(0, '/');
    }
    let stage_bytes = stage.map_or(0, |stage| 3 * stage.len());
    "/".len() + stage_bytes + path.len() + "?".len() + query_bytes
}

/// Of the host and the protocol, which are what the client says they are, the library would make a URI; the
/// service asks for neither. And of a header that is there several times, it would use the last value alone.
fn put_headers_in_order(single: &mut HeaderMap, multi: &HeaderMap) {
    if multi.is_empty() {
        single.remove(header::HOST);
    } else {
        single.clear();
    }
}

/// Decodes a body in base64 that is text. Other bytes are left to the library; what is no base64 was not
/// encoded, whatever the event says.
fn decode_body(body: Option<&mut String>, is_base64_encoded: &mut bool) {
    if !*is_base64_encoded {
        return;
    }
    let Some(body) = body else { return };
    match BASE64.decode(&*body).map(String::from_utf8) {
        Ok(Ok(text)) => *body = text,
        Ok(Err(_)) => return,
        Err(_) => {}
    }
    *is_base64_encoded = false;
}

/// Takes out the names without a value. Returns how many bytes the written query can have at most.
fn put_query_map_in_order(map: &mut QueryMap) -> usize {
    if map.is_empty() {
        return 0;
    }
    // The map cannot be changed, and cannot be read name by name.
    let lists = serde_json::to_value(&*map).and_then(serde_json::from_value);
    let mut lists: HashMap<String, Vec<String>> = lists.unwrap_or_default();
    lists.retain(|_, values| !values.is_empty());
    let bytes = lists.iter().flat_map(|(name, values)| {
        let bytes = |value: &String| "&=".len() + 3 * (name.len() + value.len());
        values.iter().map(bytes)
    });
    let bytes = bytes.sum();
    *map = lists.into();
    bytes
}

/// Encodes the bytes that cannot stand in a path or a query as they are.
fn percent_encode(text: &mut String) {
    if let Cow::Owned(encoded) = utf8_percent_encode(text, NOT_PLAIN).into() {
        *text = encoded;
    }
}

/// Writes a header that is there several times as one line, which means the same (RFC 9110 §5.2). HTTP APIs,
/// Function URLs and load balancers take one value a name, and the library would send only the first.
fn join_repeated_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let repeated: Vec<HeaderName> = headers
        .keys()
        .filter(|name| headers.get_all(*name).iter().count() > 1)
        .cloned()
        .collect();
    for name in repeated {
        let values: Vec<&[u8]> = headers.get_all(&name).iter().map(HeaderValue::as_bytes).collect();
        if let Ok(joined) = HeaderValue::from_bytes(&values.join(b", ".as_slice())) {
            headers.insert(name, joined);
        }
    }
    response
}

/// Takes the stage off the path, and from the event the request's id, how long it may take, and who API Gateway
/// says it is from.
fn prepare(mut request: Request) -> Request {
    if let Some(identity) = request.request_context_ref().and_then(verified_identity) {
        request.extensions_mut().insert(identity);
    }
    if let Some(path) = path_below_stage(&request) {
        *request.uri_mut() = path;
    }
    if let Some(context) = request.lambda_context_ref() {
        let id = RequestId(context.request_id.clone());
        let left = context.deadline().duration_since(SystemTime::now());
        let deadline = Deadline(Instant::now() + left.unwrap_or_default());
        request.extensions_mut().insert(id);
        request.extensions_mut().insert(deadline);
    }
    request
}

/// Who an authorizer of API Gateway, or the IAM authorization of a Function URL, has verified.
///
/// With a JWT it is the subject, with the scopes in its `scope` claim and among its `cognito:groups`. An IAM
/// principal that the policies let through may do everything.
fn verified_identity(context: &RequestContext) -> Option<VerifiedIdentity> {
    let iam = |arn: &Option<String>| {
        let arn = arn.as_deref().filter(|arn| !arn.is_empty())?;
        Some(VerifiedIdentity {
            subject: arn.to_owned(),
            scope: Some(Scope::Manage),
        })
    };
    match context {
        RequestContext::ApiGatewayV2(context) => {
            let authorizer = context.authorizer.as_ref()?;
            if let Some(jwt) = &authorizer.jwt {
                return identity_of_claims(|claim| jwt.claims.get(claim).cloned());
            }
            iam(&authorizer.iam.as_ref()?.user_arn)
        }
        RequestContext::ApiGatewayV1(context) => {
            if let Some(claims) = context.authorizer.fields.get("claims") {
                return identity_of_claims(|claim| Some(claims.get(claim)?.as_str()?.to_owned()));
            }
            iam(&context.identity.user_arn)
        }
        _ => None,
    }
}

/// The identity in the claims of a token. API Gateway writes a list as `[one other]` or `one,other`.
fn identity_of_claims(claim: impl Fn(&str) -> Option<String>) -> Option<VerifiedIdentity> {
    let names = [claim("scope"), claim("cognito:groups")]
        .map(Option::unwrap_or_default)
        .join(" ");
    let names = names.split([' ', ',', '[', ']']).map(|name| match name {
        // Cognito puts a slash between the resource server and its scope.
        "feedback/read" => "feedback:read",
        "feedback/manage" => "feedback:manage",
        name => name,
    });
    Some(VerifiedIdentity {
        subject: claim("sub").filter(|subject| !subject.is_empty())?,
        scope: Scope::highest(names),
    })
}

/// The URI without the stage that the runtime's library put before the path, or that API Gateway left
/// there; `None` where there is no stage in it.
fn path_below_stage(request: &Request) -> Option<Uri> {
    let stage = match request.request_context_ref()? {
        RequestContext::ApiGatewayV1(context) => context.stage.as_deref(),
        RequestContext::ApiGatewayV2(context) => context.stage.as_deref(),
        _ => None,
    }?;
    let uri = request.uri();
    let path = uri.path().strip_prefix('/')?.strip_prefix(stage)?;
    if !path.is_empty() && !path.starts_with('/') {
        return None;
    }
    let path = if path.is_empty() { "/" } else { path };
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{path}{query}").parse().ok()
}
