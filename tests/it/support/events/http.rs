//! Both ends of an HTTP exchange through a front door: what the client sends, and what it gets to see.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;
use url::form_urlencoded;

use super::{CLIENT, EventKind};

/// A call as the client sends it: path and query are percent-encoded, header names have the client's case.
#[derive(Clone, Debug)]
pub struct HttpCall {
    pub method: String,
    pub path: String,
    pub query: Option<String>,
    pub headers: Vec<(String, String)>,
    pub body: Option<Vec<u8>>,
    /// The address that it comes from.
    pub address: String,
    /// Whether the front door takes the body for binary, and so hands it over in base64.
    pub base64: bool,
}

impl HttpCall {
    pub fn new(method: &str, path_and_query: &str) -> Self {
        let (path, query) = match path_and_query.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (path_and_query, None),
        };
        let (method, path) = (method.to_owned(), path.to_owned());
        Self {
            method,
            path,
            query,
            headers: Vec::new(),
            body: None,
            address: CLIENT.to_owned(),
            base64: false,
        }
    }

    pub fn get(path_and_query: &str) -> Self {
        Self::new("GET", path_and_query).with_header("Accept", "application/json")
    }

    pub fn post_json(path_and_query: &str, body: &Value) -> Self {
        Self::new("POST", path_and_query)
            .with_header("Accept", "application/json")
            .with_header("Content-Type", "application/json")
            .with_body(body.to_string().into_bytes())
    }

    /// The same, with one more header; a name that is there already is sent twice.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn with_body(mut self, body: Vec<u8>) -> Self {
        self.body = Some(body);
        self
    }

    /// The same, from this address.
    pub fn sent_from(mut self, address: &str) -> Self {
        address.clone_into(&mut self.address);
        self
    }

    /// The same, with its body handed over in base64.
    pub fn in_base64(mut self) -> Self {
        self.base64 = true;
        self
    }

    pub(super) fn body_text(&self) -> Option<String> {
        let body = self.body.as_ref()?;
        Some(if self.base64 {
            BASE64_STANDARD.encode(body)
        } else {
            String::from_utf8(body.clone()).expect("a body that is not UTF-8 is handed over in base64")
        })
    }

    /// The client's headers and those that every front door adds, where the call does not set them itself. The address
    /// is added to those that the client says that the call was forwarded for.
    pub(super) fn headers_behind(&self, host: &str) -> Vec<(String, String)> {
        let length = self.body.as_ref().map(|body| body.len().to_string());
        let added = [
            ("Host", Some(host)),
            ("User-Agent", Some("curl/8.5.0")),
            ("Content-Length", length.as_deref()),
            (
                "X-Amzn-Trace-Id",
                Some("Root=1-6b49d200-123456789012345678901234"),
            ),
            ("X-Forwarded-Port", Some("443")),
            ("X-Forwarded-Proto", Some("https")),
        ];
        let mut headers = self.headers.clone();
        let forwarded = headers
            .iter_mut()
            .rfind(|(name, _)| name.eq_ignore_ascii_case("X-Forwarded-For"));
        match forwarded {
            Some((_, addresses)) => *addresses = format!("{addresses}, {}", self.address),
            None => headers.push(("X-Forwarded-For".to_owned(), self.address.clone())),
        }
        for (name, value) in added {
            let absent = !self
                .headers
                .iter()
                .any(|(present, _)| present.eq_ignore_ascii_case(name));
            if let Some(value) = value.filter(|_| absent) {
                headers.push((name.to_owned(), value.to_owned()));
            }
        }
        headers
    }

    pub(super) fn decoded_query(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(self.query.as_deref().unwrap_or_default().as_bytes())
            .into_owned()
            .collect()
    }

    /// The query's parts as they were sent, for the load balancer, which decodes nothing.
    pub(super) fn encoded_query(&self) -> Vec<(String, String)> {
        let query = self.query.as_deref().unwrap_or_default();
        let parts = query.split('&').filter(|part| !part.is_empty());
        let pair = |part: &str| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (name.to_owned(), value.to_owned())
        };
        parts.map(pair).collect()
    }
}

/// What the client gets to see of a function's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpAnswer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl HttpAnswer {
    /// Reads a payload as the front door of this kind does, which means that it ignores what that one ignores.
    ///
    /// # Panics
    /// When the payload breaks the format, for which the client would get a 502.
    pub fn parse(kind: EventKind, payload: &Value) -> Self {
        let status = payload["statusCode"]
            .as_u64()
            .and_then(|status| u16::try_from(status).ok());
        let status = status.unwrap_or_else(|| panic!("no statusCode in {payload}"));
        let single = field(payload, "headers", |value| vec![text(value)]);
        let lists = field(payload, "multiValueHeaders", texts);
        let headers = match kind {
            EventKind::HttpApi | EventKind::HttpApiStage | EventKind::FunctionUrl => {
                let cookies = [("set-cookie".to_owned(), texts(&payload["cookies"]))];
                header_map(single.into_iter().chain(cookies))
            }
            EventKind::RestApi | EventKind::RestApiCustomDomain => {
                let mut headers = header_map(single);
                let lists = header_map(lists);
                for name in lists.keys() {
                    headers.remove(name);
                }
                headers.extend(lists);
                headers
            }
            EventKind::Alb => header_map(single),
            EventKind::AlbMultiValue => header_map(lists),
        };
        let body = payload["body"].as_str().unwrap_or_default();
        let body = if payload["isBase64Encoded"] == true {
            BASE64_STANDARD
                .decode(body)
                .unwrap_or_else(|error| panic!("{error} in the body of {payload}"))
        } else {
            body.as_bytes().to_vec()
        };
        Self {
            status,
            headers,
            body,
        }
    }

    /// A header's first value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not; the message carries the answer.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }
}

type Headers = Vec<(String, Vec<String>)>;

fn field(payload: &Value, name: &str, values: impl Fn(&Value) -> Vec<String>) -> Headers {
    let headers = payload[name].as_object().into_iter().flatten();
    headers
        .map(|(name, value)| (name.clone(), values(value)))
        .collect()
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().map(text).collect()
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} stands where a header's value belongs"))
        .to_owned()
}

fn header_map(headers: impl IntoIterator<Item = (String, Vec<String>)>) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, values) in headers {
        let name: HeaderName = name.parse().expect("a header name");
        for value in values {
            map.append(&name, HeaderValue::from_str(&value).expect("a header value"));
        }
    }
    map
}
