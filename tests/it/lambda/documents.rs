//! Trusted documents of a function.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{authorized, options};
use crate::support::Store;
use crate::support::events::{EventKind, HttpAnswer, HttpCall, event};
use crate::support::lambda::Lambda;

const LIST: &str = "query List { feedbacks { nodes { message } } }";
const SUBMIT: &str =
    "mutation Submit { submitFeedback(input: { message: \"By id.\" }) { feedback { message } } }";

/// A folder with a file of these documents, and the path of the file.
fn file(documents: &Value) -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("documents.json");
    fs::write(&path, documents.to_string()).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

#[tokio::test]
async fn a_function_executes_the_documents_in_its_file_alone_for_people_and_for_staff() {
    let store = Store::new().await;
    let (_folder, path) = file(&json!({ "list": LIST, "submit": SUBMIT }));
    let options = options(&store)
        .with("FEEDBACK_DOCUMENTS", &path)
        .with("FEEDBACK_ARBITRARY_DOCUMENTS", "nobody")
        .with("FEEDBACK_LOG", "debug");
    let lambda = Lambda::start(options).await;
    // What it executes in advance is no caller's.
    assert!(lambda.log_line("warmed up").await.contains("\"is_warm\":true"));

    let submit = HttpCall::post_json("/graphql", &json!({ "documentId": "submit" }));
    let answer = lambda.call(EventKind::HttpApi, &submit).await;
    let data = &answer.json()["data"]["submitFeedback"]["feedback"];
    assert_eq!(*data, json!({ "message": "By id." }));
    let line = lambda.log_line("\"request\"").await;
    assert!(line.contains("\"operation\":\"Submit\""), "{line}");

    let staff = json!({ "jwt": { "claims": { "sub": "ana", "scope": "feedback:read" }, "scopes": null } });
    let by_text = authorized(EventKind::HttpApi, "/staff/graphql", LIST, &staff);
    let mut by_id = event(
        EventKind::HttpApi,
        &HttpCall::post_json("/staff/graphql", &json!({ "documentId": "list" })),
    );
    by_id["requestContext"]["authorizer"] = staff.clone();
    let mut other = authorized(EventKind::HttpApi, "/staff/graphql", "{ __typename }", &staff);
    other["requestContext"]["authorizer"] = staff;
    for (event, expected) in [(by_id, 200), (by_text, 200), (other, 403)] {
        let payload = lambda.invoke(event).await.unwrap();
        let answer = HttpAnswer::parse(EventKind::HttpApi, &payload);
        assert_eq!(answer.status, expected, "{:?}", answer.json());
        if expected == 200 {
            let nodes = &answer.json()["data"]["feedbacks"]["nodes"];
            assert_eq!(*nodes, json!([{ "message": "By id." }]));
        }
    }
}

#[tokio::test]
async fn the_log_says_which_requests_have_another_document() {
    let store = Store::new().await;
    let (_folder, path) = file(&json!({ "submit": SUBMIT }));
    let other = HttpCall::post_json("/graphql", &json!({ "query": format!("{SUBMIT} # other") }));
    let by_id = HttpCall::post_json("/graphql", &json!({ "documentId": "submit" }));
    let by_text = HttpCall::post_json("/graphql", &json!({ "query": SUBMIT }));
    let mentioned = "\"arbitrary_document\":true";
    for (options, call, is_mentioned) in [
        (options(&store).with("FEEDBACK_DOCUMENTS", &path), &other, true),
        (options(&store).with("FEEDBACK_DOCUMENTS", &path), &by_id, false),
        (options(&store).with("FEEDBACK_DOCUMENTS", &path), &by_text, false),
        (options(&store), &other, false),
    ] {
        let lambda = Lambda::start(options).await;
        assert_eq!(lambda.call(EventKind::HttpApi, call).await.status, 200);
        let line = lambda.log_line("\"request\"").await;
        assert_eq!(line.contains(mentioned), is_mentioned, "{line}");
    }
}

#[tokio::test]
async fn a_wrong_file_ends_the_start_with_a_sentence() {
    let store = Store::new().await;
    let (_folder, path) = file(&json!({ "list": "{ votes }" }));
    for (options, expected) in [
        (
            options(&store).with("FEEDBACK_DOCUMENTS", &path),
            format!(
                "FEEDBACK_DOCUMENTS is {path:?}: the document \"list\" is not valid: type `Query` does not have a \
                 field `votes` (line 1, column 3)"
            ),
        ),
        (
            options(&store).with("FEEDBACK_DOCUMENTS", "/opt/lost.json"),
            "FEEDBACK_DOCUMENTS is \"/opt/lost.json\": the file cannot be read: No such file or directory (os error 2)"
                .to_owned(),
        ),
        (
            options(&store).with("FEEDBACK_ARBITRARY_DOCUMENTS", "nobody"),
            "FEEDBACK_ARBITRARY_DOCUMENTS other than everyone requires trusted documents: let FEEDBACK_DOCUMENTS name a \
             file with them"
                .to_owned(),
        ),
        (
            options(&store).with("FEEDBACK_ARBITRARY_DOCUMENTS", "staff"),
            "FEEDBACK_ARBITRARY_DOCUMENTS is \"staff\": expected everyone, credentialed or nobody".to_owned(),
        ),
    ] {
        let (status, lines) = Lambda::start_expecting_exit(options).await;
        assert_eq!((status.code(), lines), (Some(1), vec![expected]));
    }
}
