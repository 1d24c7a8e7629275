//! Configuration, read once at start-up, by concern.
//!
//! It is read through a function from names to values rather than from the process's environment, so that
//! tests need no global state. The laptop's options are parsed by the same functions.

use std::cell::RefCell;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::LazyLock;
use std::time::Duration;

use thiserror::Error;
use tracing::Level;

use crate::domain::QuarantineRules;
use crate::graphql::{ArbitraryDocuments, Executor, Federation, Introspection, Limits, TrustedDocuments};
use crate::http::{AllowedOrigins, ClientAddressHeader};
use crate::repository::{ClientLimit, Indexes};
pub use crate::repository::{MAX_CLIENT_LIMIT, MAX_TIMELINE_SHARDS};

/// Every variable that [`Config::read`] looks up.
pub static VARIABLES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let names = RefCell::new(Vec::new());
    // With a table and nothing else, there is no error to end it early.
    let _ = Config::read(|name| {
        names.borrow_mut().push(name);
        (name == TABLE).then(|| "table".to_owned())
    });
    names.into_inner()
});

/// The longest retention, in days.
pub const MAX_RETENTION_DAYS: u32 = 3_650;

const TABLE: &str = "FEEDBACK_TABLE";

/// The service's configuration in the cloud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The table.
    pub table: Table,
    /// Who gets in, and what they are shown.
    pub access: Access,
    /// What clients may execute.
    pub documents: Documents,
    /// `FEEDBACK_QUARANTINE`: when feedback is put aside; see [`QuarantineRules`].
    pub quarantine: QuarantineRules,
    /// `FEEDBACK_LIMITS`: limits on one request; see [`Limits`].
    pub limits: Limits,
    /// `FEEDBACK_LOG`: the least severe level that is logged; `info` if unset.
    pub log: Level,
    /// `FEEDBACK_METRICS`: whether the log line of a request is also metrics, in CloudWatch's embedded metric format;
    /// `false` if unset. Then such lines are logged at every level.
    pub metrics: bool,
}

/// Configuration of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// `FEEDBACK_TABLE`: its name. Required.
    pub name: String,
    /// `FEEDBACK_TIMELINE_SHARDS`: the number of shards of the timeline, 1 to [`MAX_TIMELINE_SHARDS`]; 1 if unset. Can
    /// be raised at any time; a smaller number than before has no effect.
    pub shards: NonZeroU32,
    /// `FEEDBACK_INDEXES`: the indexes besides those that are always there; `status,topic` if unset. See [`Indexes`].
    pub indexes: Indexes,
    /// `FEEDBACK_RETENTION_DAYS`: how long feedback that is submitted from now on is kept; forever if unset.
    pub retention: Retention,
}

/// Configuration of access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// `FEEDBACK_ALLOWED_ORIGINS`: the other origins whose pages may use the service from a browser; none if unset.
    pub allowed_origins: AllowedOrigins,
    /// `FEEDBACK_API_KEYS_SECRET`: the name or ARN of the secret in AWS Secrets Manager that holds the API keys; none
    /// if unset.
    pub api_keys_secret: Option<String>,
    /// `FEEDBACK_CLIENT_LIMIT`: the submissions an hour that are accepted from one client without a credential; any
    /// number if unset. See [`ClientLimit`].
    pub client_limit: ClientLimit,
    /// `FEEDBACK_CLIENT_ADDRESS_HEADER`: the header in which a proxy in front of the service says the address of the
    /// client; that of the connection counts if unset. Only where all requests come through that proxy.
    pub client_address_header: Option<ClientAddressHeader>,
    /// `FEEDBACK_EXPLORER`: whether a browser that opens `/graphql` gets the explorer; `false` if unset.
    pub explorer: bool,
    /// `FEEDBACK_INTROSPECTION`: whether introspection is enabled; `false` if unset.
    pub introspection: Introspection,
    /// `FEEDBACK_FEDERATION`: whether the schema is a subgraph of a federated graph; `false` if unset.
    pub federation: Federation,
}

/// Configuration of trusted documents.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Documents {
    /// `FEEDBACK_DOCUMENTS`: the path of the file with the trusted documents; none if unset. See [`TrustedDocuments`].
    pub file: Option<PathBuf>,
    /// `FEEDBACK_ARBITRARY_DOCUMENTS`: who may send other documents; `everyone` if unset, and without a file.
    pub arbitrary: ArbitraryDocuments,
}

/// A variable that is missing or not valid.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ConfigError {
    /// It is required and not set.
    #[error("{variable} is not set: expected {expected}")]
    Missing {
        /// Its name.
        variable: &'static str,
        /// The expected value.
        expected: String,
    },
    /// Its value is not valid.
    #[error("{variable} is {value:?}: expected {expected}")]
    Invalid {
        /// Its name.
        variable: &'static str,
        /// Its value.
        value: String,
        /// The expected value.
        expected: String,
    },
}

/// The value of a variable; `None` if it is unset.
type Lookup<'a> = &'a dyn Fn(&'static str) -> Option<String>;

impl Config {
    /// Reads the configuration through `lookup`, which returns the value of a variable that is set. An empty value
    /// counts as unset.
    ///
    /// # Errors
    /// For the first variable that is not valid.
    pub fn read(lookup: impl Fn(&'static str) -> Option<String>) -> Result<Self, ConfigError> {
        let lookup = |variable: &'static str| lookup(variable).filter(|value| !value.trim().is_empty());
        Ok(Self {
            table: Table::read(&lookup)?,
            access: Access::read(&lookup)?,
            documents: Documents::read(&lookup)?,
            quarantine: parsed(&lookup, "FEEDBACK_QUARANTINE", str::parse)?.unwrap_or_default(),
            limits: parsed(&lookup, "FEEDBACK_LIMITS", str::parse)?.unwrap_or_default(),
            log: parsed(&lookup, "FEEDBACK_LOG", parse_level)?.unwrap_or(Level::INFO),
            metrics: parsed(&lookup, "FEEDBACK_METRICS", parse_switch)?.unwrap_or(false),
        })
    }
}

impl Table {
    fn read(lookup: Lookup<'_>) -> Result<Self, ConfigError> {
        let name = lookup(TABLE).ok_or_else(|| ConfigError::Missing {
            variable: TABLE,
            expected: "the name of a DynamoDB table".to_owned(),
        })?;
        Ok(Self {
            name,
            shards: parsed(lookup, "FEEDBACK_TIMELINE_SHARDS", parse_shards)?.unwrap_or(NonZeroU32::MIN),
            indexes: parsed(lookup, "FEEDBACK_INDEXES", str::parse)?.unwrap_or_default(),
            retention: parsed(lookup, "FEEDBACK_RETENTION_DAYS", str::parse)?.unwrap_or_default(),
        })
    }
}

impl Access {
    fn read(lookup: Lookup<'_>) -> Result<Self, ConfigError> {
        let switch = |variable| parsed(lookup, variable, parse_switch).map(|on| on.unwrap_or(false));
        Ok(Self {
            allowed_origins: parsed(lookup, "FEEDBACK_ALLOWED_ORIGINS", str::parse)?.unwrap_or_default(),
            api_keys_secret: lookup("FEEDBACK_API_KEYS_SECRET"),
            client_limit: parsed(lookup, "FEEDBACK_CLIENT_LIMIT", str::parse)?.unwrap_or_default(),
            client_address_header: parsed(lookup, "FEEDBACK_CLIENT_ADDRESS_HEADER", str::parse)?,
            explorer: switch("FEEDBACK_EXPLORER")?,
            introspection: switch("FEEDBACK_INTROSPECTION")?.into(),
            federation: switch("FEEDBACK_FEDERATION")?.into(),
        })
    }
}

impl Documents {
    fn read(lookup: Lookup<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            file: lookup("FEEDBACK_DOCUMENTS").map(PathBuf::from),
            arbitrary: parsed(lookup, "FEEDBACK_ARBITRARY_DOCUMENTS", str::parse)?.unwrap_or_default(),
        })
    }

    /// The schema that executes the documents in the file, which are valid against it and within its limits.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the file, or that one is required.
    pub fn executor(
        &self,
        introspection: Introspection,
        federation: Federation,
        limits: Limits,
    ) -> Result<Executor, String> {
        let trusted = match &self.file {
            Some(file) => Some(TrustedDocuments::load(file, self.arbitrary, federation, &limits)?),
            None if self.arbitrary == ArbitraryDocuments::Everyone => None,
            None => {
                let error = "FEEDBACK_ARBITRARY_DOCUMENTS other than everyone requires trusted documents: let \
                             FEEDBACK_DOCUMENTS name a file with them";
                return Err(error.to_owned());
            }
        };
        Ok(Executor::new(introspection, limits)
            .federated(federation)
            .trusting(trusted))
    }
}

fn parsed<T>(
    lookup: Lookup<'_>,
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

/// How long feedback is kept; without a duration, forever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention(pub Option<Duration>);

/// Reads a number of days, 0 to [`MAX_RETENTION_DAYS`]; 0 is forever.
impl FromStr for Retention {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let days = text.parse().ok().filter(|days| *days <= MAX_RETENTION_DAYS);
        let days: u32 =
            days.ok_or_else(|| format!("a whole number of days from 0 to {MAX_RETENTION_DAYS}"))?;
        Ok(Self((days > 0).then(|| Duration::from_hours(24) * days)))
    }
}

/// Reads a number of shards.
///
/// # Errors
/// The expected value.
pub fn parse_shards(text: &str) -> Result<NonZeroU32, String> {
    text.parse::<NonZeroU32>()
        .ok()
        .filter(|shards| shards.get() <= MAX_TIMELINE_SHARDS)
        .ok_or_else(|| format!("a whole number from 1 to {MAX_TIMELINE_SHARDS}"))
}

fn parse_switch(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| "true or false".to_owned())
}

/// Reads a log level.
///
/// # Errors
/// The expected value.
pub fn parse_level(text: &str) -> Result<Level, String> {
    let level = || text.parse::<Level>().ok();
    (!text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(level)
        .flatten()
        .ok_or_else(|| "error, warn, info, debug or trace".to_owned())
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
            table: Table {
                name: "Feedback".to_owned(),
                shards: NonZeroU32::MIN,
                indexes: Indexes::default(),
                retention: Retention(None),
            },
            access: Access {
                allowed_origins: AllowedOrigins::None,
                api_keys_secret: None,
                client_limit: ClientLimit::default(),
                client_address_header: None,
                explorer: false,
                introspection: Introspection::Off,
                federation: Federation::Off,
            },
            documents: Documents::default(),
            quarantine: QuarantineRules::default(),
            limits: Limits::default(),
            log: Level::INFO,
            metrics: false,
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
        assert_eq!(
            error("FEEDBACK_INDEXES", "status,tags"),
            "FEEDBACK_INDEXES is \"status,tags\": expected none, or some of status, topic, rating, person with commas \
             between them"
        );
        for shards in ["0", "65", "-1", "many", "1.0"] {
            assert_eq!(
                error("FEEDBACK_TIMELINE_SHARDS", shards),
                format!("FEEDBACK_TIMELINE_SHARDS is {shards:?}: expected a whole number from 1 to 64")
            );
        }
        for limit in ["-1", "1000001", "3/h", "1.5", "off"] {
            assert_eq!(
                error("FEEDBACK_CLIENT_LIMIT", limit),
                format!(
                    "FEEDBACK_CLIENT_LIMIT is {limit:?}: expected a whole number of submissions an hour from 0, for no \
                     limit, to 1000000"
                )
            );
        }
        assert_eq!(
            error("FEEDBACK_CLIENT_ADDRESS_HEADER", "two words"),
            "FEEDBACK_CLIENT_ADDRESS_HEADER is \"two words\": expected the name of a header, like \
             CloudFront-Viewer-Address"
        );
        assert_eq!(
            error("FEEDBACK_QUARANTINE", "links=many"),
            "FEEDBACK_QUARANTINE is \"links=many\": expected pairs like \"trap=1 elapsedMs=1500\" of trap (0 or 1), \
             elapsedMs (at most 9999999), links (99) and perClient (9999); trap=0 alone puts nothing aside"
        );
        assert_eq!(
            error("FEEDBACK_EXPLORER", "yes"),
            "FEEDBACK_EXPLORER is \"yes\": expected true or false"
        );
        assert_eq!(
            error("FEEDBACK_METRICS", "on"),
            "FEEDBACK_METRICS is \"on\": expected true or false"
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
}
