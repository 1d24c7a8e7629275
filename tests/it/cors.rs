//! Which pages of other origins may use the service from a browser.

use serde_json::json;

use crate::support::{Answer, Server};

async fn preflight(server: &Server, path: &str, origin: &str) -> Answer {
    let request = server
        .request("OPTIONS", path)
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type,x-client-version");
    server.send(request).await
}

async fn post(server: &Server, origin: &str) -> Answer {
    let body = json!({ "query": "{ __typename }" });
    let request = server
        .request("POST", "/graphql")
        .header("origin", origin)
        .json(&body);
    server.send(request).await
}

#[tokio::test]
async fn an_allowed_origin_may_ask_and_read() {
    let server = Server::allowing("https://app.example.org, http://localhost:3000").await;
    for origin in ["https://app.example.org", "http://localhost:3000"] {
        for path in ["/graphql", "/feedback"] {
            let answer = preflight(&server, path, origin).await;
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
            assert_eq!(answer.header("access-control-allow-methods"), Some("GET,POST"));
            assert_eq!(
                answer.header("access-control-allow-headers"),
                Some("content-type,x-client-version")
            );
            assert_eq!(answer.header("access-control-allow-credentials"), None);
        }
        let answer = post(&server, origin).await;
        assert_eq!(
            (answer.status, answer.header("access-control-allow-origin")),
            (200, Some(origin))
        );
        assert_eq!(
            answer.header("access-control-expose-headers"),
            Some("x-request-id,retry-after")
        );
    }
}

#[tokio::test]
async fn any_other_origin_may_not() {
    let server = Server::allowing("https://app.example.org").await;
    for origin in [
        "https://example.org",
        "http://app.example.org",
        "https://app.example.org.evil.example",
        "null",
    ] {
        let preflight = preflight(&server, "/graphql", origin).await;
        assert_eq!(preflight.header("access-control-allow-origin"), None, "{origin}");
        assert_eq!(
            post(&server, origin).await.header("access-control-allow-origin"),
            None,
            "{origin}"
        );
    }
}

#[tokio::test]
async fn without_allowed_origins_no_page_is_let_in_and_with_a_star_every_one() {
    let closed = Server::start().await;
    let answer = preflight(&closed, "/graphql", "https://app.example.org").await;
    assert_eq!(
        (answer.status, answer.header("access-control-allow-origin")),
        (405, None)
    );
    let open = Server::allowing("*").await;
    let answer = preflight(&open, "/graphql", "https://app.example.org").await;
    assert_eq!(
        (answer.status, answer.header("access-control-allow-origin")),
        (200, Some("*"))
    );
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_can_read_every_answer() {
    let server = Server::allowing("https://app.example.org").await;
    for (path, body) in [
        ("/graphql", "{"),
        ("/graphql", "{}"),
        ("/feedback", "{"),
        ("/nothing", ""),
    ] {
        let request = server
            .request("POST", path)
            .header("origin", "https://app.example.org")
            .header("content-type", "application/json")
            .body(body);
        let answer = server.send(request).await;
        assert!(answer.status >= 400, "{path} {body}");
        assert_eq!(
            answer.header("access-control-allow-origin"),
            Some("https://app.example.org"),
            "{path} {body}"
        );
    }
}
