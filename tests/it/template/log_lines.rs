//! The lines that the function's log group holds: the function's own, as the Lambda binary writes them, and those of the
//! platform, as AWS documents them.

use feedback_graphql::auth::{Scope, make_key};
use serde_json::{Value, json};

use crate::support::events::{EventKind, HttpCall};
use crate::support::faulty::{Fault, Network};
use crate::support::lambda::{Lambda, Options};
use crate::support::secrets::{SECRET, Secrets};
use crate::support::{Store, TABLE};

/// What a function logs whose requests have every field of a line between them: with a caller and without, named,
/// refused, and one on which DynamoDB fails after it could not count the client.
pub async fn of_requests() -> Vec<Value> {
    let store = Store::new().await;
    let network = Network::to(&store.engine.endpoint()).await;
    let secrets = Secrets::start().await;
    let key = make_key("manager", &[Scope::Manage]).unwrap();
    secrets.store(&[&key]);
    let options = Options::new(&network.endpoint, TABLE)
        .with("FEEDBACK_CLIENT_LIMIT", "100")
        .with("FEEDBACK_API_KEYS_SECRET", SECRET)
        .with("AWS_ENDPOINT_URL_SECRETS_MANAGER", &secrets.endpoint);
    let lambda = Lambda::start(options).await;

    let list = json!({ "query": "query List { feedbacks { nodes { id } } }" });
    let list = HttpCall::post_json("/graphql", &list);
    let bearer = format!("Bearer {}", key.token);
    let submit = HttpCall::post_json("/feedback", &json!({ "feedback": "planted" }));
    for (call, status) in [
        (&list.clone().with_header("authorization", &bearer), 200),
        (&list, 401),
        (&HttpCall::get("/nowhere"), 404),
    ] {
        assert_eq!(lambda.call(EventKind::HttpApi, call).await.status, status);
    }
    network.fail_always(Some(Fault::Refuse(400, "ThrottlingException")));
    assert_eq!(lambda.call(EventKind::HttpApi, &submit).await.status, 429);

    lambda.log_line("\"path\":\"/feedback\"").await;
    let lines = lambda.logs();
    lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}
