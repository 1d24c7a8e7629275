//! The service on AWS Lambda: wiring, nothing else.
//!
//! Client, schema and router are made once, before the first event is asked for. The events of HTTP APIs,
//! REST APIs, Function URLs and load balancers all arrive as HTTP requests.

use std::env;
use std::process::ExitCode;

use feedback_graphql::config::Config;
use feedback_graphql::domain::Clock;
use feedback_graphql::http::explorer::Source;
use feedback_graphql::http::{Options, RequestId, Service, router};
use feedback_graphql::logging;
use feedback_graphql::repository::{self, FeedbackRepository};
use lambda_http::http::{HeaderName, HeaderValue, Response, Uri};
use lambda_http::request::RequestContext;
use lambda_http::tower::ServiceExt;
use lambda_http::{Error, Request, RequestExt};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let config = match Config::read(|name| env::var(name).ok()) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    logging::start(config.log, logging::Format::Json);
    match run(config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the Lambda runtime ended");
            ExitCode::FAILURE
        }
    }
}

async fn run(config: Config) -> Result<(), Error> {
    let client = repository::connect().await;
    let service = Service {
        schema: feedback_graphql::graphql::schema(),
        repository: FeedbackRepository::new(client, &config.table, config.timeline_shards),
        clock: Clock::System,
    };
    let options = Options {
        allowed_origins: config.allowed_origins,
        explorer: config.explorer.then_some(Source::Cdn),
    };
    let service = router(service, options)
        .map_request(prepare)
        .map_response(join_repeated_headers);
    lambda_http::run(service).await
}

/// Writes a header that is there several times as one line, which means the same (RFC 9110 §5.2). HTTP APIs,
/// Function URLs and load balancers take one value a name, and the library would send only the first.
fn join_repeated_headers<B>(mut response: Response<B>) -> Response<B> {
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

/// Takes the stage off the path, and the request's id from the event.
fn prepare(mut request: Request) -> Request {
    if let Some(path) = path_below_stage(&request) {
        *request.uri_mut() = path;
    }
    if let Some(context) = request.lambda_context_ref() {
        let id = RequestId(context.request_id.clone());
        request.extensions_mut().insert(id);
    }
    request
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
