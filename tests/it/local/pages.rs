//! The start page, the form and the inbox, as a laptop serves them.

use reqwest::{Client, Response, StatusCode};

use super::{Local, exchange};

async fn get(server: &Local, path: &str) -> Response {
    let url = format!("http://{}{path}", server.address("Start"));
    Client::new().get(url).send().await.unwrap()
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn the_start_page_has_the_form_beside_the_inbox_and_loads_only_its_own() {
    let server = Local::start(&["--in-memory"]).await;
    assert!(server.line("Inbox").ends_with("/inbox.html"));
    for (path, content_type) in [
        ("/", "text/html; charset=utf-8"),
        ("/inbox.html", "text/html; charset=utf-8"),
        ("/inbox/style.css", "text/css; charset=utf-8"),
        ("/inbox/icon.svg", "image/svg+xml"),
        ("/feedback-form.js", "text/javascript; charset=utf-8"),
        ("/schema.graphql", "text/plain; charset=utf-8"),
        ("/docs/web.md", "text/plain; charset=utf-8"),
    ] {
        let answer = get(&server, path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        assert_eq!(header(&answer, "content-type"), content_type, "{path}");
        assert_eq!(header(&answer, "x-content-type-options"), "nosniff", "{path}");
        let policy = header(&answer, "content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'; "),
            "{policy}"
        );
        assert!(policy.ends_with("; frame-ancestors 'self'"), "{policy}");
        for unsafe_source in ["unsafe", "*", "http", "data:"] {
            assert!(!policy.contains(unsafe_source), "{policy}");
        }
    }
    let start = get(&server, "/").await.text().await.unwrap();
    for part in [
        "<feedback-form endpoint=\"graphql\"",
        "<iframe src=\"inbox.html\"",
    ] {
        assert!(start.contains(part), "{part}");
    }
    server.stop().await;
}

#[tokio::test]
async fn the_start_page_leads_to_the_explorer_where_there_is_one() {
    for (arguments, has_explorer) in [
        (&["--in-memory"] as &[&str], true),
        (&["--in-memory", "--no-explorer"], false),
    ] {
        let server = Local::start(arguments).await;
        let start = get(&server, "/").await.text().await.unwrap();
        assert_eq!(start.contains("href=\"graphql\""), has_explorer);
        assert!(start.contains("href=\"schema.graphql\""));
    }
}

#[tokio::test]
async fn everything_else_is_answered_by_the_service() {
    let server = Local::start(&["--in-memory"]).await;
    let url = |path: &str| format!("http://{}{path}", server.address("Start"));
    let body = r#"{"query": "{ __typename }"}"#;
    let post = |path| {
        let request = Client::new()
            .post(url(path))
            .header("content-type", "application/json");
        request.body(body).send()
    };
    let answer = post("/").await.unwrap();
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert!(answer.text().await.unwrap().contains("method not allowed"));
    assert_eq!(post("/graphql").await.unwrap().status(), StatusCode::OK);
    let missing = get(&server, "/inbox").await;
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    assert!(missing.text().await.unwrap().contains("/graphql"));
}

#[tokio::test]
async fn no_page_is_served_to_a_name_that_leads_to_this_machine() {
    let server = Local::start(&["--in-memory"]).await;
    for path in ["/", "/inbox.html", "/docs/web.md"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
        let answer = exchange(server.address("Start"), &request).await;
        assert!(answer.starts_with("HTTP/1.1 421 "), "{answer}");
    }
}
