//! The service on AWS Lambda: wiring, nothing else.
//!
//! Client, schema and router are made once, before the first event is asked for. The events of HTTP APIs,
//! REST APIs, Function URLs and load balancers all arrive as HTTP requests.

use std::env;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use feedback_graphql::auth::{self, Access, ApiKeys, Scope, VerifiedIdentity};
use feedback_graphql::config::Config;
use feedback_graphql::domain::Clock;
use feedback_graphql::graphql::{Introspection, schema};
use feedback_graphql::http::explorer::Source;
use feedback_graphql::http::{Deadline, Options, RequestId, Service, router};
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
    let repository = FeedbackRepository::new(client, &config.table, config.timeline_shards)
        .retaining_for(config.retention);
    let api_keys = config.api_keys_secret.as_deref().map(|id| auth::secret(id, None));
    let api_keys = api_keys.map(|source| ApiKeys::new(source, Clock::System));
    let service = Service {
        schema: schema(config.introspection),
        repository,
        clock: Clock::System,
        access: Arc::new(Access::Guarded(api_keys)),
    };
    let options = Options {
        allowed_origins: config.allowed_origins,
        explorer: config.explorer.then_some(Source::Cdn),
        introspection: config.introspection == Introspection::On,
        limits: config.limits,
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
