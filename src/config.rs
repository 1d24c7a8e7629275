//! Configuration, read once at start-up.
//!
//! It is read through a function from names to values rather than from the process's environment, so that
//! tests need no global state.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;
use tracing::Level;
use url::{Host, Url};

use crate::graphql::{Introspection, Limits};

/// Every variable that [`Config::read`] looks up.
pub const VARIABLES: &[&str] = &[
    TABLE,
    TIMELINE_SHARDS,
    ALLOWED_ORIGINS,
    EXPLORER,
    LOG,
    API_KEYS_SECRET,
    INTROSPECTION,
    RETENTION_DAYS,
    LIMITS,
];

pub use crate::repository::MAX_TIMELINE_SHARDS;

/// The longest retention, in days.
pub const MAX_RETENTION_DAYS: u32 = 3_650;

const TABLE: &str = "FEEDBACK_TABLE";
const TIMELINE_SHARDS: &str = "FEEDBACK_TIMELINE_SHARDS";
const ALLOWED_ORIGINS: &str = "FEEDBACK_ALLOWED_ORIGINS";
const EXPLORER: &str = "FEEDBACK_EXPLORER";
const LOG: &str = "FEEDBACK_LOG";
const API_KEYS_SECRET: &str = "FEEDBACK_API_KEYS_SECRET";
const INTROSPECTION: &str = "FEEDBACK_INTROSPECTION";
const RETENTION_DAYS: &str = "FEEDBACK_RETENTION_DAYS";
const LIMITS: &str = "FEEDBACK_LIMITS";

/// What the service is told by its environment in the cloud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `FEEDBACK_TABLE`: the table's name. Required.
    pub table: String,
    /// `FEEDBACK_TIMELINE_SHARDS`: how many shards the timeline is to have, 1 to [`MAX_TIMELINE_SHARDS`]; 1 if
    /// unset. May be raised at any time. A number lower than it has been before changes nothing.
    pub timeline_shards: NonZeroU32,
    /// `FEEDBACK_ALLOWED_ORIGINS`: which other origins' pages may use the service from a browser; none if
    /// unset.
    pub allowed_origins: AllowedOrigins,
    /// `FEEDBACK_EXPLORER`: whether a browser that opens `/graphql` gets the explorer; `false` if unset.
    pub explorer: bool,
    /// `FEEDBACK_LOG`: the least important level that is logged; `info` if unset.
    pub log: Level,
    /// `FEEDBACK_API_KEYS_SECRET`: the name or ARN of the secret in AWS Secrets Manager that holds the API
    /// keys; none if unset.
    pub api_keys_secret: Option<String>,
    /// `FEEDBACK_INTROSPECTION`: whether clients may ask what the schema looks like; `false` if unset.
    pub introspection: Introspection,
    /// `FEEDBACK_RETENTION_DAYS`: after how many days feedback that is submitted from now on expires, 1 to
    /// [`MAX_RETENTION_DAYS`]; never if unset or 0.
    pub retention: Option<Duration>,
    /// `FEEDBACK_LIMITS`: limits on what one request may ask for; see [`Limits`].
    pub limits: Limits,
}

/// A variable that is missing or has a value that it cannot have.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ConfigError {
    /// It has to be set.
    #[error("{variable} is not set: expected {expected}")]
    Missing {
        /// Its name.
        variable: &'static str,
        /// What it should be.
        expected: String,
    },
    /// It is set to something else.
    #[error("{variable} is {value:?}: expected {expected}")]
    Invalid {
        /// Its name.
        variable: &'static str,
        /// What it is.
        value: String,
        /// What it should be.
        expected: String,
    },
}

impl Config {
    /// Reads the configuration through `lookup`, which gives the value of a variable that is set. A
    /// variable set to nothing counts as unset.
    ///
    /// # Errors
    /// On the first variable that is wrong.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let lookup = |variable| lookup(variable).filter(|value| !value.trim().is_empty());
        let table = lookup(TABLE).ok_or_else(|| ConfigError::Missing {
            variable: TABLE,
            expected: "the name of a DynamoDB table".to_owned(),
        })?;
        Ok(Self {
            table,
            timeline_shards: parsed(&lookup, TIMELINE_SHARDS, parse_shards)?.unwrap_or(NonZeroU32::MIN),
            allowed_origins: parsed(&lookup, ALLOWED_ORIGINS, str::parse)?.unwrap_or_default(),
            explorer: parsed(&lookup, EXPLORER, parse_switch)?.unwrap_or(false),
            log: parsed(&lookup, LOG, parse_level)?.unwrap_or(Level::INFO),
            api_keys_secret: lookup(API_KEYS_SECRET),
            introspection: match parsed(&lookup, INTROSPECTION, parse_switch)? {
                Some(true) => Introspection::On,
                _ => Introspection::Off,
            },
            retention: parsed(&lookup, RETENTION_DAYS, parse_retention)?.flatten(),
            limits: parsed(&lookup, LIMITS, str::parse)?.unwrap_or_default(),
        })
    }
}

fn parsed<T>(
    lookup: &impl Fn(&'static str) -> Option<String>,
    variable: &'static str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, ConfigError> {
    lookup(variable)
        .map(|value| {
            parse(value.trim()).map_err(|expected| ConfigError::Invalid {
                variable,
                value,
                expected,
            })
        })
        .transpose()
}

/// A number of shards.
///
/// # Errors
/// What is expected instead.
pub fn parse_shards(text: &str) -> Result<NonZeroU32, String> {
    text.parse::<NonZeroU32>()
        .ok()
        .filter(|shards| shards.get() <= MAX_TIMELINE_SHARDS)
        .ok_or_else(|| format!("a whole number from 1 to {MAX_TIMELINE_SHARDS}"))
}

fn parse_switch(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| "true or false".to_owned())
}

fn parse_retention(text: &str) -> Result<Option<Duration>, String> {
    let days = text.parse().ok().filter(|days| *days <= MAX_RETENTION_DAYS);
    let days: u32 = days.ok_or_else(|| format!("a whole number of days from 0 to {MAX_RETENTION_DAYS}"))?;
    Ok((days > 0).then(|| Duration::from_hours(24) * days))
}

/// A log level.
///
/// # Errors
/// What is expected instead.
pub fn parse_level(text: &str) -> Result<Level, String> {
    let level = || text.parse::<Level>().ok();
    (!text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(level)
        .flatten()
        .ok_or_else(|| "error, warn, info, debug or trace".to_owned())
}

/// The origins whose pages may use the service from a browser, besides its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum AllowedOrigins {
    /// No other.
    #[default]
    None,
    /// Every one (`*`).
    Any,
    /// Every one on this very machine, at whatever port: for the laptop.
    Loopback,
    /// These, as browsers write them: scheme, host and, unless it is the scheme's own, port.
    Listed(Vec<String>),
}

impl AllowedOrigins {
    /// Whether a page of `origin`, as the browser writes it, may use the service.
    #[must_use]
    pub fn allows(&self, origin: &str) -> bool {
        match self {
            Self::None => false,
            Self::Any => true,
            Self::Listed(origins) => origins.iter().any(|listed| listed == origin),
            Self::Loopback => {
                Url::parse(origin).is_ok_and(|url| url.host().is_some_and(|host| is_loopback(&host)))
            }
        }
    }
}

/// Whether a host is this very machine to whoever asks for it: a loopback address, or a name that resolves to one
/// everywhere (RFC 6761, section 6.3).
pub(crate) fn is_loopback<T: AsRef<str>>(host: &Host<T>) -> bool {
    match host {
        Host::Domain(name) => {
            let name = name.as_ref();
            name == "localhost" || name.ends_with(".localhost")
        }
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.to_canonical().is_loopback(),
    }
}

/// Reads `*`, or origins with commas between them.
impl FromStr for AllowedOrigins {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let origins = text
            .split(',')
            .map(str::trim)
            .filter(|origin| !origin.is_empty())
            .map(parse_origin)
            .collect::<Option<Vec<_>>>();
        origins.map(Self::Listed).ok_or_else(|| {
            "* or origins like https://example.org with commas between them, without paths".to_owned()
        })
    }
}

/// The origin as browsers write it: lower case, no slash at the end, no port where it is the scheme's own.
fn parse_origin(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let has_more = url.path() != "/"
        || text.ends_with('/')
        || url.query().is_some()
        || url.fragment().is_some()
        || !url.username().is_empty();
    let origin = url.origin();
    (matches!(url.scheme(), "http" | "https") && !has_more && origin.is_tuple())
        .then(|| origin.ascii_serialization())
}

impl fmt::Display for AllowedOrigins {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => formatter.write_str("no other origin"),
            Self::Any => formatter.write_str("every origin"),
            Self::Loopback => formatter.write_str("every origin on this machine"),
            Self::Listed(origins) => formatter.write_str(&origins.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::read(|name| {
            let (_, value) = variables.iter().find(|(variable, _)| *variable == name)?;
            Some((*value).to_owned())
        })
    }

    #[test]
    fn the_table_is_all_that_has_to_be_set() {
        let expected = Config {
            table: "Feedback".to_owned(),
            timeline_shards: NonZeroU32::MIN,
            allowed_origins: AllowedOrigins::None,
            explorer: false,
            log: Level::INFO,
            api_keys_secret: None,
            introspection: Introspection::Off,
            retention: None,
            limits: Limits::default(),
        };
        assert_eq!(read(&[("FEEDBACK_TABLE", "Feedback")]), Ok(expected.clone()));
        let empty = VARIABLES
            .iter()
            .map(|variable| (*variable, ""))
            .collect::<Vec<_>>();
        let set = [&[("FEEDBACK_TABLE", "Feedback")], empty.as_slice()].concat();
        assert_eq!(read(&set), Ok(expected));
    }

    #[test]
    fn an_error_names_the_variable_the_value_and_what_was_expected() {
        let error = |name, value| {
            read(&[("FEEDBACK_TABLE", "t"), (name, value)])
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            read(&[]).unwrap_err().to_string(),
            "FEEDBACK_TABLE is not set: expected the name of a DynamoDB table"
        );
        for shards in ["0", "65", "-1", "many", "1.0"] {
            assert_eq!(
                error("FEEDBACK_TIMELINE_SHARDS", shards),
                format!("FEEDBACK_TIMELINE_SHARDS is {shards:?}: expected a whole number from 1 to 64")
            );
        }
        assert_eq!(
            error("FEEDBACK_EXPLORER", "yes"),
            "FEEDBACK_EXPLORER is \"yes\": expected true or false"
        );
        assert_eq!(
            error("FEEDBACK_LOG", "3"),
            "FEEDBACK_LOG is \"3\": expected error, warn, info, debug or trace"
        );
        for origin in [
            "https://example.org/",
            "https://example.org/app",
            "example.org",
            "ftp://example.org",
            "*, *",
        ] {
            assert!(
                error("FEEDBACK_ALLOWED_ORIGINS", origin).contains("without paths"),
                "{origin}"
            );
        }
    }

    #[test]
    fn origins_are_compared_as_browsers_write_them() {
        let origins: AllowedOrigins = "HTTPS://Example.org:443 , http://localhost:3000".parse().unwrap();
        assert!(origins.allows("https://example.org"));
        assert!(origins.allows("http://localhost:3000"));
        for other in [
            "http://example.org",
            "https://example.org.evil.example",
            "http://localhost",
            "null",
        ] {
            assert!(!origins.allows(other), "{other}");
        }
    }

    #[test]
    fn a_laptop_allows_only_itself() {
        for origin in [
            "http://localhost:3000",
            "http://127.0.0.1:5173",
            "http://[::1]:8080",
            "https://app.localhost",
        ] {
            assert!(AllowedOrigins::Loopback.allows(origin), "{origin}");
        }
        for origin in [
            "https://example.org",
            "http://localhost.example.org",
            "http://128.0.0.1",
            "null",
        ] {
            assert!(!AllowedOrigins::Loopback.allows(origin), "{origin}");
        }
    }
}
