//! Trusted documents on a laptop.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Local, command, fails, path};

const LIST: &str = "{ feedbacks { nodes { id } } }";

async fn answer(local: &Local, path: &str, authorization: &str, body: &Value) -> (u16, Value) {
    let graphql = local.line("GraphQL").replace("/graphql", path);
    let request = reqwest::Client::new().post(graphql).json(body);
    let request = if authorization.is_empty() {
        request
    } else {
        request.header("authorization", authorization)
    };
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn documents_come_from_a_file_by_option_and_by_variable() {
    let folder = TempDir::new().unwrap();
    let file = path(&folder, "documents.json");
    fs::write(&file, json!({ "list": LIST }).to_string()).unwrap();
    let (by_id, text) = (
        json!({ "documentId": "list" }),
        json!({ "query": "{ __typename }" }),
    );

    let options = [
        "--in-memory",
        "--documents",
        &file,
        "--arbitrary-documents=nobody",
    ];
    let local = Local::start(&options).await;
    for path in ["/graphql", "/staff/graphql"] {
        assert_eq!(
            answer(&local, path, "", &by_id).await.1,
            json!({ "data": { "feedbacks": { "nodes": [] } } })
        );
        let (status, refused) = answer(&local, path, "", &text).await;
        assert_eq!(status, 403);
        assert_eq!(
            refused["errors"][0]["extensions"]["code"],
            "QUERY_NOT_IN_SAFELIST"
        );
    }
    local.stop().await;

    let mut guarded = command(&["--in-memory", "--require-auth"]);
    guarded.env("FEEDBACK_DOCUMENTS", &file);
    guarded.env("FEEDBACK_ARBITRARY_DOCUMENTS", "credentialed");
    let local = Local::run(&mut guarded).await;
    let bearer = local.line("Authorization:").to_owned();
    assert_eq!(answer(&local, "/graphql", "", &text).await.0, 403);
    assert_eq!(answer(&local, "/graphql", &bearer, &text).await.0, 200);
    local.stop().await;

    // Where no credential is required, everybody is as if they had one.
    let options = [
        "--in-memory",
        "--documents",
        &file,
        "--arbitrary-documents=credentialed",
    ];
    let local = Local::start(&options).await;
    assert_eq!(answer(&local, "/graphql", "", &text).await.0, 200);
    local.stop().await;
}

#[tokio::test]
async fn a_wrong_file_is_told_by_a_sentence() {
    let folder = TempDir::new().unwrap();
    let file = path(&folder, "documents.json");
    fs::write(&file, json!({ "list": "{ votes }" }).to_string()).unwrap();
    assert_eq!(
        fails(&["--in-memory", "--documents", &file]).await,
        format!(
            "error: FEEDBACK_DOCUMENTS is {file:?}: the document \"list\" is not valid: type `Query` does not have a \
             field `votes` (line 1, column 3)"
        )
    );
    assert_eq!(
        fails(&["--in-memory", "--arbitrary-documents=nobody"]).await,
        "error: FEEDBACK_ARBITRARY_DOCUMENTS other than everyone requires trusted documents: let FEEDBACK_DOCUMENTS name \
         a file with them"
    );
}
