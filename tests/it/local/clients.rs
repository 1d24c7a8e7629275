//! The limit for each client, which on a laptop is known by the address of its connection.

use serde_json::json;

use super::Local;

/// How often somebody submits who is to be refused. The machine may be too busy to count the first ones in time.
const TRIES: usize = 100;

/// The status of a submission from an address of this machine.
async fn submit(server: &Local, from: [u8; 4], header: Option<(&str, &str)>) -> u16 {
    let client = reqwest::Client::builder().local_address(std::net::IpAddr::from(from));
    let request = client
        .build()
        .unwrap()
        .post(server.line("Plain").trim_start_matches("POST "));
    let request = header
        .into_iter()
        .fold(request, |request, (name, value)| request.header(name, value));
    let answer = request.json(&json!({ "feedback": "planted" })).send().await;
    answer.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_client_above_the_limit_is_refused_whatever_it_says_of_itself() {
    let server = Local::start(&["--in-memory", "--client-limit", "3"]).await;
    let limit = "3 submissions an hour from each address without a credential";
    assert_eq!(server.line("Limit"), limit);
    let mut accepted = 0;
    while submit(&server, [127, 0, 0, 1], None).await == 200 {
        accepted += 1;
        assert!(accepted < TRIES, "nobody is refused");
    }
    assert!(accepted >= 3, "refused after {accepted}");
    for header in [
        "X-Forwarded-For",
        "Forwarded",
        "CF-Connecting-IP",
        "True-Client-IP",
    ] {
        let status = submit(&server, [127, 0, 0, 1], Some((header, "198.51.100.9"))).await;
        assert_eq!(status, 429, "{header}");
    }
    // Other systems have but one address of this kind.
    if cfg!(target_os = "linux") {
        assert_eq!(submit(&server, [127, 0, 0, 2], None).await, 200);
    }
    server.stop().await;
}
