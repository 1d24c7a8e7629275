//! Who is answered: programs on this machine, and neither web pages nor whoever else finds the ports.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use serde_json::{Value, json};

use super::{Local, command, exchange};

/// A request to the engine as the AWS CLI writes it, with these headers in place of its `Host`.
fn to_engine(operation: &str, headers: &str) -> String {
    let body = json!({ "TableName": "Feedback" }).to_string();
    format!(
        "POST / HTTP/1.1\r\n{headers}\r\nContent-Type: application/x-amz-json-1.0\r\n\
         X-Amz-Target: DynamoDB_20120810.{operation}\r\nX-Amz-Date: 20260301T093000Z\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=any/20260301/local/dynamodb/aws4_request, \
         SignedHeaders=host, Signature=00\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

#[tokio::test]
async fn no_web_page_gets_to_the_engine() {
    let server = Local::start(&["--in-memory"]).await;
    let engine = server.address("DynamoDB");
    let host = format!("Host: {engine}");
    let table = exchange(engine, &to_engine("DescribeTable", &host)).await;
    assert_eq!(status(&table), "200", "{table}");
    for (headers, expected) in [
        ("Origin: http://127.0.0.1:4999", "403"),
        ("Origin: null", "403"),
        ("Sec-Fetch-Site: same-site", "403"),
        ("Sec-Fetch-Site: none", "403"),
    ] {
        for operation in ["Scan", "DeleteTable"] {
            let answer = exchange(engine, &to_engine(operation, &format!("{host}\r\n{headers}"))).await;
            assert_eq!(status(&answer), expected, "{headers}: {answer}");
            assert!(answer.contains("does not answer web pages"), "{answer}");
            assert!(!answer.to_lowercase().contains("access-control"), "{answer}");
        }
    }
    let preflight =
        format!("OPTIONS / HTTP/1.1\r\n{host}\r\nOrigin: http://127.0.0.1\r\nConnection: close\r\n\r\n");
    assert_eq!(status(&exchange(engine, &preflight).await), "403");
    server.submit("the table is still there").await;
}

#[tokio::test]
async fn the_engine_answers_only_where_the_host_is_this_machine() {
    let server = Local::start(&[
        "--in-memory",
        "--host",
        "0.0.0.0",
        "--allowed-hosts",
        "laptop.example",
    ])
    .await;
    let engine = server.address("DynamoDB");
    let port = engine.port();
    for (headers, expected) in [
        (format!("Host: 127.0.0.1:{port}"), "200"),
        (format!("Host: localhost:{port}"), "200"),
        (format!("Host: [::1]:{port}"), "200"),
        (format!("Host: 0.0.0.0:{port}"), "421"),
        (format!("Host: laptop.example:{port}"), "421"),
        (format!("Host: evil.example:{port}"), "421"),
        ("Host: localhost\r\nHost: localhost".to_owned(), "400"),
        ("Accept: */*".to_owned(), "400"),
    ] {
        let answer = exchange(engine, &to_engine("DescribeTable", &headers)).await;
        assert_eq!(status(&answer), expected, "{headers}: {answer}");
    }
}

#[tokio::test]
async fn the_service_answers_only_where_the_host_is_this_machine() {
    let hosts = "Laptop.Example, 203.0.113.7,2001:db8::7";
    let server = Local::start(&["--in-memory", "--allowed-hosts", hosts]).await;
    let service = server.address("GraphQL");
    let port = service.port();
    for (headers, expected) in [
        (format!("Host: 127.0.0.1:{port}"), "200"),
        (format!("Host: LOCALHOST.:{port}"), "200"),
        (format!("Host: app.localhost:{port}"), "200"),
        (format!("Host: [::1]:{port}"), "200"),
        (format!("Host: laptop.example:{port}"), "200"),
        ("Host: 203.0.113.7".to_owned(), "200"),
        ("Host: [2001:db8::7]:80".to_owned(), "200"),
        (format!("Host: evil.example:{port}"), "421"),
        (format!("Host: evil.laptop.example:{port}"), "421"),
        (format!("Host: 0.0.0.0:{port}"), "421"),
        ("Host: ".to_owned(), "421"),
        (format!("Host: 127.0.0.1:{port}\r\nHost: 127.0.0.1:{port}"), "400"),
        ("Accept: */*".to_owned(), "400"),
    ] {
        for version in ["1.0", "1.1"] {
            let request = format!(
                "GET /graphql?query=%7B__typename%7D HTTP/{version}\r\n{headers}\r\nConnection: close\r\n\r\n"
            );
            let answer = exchange(service, &request).await;
            assert_eq!(status(&answer), expected, "{headers}: {answer}");
            assert_eq!(answer.contains("--allowed-hosts"), expected == "421", "{answer}");
        }
    }
    let request = "GET http://evil.example/graphql?query=%7B__typename%7D HTTP/1.1\r\nHost: localhost\r\n\
                   Connection: close\r\n\r\n";
    assert_eq!(status(&exchange(service, request).await), "421");
}

#[tokio::test]
async fn a_server_on_all_addresses_is_asked_for_by_each_of_them() {
    let server = Local::start(&["--in-memory", "--host", "0.0.0.0"]).await;
    let port = server.address("GraphQL").port();
    let status_for = async |address: IpAddr, host: &str| {
        let request = format!("GET / HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n");
        let answer = exchange(SocketAddr::new(address, port), &request).await;
        status(&answer).to_owned()
    };
    let loopback = Ipv4Addr::LOCALHOST.into();
    for (host, expected) in [("0.0.0.0", "200"), ("127.0.0.1", "200"), ("198.51.100.1", "421")] {
        assert_eq!(status_for(loopback, host).await, expected, "{host}");
    }
    // Without a network there is none.
    if let Some(own) = address_in_network() {
        assert_eq!(status_for(own, &own.to_string()).await, "200", "{own}");
        assert_eq!(status_for(own, "198.51.100.1").await, "421");
    }
}

/// The address from which this machine would send to others. Nothing is sent.
fn address_in_network() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(198, 51, 100, 1), 9)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

#[tokio::test]
async fn what_cannot_be_a_host_is_told_at_the_start() {
    for hosts in [
        "http://laptop.example",
        "laptop.example:4000",
        "*",
        "laptop.example,,other.example",
    ] {
        let output = command(&["--in-memory", "--allowed-hosts", hosts])
            .output()
            .await
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{hosts}: {said}");
        assert!(said.contains("without schemes and ports"), "{said}");
    }
}

/// The engine's own server lets every page in, so it must be behind the one that does not.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn no_port_is_open_but_the_two_that_are_announced() {
    let server = Local::start(&["--in-memory", "--host", "0.0.0.0", "--sample", "40"]).await;
    server.submit("one more").await;
    let expected = ["GraphQL", "DynamoDB"].map(|word| server.address(word));
    assert_eq!(open_ports(server.child.id().unwrap()), BTreeSet::from(expected));
    assert!(expected[1].ip().is_loopback(), "{expected:?}");
}

/// The TCP sockets on which a process listens: proc(5).
#[cfg(target_os = "linux")]
fn open_ports(pid: u32) -> BTreeSet<SocketAddr> {
    use std::fs::{read_dir, read_link, read_to_string};

    let files = read_dir(format!("/proc/{pid}/fd")).unwrap();
    let sockets: BTreeSet<String> = files
        .filter_map(|file| Some(read_link(file.ok()?.path()).ok()?.to_str()?.to_owned()))
        .collect();
    let all = read_to_string(format!("/proc/{pid}/net/tcp")).unwrap();
    all.lines()
        .skip(1)
        .filter(|line| is_listening(&sockets, line))
        .map(|line| {
            let (address, port) = line.split_whitespace().nth(1).unwrap().split_once(':').unwrap();
            let address = u32::from_str_radix(address, 16).unwrap().to_ne_bytes();
            SocketAddr::from((address, u16::from_str_radix(port, 16).unwrap()))
        })
        .collect()
}

#[cfg(target_os = "linux")]
fn is_listening(sockets: &BTreeSet<String>, line: &str) -> bool {
    let fields: Vec<&str> = line.split_whitespace().collect();
    fields[3] == "0A" && sockets.contains(&format!("socket:[{}]", fields[9]))
}

#[tokio::test]
async fn introspection_and_the_explorer_can_be_turned_off_as_in_the_cloud() {
    let schema = json!({ "query": "{ __schema { queryType { name } } }" });
    for (arguments, is_on) in [
        (&["--in-memory"] as &[&str], true),
        (&["--in-memory", "--no-introspection", "--no-explorer"], false),
    ] {
        let server = Local::start(arguments).await;
        let url = server.line("GraphQL");
        let client = reqwest::Client::new();
        let answer: Value = client
            .post(url)
            .json(&schema)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        assert_eq!(answer["data"]["__schema"].is_object(), is_on, "{answer}");
        let page = client
            .get(url)
            .header("accept", "text/html")
            .send()
            .await
            .unwrap();
        assert_eq!(page.status() == 200, is_on, "{page:?}");
        assert_eq!(server.said.iter().any(|line| line.contains("Explorer")), is_on);
    }
}
