//! A client in Rust, checked against `schema.graphql` when it is compiled.

use graphql_client::{GraphQLQuery, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::support::Server;

/// RFC 3339.
type DateTime = String;

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "tests/it/rust_client.graphql",
    response_derives = "Debug, PartialEq"
)]
struct Submit;

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "tests/it/rust_client.graphql",
    response_derives = "Debug, PartialEq"
)]
struct Latest;

async fn post<V: Serialize, D: DeserializeOwned>(server: &Server, body: graphql_client::QueryBody<V>) -> D {
    let answer = server.send(server.request("POST", "/graphql").json(&body)).await;
    let answer: Response<D> = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(answer.errors, None);
    answer.data.expect("data")
}

async fn submit(server: &Server, message: &str, rating: i64) -> submit::SubmitSubmitFeedback {
    let input = submit::SubmitFeedbackInput {
        trap: Some(String::new()),
        elapsed_ms: Some(4_200),
        message: message.to_owned(),
        rating: Some(rating),
        metadata: Some(vec![submit::FeedbackMetadataInput {
            key: "client".to_owned(),
            value: "rust".to_owned(),
        }]),
        email: None,
        idempotency_key: None,
        page_url: None,
        topic: None,
    };
    let body = Submit::build_query(submit::Variables { input });
    let data: submit::ResponseData = post(server, body).await;
    data.submit_feedback.expect("a payload")
}

#[tokio::test]
async fn a_typed_client_submits_pages_and_reads_user_errors() {
    let server = Server::start().await;
    for n in 0..3 {
        let payload = submit(&server, &format!("planted {n}"), 5).await;
        assert!(payload.feedback.is_some() && payload.user_errors.is_empty());
    }
    let refused = submit(&server, "planted", 6).await;
    assert_eq!(refused.feedback, None);
    assert_eq!(
        refused.user_errors[0].code,
        submit::SubmitFeedbackErrorCode::OUT_OF_RANGE
    );
    assert_eq!(refused.user_errors[0].field, ["rating"]);

    let (mut after, mut messages) = (None, Vec::new());
    loop {
        let body = Latest::build_query(latest::Variables { first: 2, after });
        let data: latest::ResponseData = post(&server, body).await;
        let page = data.feedbacks.expect("a page");
        for node in page.nodes {
            assert_eq!(node.metadata[0].value, "rust");
            assert_eq!(node.submitted_at, "2026-03-01T09:30:00.250Z");
            messages.push(node.message);
        }
        if !page.page_info.has_next_page {
            break;
        }
        after = page.page_info.end_cursor;
    }
    messages.sort();
    assert_eq!(messages, ["planted 0", "planted 1", "planted 2"]);
}
