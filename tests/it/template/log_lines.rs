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
    lambda.trace(Some(b"Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"));

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

/// What the platform logs of a request, as in
/// <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html> and, for the fields, in
/// <https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html>: after a cold start, and after a
/// time-out.
pub fn of_platform() -> Vec<Value> {
    let report = |record: Value| json!({ "time": "2026-03-01T12:00:00.123Z", "type": "platform.report", "record": record });
    vec![
        report(json!({
            "requestId": "6f7f0961-f834-4211-8f8c-29ef0b7d1a2a",
            "metrics": {
                "durationMs": 5.21,
                "billedDurationMs": 48,
                "memorySizeMB": 256,
                "maxMemoryUsedMB": 24,
                "initDurationMs": 41.87,
            },
            "status": "success",
        })),
        report(json!({
            "requestId": "0c7d2b6e-5f0a-4f6f-9a51-d9b4f4f0f7b1",
            "metrics": {
                "durationMs": 10000.0,
                "billedDurationMs": 10000,
                "memorySizeMB": 256,
                "maxMemoryUsedMB": 25,
            },
            "status": "timeout",
        })),
    ]
}

/// The fields of a line as Logs Insights names them: those of an object behind a dot.
pub fn fields(line: &Value) -> Vec<(String, &Value)> {
    let entries = line.as_object().into_iter().flatten();
    entries
        .flat_map(|(name, value)| {
            if value.is_object() {
                let inner = fields(value).into_iter();
                return inner
                    .map(|(field, value)| (format!("{name}.{field}"), value))
                    .collect();
            }
            vec![(name.clone(), value)]
        })
        .collect()
}
