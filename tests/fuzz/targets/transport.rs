//! The bytes of an HTTP request, nearly as HTTP/1.1 has them: a line with the method, the target and `HTTP`, a line
//! for each header, an empty line, the body.
#![no_main]

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use feedback_fuzz::{Answer, expand, send, with_guarded, with_open};
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|bytes: &[u8]| -> Corpus {
    if request(bytes).is_none() {
        return Corpus::Reject;
    }
    let ask = async |router| {
        let request = request(bytes).expect("it was one a moment ago");
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        check(&method, &path, &send(&router, request).await);
    };
    with_open(ask);
    with_guarded(ask);
    Corpus::Keep
});

/// The request that these bytes are; `None` where HTTP itself would not let it through.
fn request(bytes: &[u8]) -> Option<Request<Body>> {
    let (head, body) = split_once(bytes, b"\n\n")?;
    let mut lines = head.split(|byte| *byte == b'\n');
    let (method, target) = split_once(lines.next()?, b" ")?;
    let target = std::str::from_utf8(target).ok()?.strip_suffix(" HTTP")?;
    let mut request = Request::builder().method(method).uri(expand(target));
    for line in lines {
        let (name, value) = split_once(line, b": ")?;
        request = request.header(name, value);
    }
    let body = match std::str::from_utf8(body) {
        Ok(text) => expand(text).into_bytes(),
        Err(_) => body.to_vec(),
    };
    request.body(body.into()).ok()
}

fn split_once<'a>(bytes: &'a [u8], separator: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = bytes
        .windows(separator.len())
        .position(|window| window == separator)?;
    Some((&bytes[..at], &bytes[at + separator.len()..]))
}

fn check(method: &Method, path: &str, answer: &Answer) {
    for name in ["x-request-id", "x-content-type-options", "cache-control"] {
        assert!(answer.headers.contains_key(name), "no {name}: {answer:?}");
    }
    let is_html = answer
        .headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind == "text/html; charset=utf-8");
    if method == Method::HEAD || is_html || answer.body.is_empty() {
        return;
    }
    let is_graphql = matches!(path, "/graphql" | "/staff/graphql")
        && [Method::GET, Method::POST].contains(method)
        && answer.status != StatusCode::NOT_FOUND;
    if is_graphql {
        answer.graphql();
    } else {
        let body = answer.json();
        let text = if answer.status.is_success() {
            &body["message"]
        } else {
            &body["error"]
        };
        assert!(text.as_str().is_some_and(|text| !text.is_empty()), "{answer:?}");
    }
}
