//! HTTP/1.1 on a socket, within bounds that `axum::serve` does not have: clients that send half a request, or
//! none, neither stay for ever nor keep others out.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore, oneshot, watch};
use tokio::time::{sleep, timeout};

use crate::domain::ClientAddress;
use crate::http::plain_error;

/// Open connections at a time. With as many at each of a laptop's two ports, and as many from the service to the
/// engine, there is room left below 256, the number of files that a process may usually open on macOS.
const CONNECTIONS: u32 = 64;

/// How long a client may take to send the head of a request, or its body. It may be idle for as long.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an answered connection may take to send what it still has when the server stops.
const LINGER: Duration = Duration::from_secs(1);

/// Until the next attempt where the system accepts no connection.
const PAUSE: Duration = Duration::from_millis(5);

/// The address of this machine that a request arrived at, among a request's extensions.
#[derive(Debug, Clone, Copy)]
pub(super) struct LocalAddress(pub(super) IpAddr);

/// Connections know each other only by these.
#[derive(Clone)]
struct Crowd {
    /// One for each connection that may be open.
    places: Arc<Semaphore>,
    /// Tells the one that has run no request for the longest time to make room.
    too_many: Arc<Notify>,
    /// Whether the server is stopping.
    stopping: watch::Receiver<bool>,
}

/// Serves the router until `stop` resolves and running requests are answered.
///
/// A client has 10 s for the head of a request and as long for its body; a connection without a request is
/// closed after the same time, or as soon as 64 are open and another client needs its place.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    let router = router.layer(from_fn(time_body));
    let (tell, stopping) = watch::channel(false);
    let crowd = Crowd {
        places: Arc::new(Semaphore::new(CONNECTIONS as usize)),
        too_many: Arc::default(),
        stopping,
    };
    tokio::select! {
        () = stop => {}
        never = accept(&listener, &router, &crowd) => match never {},
    }
    drop((listener, router));
    tell.send_replace(true);
    // All places are free when all connections are closed.
    let _ = crowd.places.acquire_many(CONNECTIONS).await;
}

async fn accept(listener: &TcpListener, router: &Router, crowd: &Crowd) -> Infallible {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // The likeliest reason is that no more files may be open.
            crowd.too_many.notify_one();
            sleep(PAUSE).await;
            continue;
        };
        if crowd.places.available_permits() == 0 {
            crowd.too_many.notify_one();
        }
        // Never closed.
        let Ok(place) = crowd.places.clone().acquire_owned().await else {
            continue;
        };
        let (router, crowd) = (router.clone(), crowd.clone());
        tokio::spawn(async move {
            converse(stream, router, crowd).await;
            drop(place);
        });
    }
}

/// Answers the requests of one connection, until it is closed.
async fn converse(stream: TcpStream, router: Router, mut crowd: Crowd) {
    let (Ok(address), Ok(peer)) = (stream.local_addr(), stream.peer_addr()) else {
        return;
    };
    // Answers are written at once: there is nothing to wait for.
    let _ = stream.set_nodelay(true);
    let (busy, mut is_busy) = watch::channel(false);
    let router = TowerToHyperService::new(router);
    let service = service_fn(|mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(LocalAddress(address.ip()));
        request.extensions_mut().insert(ClientAddress::from(peer.ip()));
        busy.send_replace(true);
        let response = router.call(request);
        async {
            let response = response.await;
            busy.send_replace(false);
            response
        }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(READ_TIMEOUT)
            .serve_connection(TokioIo::new(stream), service)
    );
    tokio::select! {
        _ = connection.as_mut() => return,
        () = has_to_go(&mut is_busy, &crowd.too_many) => return,
        _ = crowd.stopping.wait_for(|stopping| *stopping) => {}
    }
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        _ = connection => {}
        () = async {
            let _ = is_busy.wait_for(|busy| !busy).await;
            sleep(LINGER).await;
        } => {}
    }
}

/// Resolves when a connection runs no request while others wait for a place: it is idle, half sent, or read too
/// slowly.
async fn has_to_go(is_busy: &mut watch::Receiver<bool>, too_many: &Notify) {
    loop {
        let _ = is_busy.wait_for(|busy| !busy).await;
        tokio::select! {
            () = too_many.notified() => return,
            _ = is_busy.changed() => {}
        }
    }
}

/// Answers in place of a handler that waits for the rest of a body too long.
async fn time_body(request: Request, next: Next) -> Response {
    if hyper::body::Body::is_end_stream(request.body()) {
        return next.run(request).await;
    }
    // Dropped with the body, by a handler that has read it, or does not want to.
    let (held, released) = oneshot::channel::<Infallible>();
    let request = request.map(|body| {
        let chunks = body.into_data_stream();
        Body::from_stream(chunks.inspect(move |_| {
            let _ = &held;
        }))
    });
    let mut response = pin!(next.run(request));
    tokio::select! {
        response = &mut response => return response,
        waited = timeout(READ_TIMEOUT, released) => if waited.is_err() {
            let message = "the body of the request did not arrive within 10 seconds";
            let response = plain_error(StatusCode::REQUEST_TIMEOUT, message);
            return ([(header::CONNECTION, "close")], response).into_response();
        },
    }
    response.await
}
