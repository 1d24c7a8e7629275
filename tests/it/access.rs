//! Who may do what.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};
use feedback_graphql::auth::{ApiKeys, Authenticator, NewKey, Scope, make_key, secret};
use feedback_graphql::aws;
use feedback_graphql::domain::Clock;
use feedback_graphql::graphql::sdl;
use feedback_graphql::http::Options;
use serde_json::{Value, json};

use crate::support::secrets::Secrets;
use crate::support::{Answer, NOW, Server, Store};

const SUBMIT: &str =
    "mutation { submitFeedback(input: { message: \"planted\" }) { feedback { id message } } }";
const LIST: &str = "{ feedbacks { nodes { id } } }";

/// A guarded server with a key of each kind.
struct Guarded {
    server: Server,
    keys: Arc<std::sync::Mutex<Option<String>>>,
    now: Arc<AtomicU64>,
    reader: NewKey,
    manager: NewKey,
}

impl Guarded {
    async fn start() -> Self {
        let reader = make_key("reader", &[Scope::Read]).unwrap();
        let manager = make_key("manager", &[Scope::Manage]).unwrap();
        let keys = Arc::new(std::sync::Mutex::new(Some(text(&[&reader, &manager]))));
        let now = Arc::new(AtomicU64::new(NOW));
        let source = Arc::clone(&keys);
        let api_keys = ApiKeys::new(
            Arc::new(move || {
                let keys = source.lock().unwrap().clone();
                Box::pin(async move { keys.ok_or_else(|| "down".to_owned()) })
            }),
            Clock::Manual(Arc::clone(&now)),
        );
        let access = Authenticator::Guarded(Some(api_keys));
        Self {
            server: Server::guarded(Store::new().await, Options::default(), access).await,
            keys,
            now,
            reader,
            manager,
        }
    }

    async fn post(&self, path: &str, query: &str, authorization: &[&str]) -> Answer {
        let mut request = self
            .server
            .request("POST", path)
            .header("accept", "application/graphql-response+json")
            .json(&json!({ "query": query }));
        for value in authorization {
            request = request.header("authorization", *value);
        }
        self.server.send(request).await
    }

    async fn post_with(&self, query: &str, key: &NewKey) -> Answer {
        self.post("/graphql", query, &[&format!("Bearer {}", key.token)])
            .await
    }
}

fn text(keys: &[&NewKey]) -> String {
    let entries: Vec<&str> = keys.iter().map(|key| key.entry.as_str()).collect();
    format!("{{\"keys\": [{}]}}", entries.join(","))
}

/// The status and the code of an answer that has no data.
#[track_caller]
fn refusal(answer: &Answer) -> (u16, String) {
    let body = answer.json();
    assert_eq!(body.get("data"), None, "{body}");
    let code = body["errors"][0]["extensions"]["code"].as_str().unwrap();
    (answer.status, code.to_owned())
}

/// An operation for each field of a type of the root, with what the field has to be given.
fn operations(operation: &str, type_name: &str) -> Vec<String> {
    let document = parse_schema(sdl()).unwrap();
    let mut operations = Vec::new();
    for definition in document.definitions {
        let TypeSystemDefinition::Type(definition) = definition else {
            continue;
        };
        if definition.node.name.node != type_name {
            continue;
        }
        let TypeKind::Object(object) = definition.node.kind else {
            continue;
        };
        for field in object.fields {
            let required = field
                .node
                .arguments
                .iter()
                .filter(|argument| !argument.node.ty.node.nullable);
            let arguments: Vec<String> = required
                .map(|argument| {
                    let value = match argument.node.ty.node.to_string().as_str() {
                        "ID!" | "[ID!]!" => "\"0195512e-6f4a-7c3e-9d0b-2f6c1a7e5b90\"",
                        "SubmitFeedbackInput!" => "{ message: \"planted\" }",
                        "TriageFeedbackInput!" => {
                            "{ id: \"0195512e-6f4a-7c3e-9d0b-2f6c1a7e5b90\", status: RESOLVED }"
                        }
                        "Date!" => "\"2026-03-01\"",
                        "QuarantineFeedbackInput!" | "ReleaseFeedbackInput!" => {
                            "{ id: \"0195512e-6f4a-7c3e-9d0b-2f6c1a7e5b90\" }"
                        }
                        "ErasePersonInput!" => "{ email: \"sam@example.org\" }",
                        other => panic!("what is a value of {other}?"),
                    };
                    format!("{}: {value}", argument.node.name.node)
                })
                .collect();
            let arguments = if arguments.is_empty() {
                String::new()
            } else {
                format!("({})", arguments.join(", "))
            };
            operations.push(format!(
                "{operation} {{ {}{arguments} {{ __typename }} }}",
                field.node.name.node
            ));
        }
    }
    assert!(!operations.is_empty());
    operations
}

/// A mutation for each field but that to submit.
fn mutations_for_staff() -> impl Iterator<Item = String> {
    let mutations = operations("mutation", "Mutation").into_iter();
    mutations.filter(|mutation| !mutation.contains("submitFeedback"))
}

#[tokio::test]
async fn an_anonymous_caller_may_use_no_field_of_the_schema_but_to_submit() {
    let guarded = Guarded::start().await;
    let queries = operations("query", "Query").into_iter();
    for query in queries.chain(mutations_for_staff()) {
        let answer = guarded.post("/graphql", &query, &[]).await;
        assert_eq!(refusal(&answer), (401, "UNAUTHENTICATED".to_owned()), "{query}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        let answer = guarded.post_with(&query, &guarded.manager).await;
        assert_eq!(answer.status, 200, "{query}");
        assert_eq!(answer.json().get("errors"), None, "{query}");
    }
    let answer = guarded.post("/graphql", SUBMIT, &[]).await;
    assert_eq!(
        answer.json()["data"]["submitFeedback"]["feedback"]["message"],
        "planted"
    );
}

#[tokio::test]
async fn a_reader_may_use_every_query_and_no_mutation_but_to_submit() {
    let guarded = Guarded::start().await;
    for query in operations("query", "Query") {
        let answer = guarded.post_with(&query, &guarded.reader).await;
        assert_eq!(answer.json().get("errors"), None, "{query}");
    }
    for mutation in mutations_for_staff() {
        let answer = guarded.post_with(&mutation, &guarded.reader).await;
        assert_eq!(refusal(&answer), (403, "FORBIDDEN".to_owned()), "{mutation}");
    }
    assert_eq!(guarded.post_with(SUBMIT, &guarded.reader).await.status, 200);
    let answer = guarded.post_with(LIST, &guarded.reader).await;
    assert_eq!(
        answer.json()["data"]["feedbacks"]["nodes"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn a_field_cannot_be_hidden_and_one_that_is_refused_takes_all_others_with_it() {
    let guarded = Guarded::start().await;
    let delete = "deleteFeedback(id: \"0195512e-6f4a-7c3e-9d0b-2f6c1a7e5b90\") { deletedFeedbackId }";
    let submit = "submitFeedback(input: { message: \"x\" }) { feedback { id } }";
    for query in [
        "{ __typename ...F } fragment F on Query { ...G } fragment G on Query { feedbacks { nodes { id } } }"
            .to_owned(),
        "{ ... on Query { ... { innocent: feedbacks { nodes { id } } } } }".to_owned(),
        "query($yes: Boolean!= true) { feedbacks @include(if: $yes) { nodes { id } } }".to_owned(),
        format!("mutation {{ {submit} {delete} }}"),
        format!("mutation {{ submitFeedback: {delete} }}"),
    ] {
        let answer = guarded.post("/graphql", &query, &[]).await;
        assert_eq!(refusal(&answer), (401, "UNAUTHENTICATED".to_owned()), "{query}");
    }
    assert_eq!(guarded.server.store.items().await, [] as [Value; 0]);
    // What is not executed needs no permission.
    let skipped = "query($no: Boolean = false) { feedbacks @include(if: $no) { nodes { id } } }";
    assert_eq!(
        guarded.post("/graphql", skipped, &[]).await.json(),
        json!({ "data": {} })
    );
    let request = guarded
        .server
        .request("GET", "/graphql?query=%7Bfeedbacks%7Bnodes%7Bid%7D%7D%7D");
    assert_eq!(refusal(&guarded.server.send(request).await).0, 401);
}

#[tokio::test]
async fn a_refusal_is_the_same_whether_the_feedback_exists_or_not() {
    let guarded = Guarded::start().await;
    let id = guarded.server.store.submit("planted", NOW).await.id.to_string();
    let read = |id: &str| format!("{{ feedback(id: \"{id}\") {{ id }} node(id: \"{id}\") {{ id }} }}");
    let known = guarded.post("/graphql", &read(&id), &[]).await;
    let unknown = guarded
        .post("/graphql", &read("0195512e-6f4a-7c3e-9d0b-2f6c1a7e5b90"), &[])
        .await;
    assert_eq!((known.status, known.body), (unknown.status, unknown.body));
}

#[tokio::test]
async fn a_wrong_credential_refuses_the_whole_request_and_nothing_is_stored() {
    let guarded = Guarded::start().await;
    let good = format!("Bearer {}", guarded.manager.token);
    let (shorter, other_scheme) = (&good[..good.len() - 1], good.replace("Bearer", "Basic"));
    for wrong in [
        vec!["Bearer wrong"],
        vec!["Bearer "],
        vec!["Bearer"],
        vec![""],
        vec!["Basic dXNlcjpwYXNzd29yZA=="],
        vec![shorter],
        vec![&other_scheme],
        vec![&good, &good],
        vec![&good, "Bearer wrong"],
    ] {
        for query in [SUBMIT, "{ __typename }", LIST, "{"] {
            let answer = guarded.post("/graphql", query, &wrong).await;
            assert_eq!(
                refusal(&answer),
                (401, "UNAUTHENTICATED".to_owned()),
                "{wrong:?} {query}"
            );
        }
        let mut request = guarded
            .server
            .request("POST", "/feedback")
            .body("{\"feedback\": \"planted\"}");
        for value in &wrong {
            request = request.header("authorization", *value);
        }
        let answer = guarded.server.send(request).await;
        assert_eq!(
            (answer.status, answer.header("www-authenticate")),
            (401, Some("Bearer"))
        );
    }
    assert_eq!(guarded.server.store.items().await, [] as [Value; 0]);
}

#[tokio::test]
async fn a_revoked_key_is_refused_and_a_new_one_let_in_within_five_minutes() {
    let guarded = Guarded::start().await;
    let new = make_key("new", &[Scope::Read]).unwrap();
    assert_eq!(guarded.post_with(LIST, &guarded.reader).await.status, 200);
    *guarded.keys.lock().unwrap() = Some(text(&[&new]));
    assert_eq!(guarded.post_with(LIST, &guarded.reader).await.status, 200);
    guarded.now.fetch_add(5 * 60 * 1_000, Ordering::Relaxed);
    assert_eq!(refusal(&guarded.post_with(LIST, &guarded.reader).await).0, 401);
    assert_eq!(guarded.post_with(LIST, &new).await.status, 200);

    *guarded.keys.lock().unwrap() = None;
    guarded.now.fetch_add(60 * 60 * 1_000, Ordering::Relaxed);
    assert_eq!(
        guarded.post_with(LIST, &new).await.status,
        200,
        "the old value is kept while the store fails"
    );
    assert_eq!(refusal(&guarded.post_with(LIST, &guarded.reader).await).0, 401);
}

#[tokio::test]
async fn keys_are_read_from_secrets_manager_only_when_a_token_arrives() {
    let secrets = Secrets::start().await;
    let config = aws::without_account(&secrets.endpoint);
    let source = secret(crate::support::secrets::SECRET, config);
    let now = Arc::new(AtomicU64::new(NOW));
    let access = Authenticator::Guarded(Some(ApiKeys::new(source, Clock::Manual(Arc::clone(&now)))));
    let server = Server::guarded(Store::new().await, Options::default(), access).await;
    let post = async |query: &str, token: Option<&str>| {
        let mut request = server
            .request("POST", "/graphql")
            .json(&json!({ "query": query }));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        server.send(request).await
    };
    assert_eq!(post(SUBMIT, None).await.status, 200);
    assert_eq!(secrets.reads(), 0);

    let key = make_key("k", &[Scope::Read]).unwrap();
    let answer = post(LIST, Some(&key.token)).await;
    assert_eq!(refusal(&answer), (503, "SERVICE_UNAVAILABLE".to_owned()));
    assert_eq!(
        post(SUBMIT, None).await.status,
        200,
        "submitting goes on while the secret cannot be read"
    );
    now.fetch_add(5_000, Ordering::Relaxed);
    secrets.empty();
    assert_eq!(
        refusal(&post(LIST, Some(&key.token)).await).0,
        401,
        "no key is valid yet"
    );
    now.fetch_add(5 * 60 * 1_000, Ordering::Relaxed);
    secrets.store(&[&key]);
    assert_eq!(post(LIST, Some(&key.token)).await.status, 200);
    let reads = secrets.reads();
    secrets.take_away();
    assert_eq!(post(LIST, Some(&key.token)).await.status, 200);
    assert_eq!(refusal(&post(LIST, Some("other")).await).0, 401);
    assert_eq!(secrets.reads(), reads);
}

#[tokio::test]
async fn the_staffs_path_lets_nobody_in_on_what_a_client_sends() {
    let guarded = Guarded::start().await;
    let key = format!("Bearer {}", guarded.manager.token);
    for authorization in [
        vec![],
        vec![key.as_str()],
        vec!["Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJzYW0ifQ."],
    ] {
        for query in [LIST, SUBMIT, "{ __typename }"] {
            let answer = guarded.post("/staff/graphql", query, &authorization).await;
            assert_eq!(
                refusal(&answer),
                (401, "UNAUTHENTICATED".to_owned()),
                "{authorization:?} {query}"
            );
        }
    }
    assert_eq!(guarded.server.store.items().await, [] as [Value; 0]);
}

#[tokio::test]
async fn without_any_configuration_reads_are_refused_and_every_token_is_wrong() {
    let server = Server::guarded(
        Store::new().await,
        Options::default(),
        Authenticator::Guarded(None),
    )
    .await;
    let answer = server
        .send(server.request("POST", "/graphql").json(&json!({ "query": LIST })))
        .await;
    assert_eq!(refusal(&answer).0, 401);
    let request = server
        .request("POST", "/graphql")
        .bearer_auth("any")
        .json(&json!({ "query": SUBMIT }));
    assert_eq!(refusal(&server.send(request).await).0, 401);
    let answer = server
        .send(
            server
                .request("POST", "/graphql")
                .json(&json!({ "query": SUBMIT })),
        )
        .await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn triage_is_shown_to_those_who_may_read_and_to_nobody_else() {
    let guarded = Guarded::start().await;
    let submit = "mutation {
        submitFeedback(input: { message: \"planted\", idempotencyKey: \"planted-key\" }) {
            replayed feedback { triage { status version updatedBy } }
        }
    }";
    let shown = async |authorization: &[&str]| {
        let answer = guarded.post("/graphql", submit, authorization).await.json();
        assert_eq!(answer.get("errors"), None, "{answer}");
        answer["data"]["submitFeedback"].clone()
    };
    let staff = [&guarded.reader, &guarded.manager].map(|key| format!("Bearer {}", key.token));
    let nothing = json!({ "triage": null });
    assert_eq!(
        shown(&[]).await,
        json!({ "replayed": false, "feedback": nothing })
    );
    let id = guarded.server.store.items().await[0]["feedbackId"]
        .as_str()
        .unwrap()
        .to_owned();
    let change = format!(
        "mutation {{ triageFeedback(input: {{ id: \"{id}\", status: RESOLVED }}) {{
            feedback {{ triage {{ status version updatedBy }} }} userErrors {{ code }}
        }} }}"
    );
    let changed = json!({ "triage": { "status": "RESOLVED", "version": 1, "updatedBy": "key manager" } });
    assert_eq!(
        guarded.post_with(&change, &guarded.manager).await.json()["data"]["triageFeedback"],
        json!({ "feedback": changed, "userErrors": [] })
    );
    guarded.server.at_later_time();
    assert_eq!(shown(&[]).await, json!({ "replayed": true, "feedback": nothing }));
    for authorization in &staff {
        assert_eq!(
            shown(&[authorization]).await,
            json!({ "replayed": true, "feedback": changed })
        );
    }
}

#[tokio::test]
async fn a_manager_deletes_feedback_for_good() {
    let guarded = Guarded::start().await;
    let feedback = guarded.server.store.submit("planted", NOW).await;
    let id = feedback.id.to_string();
    let delete = format!("mutation {{ deleteFeedback(id: \"{id}\") {{ deletedFeedbackId }} }}");
    let refused = guarded.post_with(&delete, &guarded.reader).await;
    assert_eq!(refusal(&refused), (403, "FORBIDDEN".to_owned()));
    let deleted = guarded.post_with(&delete, &guarded.manager).await.json();
    assert_eq!(
        deleted,
        json!({ "data": { "deleteFeedback": { "deletedFeedbackId": id } } })
    );
    assert_eq!(guarded.server.store.items().await, [] as [Value; 0]);
    let again = guarded.post_with(&delete, &guarded.manager).await.json();
    assert_eq!(
        again,
        json!({ "data": { "deleteFeedback": { "deletedFeedbackId": null } } })
    );
    let bad = guarded
        .post_with(
            "mutation { deleteFeedback(id: \"x\") { deletedFeedbackId } }",
            &guarded.manager,
        )
        .await;
    assert_eq!(bad.json()["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
}
