//! Trusted documents: clients name them by id, and who may send others is configured.

use std::fs;
use std::sync::Arc;

use feedback_graphql::auth::{ApiKeys, Authenticator, NewKey, Scope, make_key};
use feedback_graphql::domain::Clock;
use feedback_graphql::graphql::{
    ArbitraryDocuments, Executor, Federation, Introspection, Limits, TrustedDocuments,
};
use feedback_graphql::http::Options;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::support::{Answer, NOW, Server, Store};

const GRAPHQL: &str = "application/graphql-response+json";
const LIST: &str = "query List($first: Int) { feedbacks(first: $first) { nodes { id message } } }";
const SUBMIT: &str = "mutation Submit($message: String!) {
  submitFeedback(input: { message: $message }) { feedback { message } userErrors { code } }
}";
const SEVERAL: &str = "query A { __typename } query B { feedbacks(first: 2) { nodes { message } } }";
/// What is trusted in most tests, with the operation that is chosen and variables.
const DOCUMENTS: [(&str, Option<&str>, &str); 8] = [
    (LIST, None, r#"{"first": 2}"#),
    (LIST, Some("List"), r#"{"first": 101}"#),
    (LIST, None, r#"{"first": "two"}"#),
    (LIST, Some("Lost"), "{}"),
    (SEVERAL, Some("B"), "{}"),
    (SEVERAL, None, "{}"),
    (SUBMIT, None, r#"{"message": " "}"#),
    ("{\n  __typename\n  # Grüße\n}", None, "{}"),
];

fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

/// A file with this content, and what the service makes of it.
fn loaded(content: &str, arbitrary: &str, limits: &str) -> Result<TrustedDocuments, String> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("documents.json");
    fs::write(&path, content).unwrap();
    let (arbitrary, limits) = (arbitrary.parse().unwrap(), limits.parse().unwrap());
    let loaded = TrustedDocuments::load(&path, arbitrary, Federation::Off, &limits);
    loaded.map_err(|error| {
        let expected = format!("FEEDBACK_DOCUMENTS is {:?}: ", path.to_string_lossy());
        error.strip_prefix(&expected).expect(&error).to_owned()
    })
}

/// A service with these documents, and a key that may read.
struct Service {
    server: Server,
    key: NewKey,
}

impl Service {
    async fn start(documents: &Value, arbitrary: &str) -> Self {
        let trusted = loaded(&documents.to_string(), arbitrary, "").unwrap();
        Self::with(Some(trusted)).await
    }

    async fn with(trusted: Option<TrustedDocuments>) -> Self {
        let key = make_key("reader", &[Scope::Read]).unwrap();
        let keys = format!("{{\"keys\": [{}]}}", key.entry);
        let source = Arc::new(move || {
            let keys = keys.clone();
            Box::pin(async move { Ok(keys) }) as _
        });
        let authenticator = Authenticator::Guarded(Some(ApiKeys::new(source, Clock::System)));
        let executor = Executor::new(Introspection::On, Limits::default()).trusting(trusted);
        let store = Store::new().await;
        for (at, message) in (NOW..).zip(["one", "two", "three"]) {
            store.submit(message, at).await;
        }
        let server = Server::executing(store, Options::default(), authenticator, executor);
        Self {
            server: server.await,
            key,
        }
    }

    async fn post(&self, body: &Value, has_key: bool) -> Answer {
        self.post_as(GRAPHQL, body, has_key).await
    }

    async fn post_as(&self, accept: &str, body: &Value, has_key: bool) -> Answer {
        let request = self.server.request("POST", "/graphql").header("accept", accept);
        self.send(request.json(body), has_key).await
    }

    /// The same parameters by GET.
    async fn get(&self, body: &Value, has_key: bool) -> Answer {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in body.as_object().unwrap() {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            query.append_pair(name, &text);
        }
        let path = format!("/graphql?{}", query.finish());
        let request = self.server.request("GET", &path).header("accept", GRAPHQL);
        self.send(request, has_key).await
    }

    async fn send(&self, request: reqwest::RequestBuilder, has_key: bool) -> Answer {
        let request = if has_key {
            request.bearer_auth(&self.key.token)
        } else {
            request
        };
        self.server.send(request).await
    }
}

/// Status and code of an answer without data and with one error, and its message.
#[track_caller]
fn refused(answer: &Answer) -> (u16, String, String) {
    let body = answer.json();
    assert_eq!(body.get("data"), None, "{body}");
    let [error] = body["errors"].as_array().unwrap().as_slice() else {
        panic!("not one error: {body}");
    };
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (
        answer.status,
        text(&error["extensions"]["code"]),
        text(&error["message"]),
    )
}

/// The request parameters that name a document, by `documentId` and by Apollo's extension.
fn named(form: &str, id: &str) -> Value {
    match form {
        "documentId" => json!({ "documentId": id }),
        "persistedQuery" => {
            json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": id } } })
        }
        other => panic!("what is {other}?"),
    }
}

fn with(mut parameters: Value, more: &Value) -> Value {
    let members = parameters.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    parameters
}

#[tokio::test]
async fn by_id_and_by_text_the_answer_is_the_same_to_the_byte() {
    let prefixed = |text: &str| format!("sha256:{}", hash(text));
    let file: Value = DOCUMENTS
        .iter()
        .map(|(text, ..)| (prefixed(text), json!(text)))
        .collect();
    let trusting = Service::start(&file, "nobody").await;
    let plain = Service {
        server: Server::executing(
            Store {
                repository: trusting.server.store.repository.clone(),
                ..Store::new().await
            },
            Options::default(),
            Authenticator::Open,
            Executor::new(Introspection::On, Limits::default()),
        )
        .await,
        key: make_key("none", &[]).unwrap(),
    };
    let mut random = fastrand::Rng::with_seed(16);
    for _ in 0..60 {
        let (text, operation, variables) = DOCUMENTS[random.usize(..DOCUMENTS.len())];
        let (text, with_key) = (text.to_owned(), random.bool() || text != SUBMIT);
        let variables: Value = serde_json::from_str(variables).unwrap();
        let mut rest = json!({ "variables": variables });
        if let Some(operation) = operation {
            rest["operationName"] = json!(operation);
        }
        let by_id = if random.bool() {
            named("documentId", &prefixed(&text))
        } else {
            named("persistedQuery", &hash(&text))
        };
        let by_id = with(by_id, &rest);
        let by_text = with(json!({ "query": text }), &rest);
        let (one, other) = match random.u8(..3) {
            0 => (
                trusting.get(&by_id, with_key).await,
                plain.get(&by_text, false).await,
            ),
            1 => (
                trusting.post(&by_id, with_key).await,
                plain.post(&by_text, false).await,
            ),
            _ => (
                trusting.post_as("application/json", &by_id, with_key).await,
                plain.post_as("application/json", &by_text, false).await,
            ),
        };
        assert_eq!((one.status, &one.body), (other.status, &other.body), "{by_id}");
        for header in ["content-type", "allow", "cache-control"] {
            assert_eq!(one.header(header), other.header(header), "{by_id}");
        }
    }
}

#[tokio::test]
async fn each_tools_file_names_its_documents_as_its_client_does() {
    let md5 = "3f1a4b5c6d7e8f900112233445566778";
    let apollo = json!({
        "format": "apollo-persisted-query-manifest",
        "version": 1,
        "operations": [{ "id": hash(LIST), "name": "List", "type": "query", "body": LIST }],
    });
    let apollo_with_ids = json!({
        "format": "apollo-persisted-query-manifest",
        "version": 1,
        "operations": [{ "id": "list-1.0", "name": "List", "type": "query", "body": LIST }],
    });
    let prefixed = format!("sha256:{}", hash(LIST));
    for (file, id) in [
        (json!({ md5: LIST }), md5),
        (json!({ hash(LIST): LIST }), &hash(LIST)),
        (json!({ &prefixed: LIST }), &prefixed),
        (apollo, &hash(LIST)),
        (apollo_with_ids, "list-1.0"),
    ] {
        let service = Service::start(&file, "nobody").await;
        let mut ids = vec![named("documentId", id), named("documentId", &prefixed)];
        ids.push(named("persistedQuery", &hash(LIST)));
        // What a client with Apollo's manifest calls a hash is the id in it.
        ids.extend((!id.contains(':')).then(|| named("persistedQuery", id)));
        for parameters in ids {
            for answer in [
                service.post(&parameters, true).await,
                service.get(&parameters, true).await,
            ] {
                let nodes = &answer.json()["data"]["feedbacks"]["nodes"];
                assert_eq!(nodes.as_array().unwrap().len(), 3, "{parameters}: {answer:?}");
            }
        }
    }
}

#[tokio::test]
async fn the_operation_of_a_document_is_chosen_and_allowed_as_ever() {
    let service = Service::start(&json!({ "s": SUBMIT, "m": SEVERAL, "l": LIST }), "nobody").await;
    let chosen = json!({ "documentId": "m", "operationName": "B" });
    let answer = service.post(&chosen, true).await;
    assert_eq!(answer.json()["data"]["feedbacks"]["nodes"][0]["message"], "three");
    let (status, code, _) = refused(&service.post(&json!({ "documentId": "m" }), true).await);
    assert_eq!((status, code.as_str()), (400, "OPERATION_RESOLUTION_FAILURE"));

    let submit = json!({ "documentId": "s", "variables": { "message": "four" } });
    let answer = service.get(&submit, false).await;
    assert_eq!((refused(&answer).0, answer.header("allow")), (405, Some("POST")));
    let answer = service.post(&submit, false).await;
    assert_eq!(
        answer.json()["data"]["submitFeedback"]["feedback"]["message"],
        "four"
    );

    let (status, code, _) = refused(&service.post(&json!({ "documentId": "l" }), false).await);
    assert_eq!((status, code.as_str()), (401, "UNAUTHENTICATED"));
}

#[tokio::test]
async fn a_trusted_document_is_held_to_the_limits_with_its_variables() {
    let twice = "mutation { a: submitFeedback(input: { message: \"a\" }) { userErrors { code } }
        b: submitFeedback(input: { message: \"b\" }) { userErrors { code } } }";
    let many = "query ($n: Int!) { feedbacks(first: $n) { nodes { id } } }";
    let limits: Limits = "complexity=100".parse().unwrap();
    let file = json!({ "twice": twice, "many": many }).to_string();
    let trusted = loaded(&file, "nobody", "complexity=100").unwrap();
    let executor = Executor::new(Introspection::On, limits).trusting(Some(trusted));
    let store = Store::new().await;
    let server = Server::executing(store, Options::default(), Authenticator::Guarded(None), executor);
    let service = Service {
        server: server.await,
        key: make_key("none", &[]).unwrap(),
    };
    for (id, variables, expected) in [
        ("twice", json!({}), "TOO_MANY_SUBMISSIONS"),
        ("many", json!({ "n": 100 }), "QUERY_TOO_COMPLEX"),
        ("many", json!({ "n": 1 }), "UNAUTHENTICATED"),
        ("many", json!({}), "BAD_USER_INPUT"),
    ] {
        let body = json!({ "documentId": id, "variables": variables });
        assert_eq!(refused(&service.post(&body, false).await).1, expected, "{body}");
    }
}

#[tokio::test]
async fn who_may_send_a_text_decides_what_an_unknown_id_is_answered() {
    let other = "query Other { feedbacks { nodes { id } } }";
    for (arbitrary, has_key, may_send) in [
        ("everyone", false, true),
        ("everyone", true, true),
        ("credentialed", false, false),
        ("credentialed", true, true),
        ("nobody", false, false),
        ("nobody", true, false),
    ] {
        let service = Service::start(&json!({ "l": LIST }), arbitrary).await;
        let case = format!("{arbitrary}, {has_key}");
        let text = service.post(&json!({ "query": other }), has_key).await;
        let code = text.json()["errors"][0]["extensions"]["code"].clone();
        match (may_send, has_key) {
            (true, true) => assert_eq!(text.status, 200, "{case}"),
            (true, false) => assert_eq!(code, "UNAUTHENTICATED", "{case}"),
            (false, _) => assert_eq!(
                (text.status, code.as_str()),
                (403, Some("QUERY_NOT_IN_SAFELIST")),
                "{case}"
            ),
        }
        for (form, said) in [
            ("documentId", "no trusted document has the id \"lost\""),
            ("persistedQuery", "PersistedQueryNotFound"),
        ] {
            let lost = named(form, "lost");
            let expected = if may_send {
                ("PERSISTED_QUERY_NOT_FOUND", said)
            } else {
                (
                    "PERSISTED_QUERY_NOT_IN_LIST",
                    "no trusted document has the id \"lost\"",
                )
            };
            for answer in [
                service.post(&lost, has_key).await,
                service.get(&lost, has_key).await,
            ] {
                let (status, code, message) = refused(&answer);
                assert_eq!((code.as_str(), message.as_str()), expected, "{case}");
                assert_eq!(status, 400, "{case}");
            }
            // As with any request that is well-formed.
            let answer = service.post_as("application/json", &lost, has_key).await;
            assert_eq!(answer.status, 200, "{case}");
        }
        // The text of a trusted document is no arbitrary one, for everybody.
        let own = service.post(&json!({ "query": LIST }), has_key).await;
        let expected = if has_key { 200 } else { 401 };
        assert_eq!(own.status, expected, "{case}");
        let nearly = service
            .post(&json!({ "query": format!("{LIST} ") }), has_key)
            .await;
        assert_eq!(nearly.status, if may_send { expected } else { 403 }, "{case}");
        let unclear = json!({ "query": "{" });
        let unclear = service.post_as("application/json", &unclear, has_key);
        assert_eq!(
            unclear.await.status,
            if may_send { 200 } else { 403 },
            "{case}: a refusal has its status in every format"
        );
    }
}

#[tokio::test]
async fn a_text_and_an_id_must_be_of_one_document() {
    let file = json!({ "l": LIST, format!("sha256:{}", hash(SEVERAL)): SEVERAL });
    let service = Service::start(&file, "everyone").await;
    let arbitrary = "{ feedbacks(first: 1) { nodes { id } } }";
    for (text, id, is_right) in [
        (LIST, named("documentId", "l"), true),
        (LIST, named("documentId", &format!("sha256:{}", hash(LIST))), true),
        (LIST, named("persistedQuery", &hash(LIST)), true),
        (LIST, named("persistedQuery", "l"), true),
        // What clients of Apollo's protocol send after an id was not found. It is executed, not registered.
        (arbitrary, named("persistedQuery", &hash(arbitrary)), true),
        // Nobody but the client knows what this means.
        (arbitrary, named("documentId", "of-the-client"), true),
        (arbitrary, named("persistedQuery", &hash(LIST)), false),
        (
            arbitrary,
            named("documentId", &format!("sha256:{}", hash(LIST))),
            false,
        ),
        (
            arbitrary,
            named("documentId", &format!("sha256:{}", hash("unknown"))),
            false,
        ),
        (arbitrary, named("documentId", "l"), false),
        (arbitrary, named("persistedQuery", "l"), false),
    ] {
        let body = with(id, &json!({ "query": text }));
        let answer = service.post_as("application/json", &body, true).await;
        if is_right {
            assert_eq!(answer.json().get("errors"), None, "{body}");
        } else {
            let (status, code, message) = refused(&answer);
            assert_eq!((status, code.as_str()), (400, "BAD_REQUEST"), "{body}");
            assert!(
                message.starts_with("the id is not that of the `query`"),
                "{message}"
            );
        }
    }
    let again = service
        .post(&named("persistedQuery", &hash(arbitrary)), true)
        .await;
    assert_eq!(refused(&again).1, "PERSISTED_QUERY_NOT_FOUND");
}

#[tokio::test]
async fn an_id_has_one_of_two_forms() {
    let form =
        "`documentId` must be `sha256:` with 64 lower-case hexadecimal digits, or an id without a colon";
    let extension = "`extensions.persistedQuery` must have `version`, 1, and `sha256Hash`, a string";
    let upper = format!("sha256:{}", hash(LIST).to_uppercase());
    let digits = hash(LIST);
    for trusted in [
        None,
        Some(loaded(&json!({ "l": LIST }).to_string(), "nobody", "").unwrap()),
    ] {
        let service = Service::with(trusted).await;
        for (body, expected) in [
            (json!({ "documentId": upper }), form),
            (json!({ "documentId": "sha256:" }), form),
            (json!({ "documentId": format!("sha256:{digits}0") }), form),
            (json!({ "documentId": format!("sha512:{digits}") }), form),
            (json!({ "documentId": "x-mine:1" }), form),
            (json!({ "documentId": "" }), form),
            (
                json!({ "documentId": 5 }),
                "`documentId` must be a string, not a number",
            ),
            (json!({ "extensions": { "persistedQuery": "l" } }), extension),
            (
                json!({ "extensions": { "persistedQuery": { "sha256Hash": digits } } }),
                extension,
            ),
            (
                json!({ "extensions": { "persistedQuery": { "version": 2, "sha256Hash": digits } } }),
                extension,
            ),
            (
                json!({ "extensions": { "persistedQuery": { "version": 1 } } }),
                extension,
            ),
            (
                with(named("documentId", "l"), &named("persistedQuery", &digits)),
                "send either `documentId` or `extensions.persistedQuery`",
            ),
            (
                json!({ "documentId": null, "extensions": { "persistedQuery": null } }),
                "`query` is missing: it must be a string, a GraphQL document",
            ),
        ] {
            let answer = service.post_as("application/json", &body, true).await;
            let (status, code, message) = refused(&answer);
            assert_eq!((status, code.as_str()), (400, "BAD_REQUEST"), "{body}");
            assert_eq!(message, expected, "{body}");
        }
        let repeated = service
            .server
            .request("GET", "/graphql?documentId=l&documentId=l");
        let answer = service.send(repeated, true).await;
        assert_eq!(refused(&answer).2, "`documentId` is repeated");
    }
}

#[tokio::test]
async fn without_trusted_documents_every_client_is_told_to_send_texts() {
    let service = Service::with(None).await;
    for (form, said) in [
        (
            "documentId",
            "the service has no trusted documents: send the text of the document as `query`",
        ),
        ("persistedQuery", "PersistedQueryNotSupported"),
    ] {
        let id = named(form, &format!("sha256:{}", hash(LIST)));
        for answer in [service.post(&id, true).await, service.get(&id, true).await] {
            let expected = (400, "PERSISTED_QUERY_NOT_SUPPORTED".to_owned(), said.to_owned());
            assert_eq!(refused(&answer), expected);
        }
        let text = with(id, &json!({ "query": LIST }));
        assert_eq!(service.post(&text, true).await.status, 200);
    }
}

#[tokio::test]
async fn submissions_without_graphql_are_nobodys_document() {
    let service = Service::start(&json!({ "l": LIST }), "nobody").await;
    let request = service.server.request("POST", "/feedback");
    let answer = service
        .send(request.json(&json!({ "feedback": "plain" })), false)
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn a_file_that_is_wrong_is_told_by_a_sentence_with_the_id() {
    let manifest = |version: u32, operations: Value| {
        json!({ "format": "apollo-persisted-query-manifest", "version": version, "operations": operations })
            .to_string()
    };
    let wrong_hash = format!("sha256:{}", hash("another"));
    let deep = format!("{}__typename{}", "{ node(id: 1) ".repeat(70), "}".repeat(70));
    let long = format!("{{ __typename }} #{}", "x".repeat(16 * 1024));
    let aliases: Vec<String> = (0..51).map(|n| format!("a{n}: __typename")).collect();
    for (file, expected) in [
        (
            String::new(),
            "the file is not JSON: EOF while parsing a value at line 1 column 0",
        ),
        (
            "[]".to_owned(),
            "expected a JSON object: a map from ids to documents, or Apollo's manifest",
        ),
        ("{}".to_owned(), "the file has no documents"),
        (
            json!({ "a": LIST, "b": 5 }).to_string(),
            "expected a map from ids to documents, but \"b\" is not a string",
        ),
        (
            manifest(2, json!([])),
            "expected version 1 of Apollo's manifest, not 2",
        ),
        (manifest(1, json!([])), "the file has no documents"),
        (
            manifest(1, json!([{ "id": "a" }])),
            "the file is not a manifest of Apollo's: missing field `body`",
        ),
        (
            manifest(
                1,
                json!([{ "id": "a", "body": LIST }, { "id": "a", "body": SEVERAL }]),
            ),
            "the document \"a\" is there twice, with different texts",
        ),
        (
            json!({ &wrong_hash: LIST }).to_string(),
            &format!(
                "the document \"{wrong_hash}\" has another hash: sha256:{}",
                hash(LIST)
            ),
        ),
        (
            json!({ "md5:1": LIST }).to_string(),
            "the document \"md5:1\" must have another id: sha256: with the document's hash, or letters, digits, `-`, \
             `.`, `_` and `~`",
        ),
        (
            json!({ "": LIST }).to_string(),
            "the document \"\" must have another id: sha256: with the document's hash, or letters, digits, `-`, `.`, \
             `_` and `~`",
        ),
        (
            json!({ "a": LIST, "b": "{ votes }" }).to_string(),
            "the document \"b\" is not valid: type `Query` does not have a field `votes` (line 1, column 3)",
        ),
        (
            json!({ "a": "{\n  __typename" }).to_string(),
            "the document \"a\" is not valid: syntax error: expected R_CURLY, got EOF (line 2, column 13)",
        ),
        (
            json!({ "a": "fragment F on Feedback { id }" }).to_string(),
            "the document \"a\" is not valid: fragment `F` must be used in an operation (line 1, column 1)",
        ),
        (
            json!({ "a": deep }).to_string(),
            "the document \"a\" is not valid: a document may be nested at most 64 levels deep",
        ),
        (
            json!({ "a": long }).to_string(),
            "the document \"a\" is not valid: a request may have at most 16384 bytes",
        ),
        (
            json!({ "a": format!("{{ {} }}", aliases.join(" ")) }).to_string(),
            "the document \"a\" is not valid: a request may have at most 50 aliases",
        ),
    ] {
        assert_eq!(loaded(&file, "nobody", "").unwrap_err(), expected);
    }
    let lost = TrustedDocuments::load(
        "lost.json".as_ref(),
        ArbitraryDocuments::Everyone,
        Federation::Off,
        &Limits::default(),
    );
    assert_eq!(
        lost.unwrap_err(),
        "FEEDBACK_DOCUMENTS is \"lost.json\": the file cannot be read: No such file or directory (os error 2)"
    );
}

#[test]
fn documents_are_valid_against_the_schema_that_is_executed() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("documents.json");
    fs::write(&path, r#"{"a": "{ _service { sdl } }"}"#).unwrap();
    let load = |federation| {
        TrustedDocuments::load(&path, ArbitraryDocuments::Nobody, federation, &Limits::default())
    };
    assert!(load(Federation::On).is_ok());
    let error = load(Federation::Off).unwrap_err();
    assert!(
        error.contains("\"a\" is not valid") && error.contains("_service"),
        "{error}"
    );
}

#[test]
fn the_forms_document_is_there_to_be_trusted() {
    let read = |path: &str| fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let script = read("web/feedback-form.js");
    let (_, rest) = script.split_once("const SUBMIT = `").unwrap();
    let (sent, _) = rest.split_once("`;").unwrap();
    let file = read("examples/trusted-documents/feedback-form.json");
    let documents: Value = serde_json::from_str(&file).unwrap();
    assert_eq!(documents, json!({ format!("sha256:{}", hash(sent)): sent }));
    loaded(&file, "nobody", "").unwrap();
}
