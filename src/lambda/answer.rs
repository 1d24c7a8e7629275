//! The router's response as the JSON that the event's source expects, written by `lambda_http`.

use std::convert::Infallible;
use std::future::ready;

use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use lambda_http::aws_lambda_events::alb::AlbTargetGroupRequest;
use lambda_http::aws_lambda_events::apigw::{ApiGatewayProxyRequest, ApiGatewayV2httpRequest};
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Context, LambdaEvent, Request, Service, service_fn};
use serde::Serialize;

use super::event::Front;

/// The response to an event from this source.
pub(super) async fn write(
    response: Response,
    front: Front,
    context: Context,
) -> Result<impl Serialize + use<>, Infallible> {
    // The library writes for the source of its event, whose content does not matter here.
    let event = match front {
        Front::Payload1 => LambdaRequest::ApiGatewayV1(ApiGatewayProxyRequest::default()),
        Front::Payload2 => LambdaRequest::ApiGatewayV2(ApiGatewayV2httpRequest::default()),
        Front::LoadBalancer => LambdaRequest::Alb(AlbTargetGroupRequest::default()),
    };
    let mut response = Some(join_repeated_headers(response));
    let answered = service_fn(|_: Request| ready(Ok(response.take().unwrap_or_default())));
    Adapter::from(answered)
        .call(LambdaEvent::new(event, context))
        .await
}

/// Joins a repeated header into one line, which is equivalent (RFC 9110 §5.2). HTTP APIs, Function URLs and load
/// balancers take one value a name, and the library would send only the first.
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
