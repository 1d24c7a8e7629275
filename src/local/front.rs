//! The only way to the embedded engine: through a server that keeps browsers out.
//!
//! The engine's own server takes any signature and lets pages of every origin read what it answers, and its
//! library has no other way in for HTTP requests. So no port of it stays open: for each connection it is given
//! one for the instant that it takes to connect to it from here.

use std::error::Error;
use std::net::Ipv4Addr;
use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, Version, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use dynoxide::Database;
use dynoxide::server::serve_with_shutdown;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, oneshot};

use super::hosts::{Hosts, Refusal};

/// Every browser sends one of them with every request that a page can make it send, and no other client does.
const OF_BROWSERS: [HeaderName; 2] = [header::ORIGIN, HeaderName::from_static("sec-fetch-site")];

/// Idle connections to the engine that are kept; a new one takes less than a millisecond.
const IDLE: usize = 8;

type AnyError = Box<dyn Error + Send + Sync>;

struct Front {
    database: Database,
    idle: Mutex<Vec<SendRequest<Body>>>,
}

/// Passes requests on to the engine, except those that may be a web page's.
pub(super) fn router(database: Database) -> Router {
    let front = Front {
        database,
        idle: Mutex::default(),
    };
    Router::new()
        .fallback(forward)
        .with_state(Arc::new(front))
        .layer(from_fn(keep_pages_out))
}

async fn keep_pages_out(request: Request, next: Next) -> Response {
    if OF_BROWSERS
        .iter()
        .any(|name| request.headers().contains_key(name))
    {
        let message =
            "the embedded engine does not answer web pages: what carries Origin or Sec-Fetch-Site is refused";
        return refused(StatusCode::FORBIDDEN, message);
    }
    match Hosts::default().check(&request) {
        Ok(()) => next.run(request).await,
        Err(refusal) => {
            let message = match refusal {
                Refusal::NotOneHost => "a request needs one Host header, and no more",
                Refusal::OtherHost => {
                    "the embedded engine answers only where the Host header is localhost or a loopback address"
                }
            };
            refused(refusal.status(), message)
        }
    }
}

async fn forward(State(front): State<Arc<Front>>, request: Request) -> Response {
    front.send(request).await.unwrap_or_else(|error| {
        tracing::error!(error, "the embedded engine did not answer");
        error_response(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalServerError",
            "internal error",
        )
    })
}

impl Front {
    async fn send(&self, mut request: Request) -> Result<Response, AnyError> {
        // These are the client's connection's own.
        request.headers_mut().remove(header::CONNECTION);
        *request.version_mut() = Version::HTTP_11;
        let mut engine = self.connection().await?;
        let (parts, body) = engine.send_request(request).await?.into_parts();
        let body = to_bytes(Body::new(body), usize::MAX).await?;
        let mut idle = self.idle.lock().await;
        if idle.len() < IDLE {
            idle.push(engine);
        }
        Ok(Response::from_parts(parts, Body::from(body)))
    }

    /// An idle connection, or a new one.
    async fn connection(&self) -> Result<SendRequest<Body>, AnyError> {
        let idle = self.idle.lock().await.pop();
        if let Some(mut engine) = idle
            && engine.ready().await.is_ok()
        {
            return Ok(engine);
        }
        connect(&self.database).await
    }
}

/// Opens a connection to the engine's own server, which lives as long as the connection.
async fn connect(database: &Database) -> Result<SendRequest<Body>, AnyError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let stream = TcpStream::connect(listener.local_addr()?).await?;
    stream.set_nodelay(true)?;
    let (mut engine, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let (closing, closed) = oneshot::channel::<()>();
    tokio::spawn(async move {
        let _ = connection.await;
        drop(closing);
    });
    let mut server = pin!(serve_with_shutdown(listener, database.clone(), async {
        let _ = closed.await;
    }));
    // It accepts connections only here, and serves them in tasks of their own: once it has answered, it is
    // dropped, and its port with it.
    tokio::select! {
        answer = engine.send_request(axum::http::Request::new(Body::empty())) => {
            to_bytes(Body::new(answer?.into_body()), usize::MAX).await?;
            Ok(engine)
        }
        ended = &mut server => Err(ended.err().unwrap_or_else(|| "it has stopped".to_owned()).into()),
    }
}

fn refused(status: StatusCode, message: &str) -> Response {
    error_response(status, "AccessDeniedException", message)
}

/// As DynamoDB writes errors, so that its clients show them.
fn error_response(status: StatusCode, kind: &str, message: &str) -> Response {
    let body = json!({ "__type": format!("com.amazon.coral.service#{kind}"), "message": message });
    let content_type = HeaderValue::from_static("application/x-amz-json-1.0");
    (status, [(header::CONTENT_TYPE, content_type)], body.to_string()).into_response()
}
