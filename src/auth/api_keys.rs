//! API keys, for servers and scripts.
//!
//! A key is a random token that only its owner has. The service stores its SHA-256 digest. A plain digest is enough,
//! because a key has 256 random bits and cannot be guessed.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use thiserror::Error;
use tokio::sync::Mutex;

use super::{AuthError, Scope};
use crate::domain::{Clock, Timestamp};
use crate::logging::beginning;

/// How long keys are cached.
const LIFETIME: Duration = Duration::from_mins(5);
/// How long the previous keys stay valid after reading fails, before it is retried.
const RETRY_AFTER: Duration = Duration::from_secs(30);
/// How long until it is retried if there are no previous keys. Not at once, so that nobody who sends tokens can make the
/// service read them all the time.
const FIRST_RETRY_AFTER: Duration = Duration::from_secs(5);

/// The most bytes of the reason for a failed read in the log. It names keys and scopes.
const MAX_REASON: usize = 256;

/// Reads the text that the keys are stored in. The error is for the log.
pub type KeySource = Arc<dyn Fn() -> BoxFuture<'static, Result<String, String>> + Send + Sync>;

/// The keys from a source: read when a token first arrives, and cached.
pub struct ApiKeys {
    source: KeySource,
    lifetime: Duration,
    clock: Clock,
    read: Mutex<Option<Read>>,
}

/// The result of a read.
struct Read {
    /// The keys that were read last, if any.
    keys: Option<KeySet>,
    /// The time of the next read.
    fresh_until: Timestamp,
}

impl ApiKeys {
    /// The keys from `source`, cached for five minutes.
    #[must_use]
    pub fn new(source: KeySource, clock: Clock) -> Self {
        Self {
            source,
            lifetime: LIFETIME,
            clock,
            read: Mutex::new(None),
        }
    }

    /// The same keys, read for each request: for a source that costs nothing.
    #[must_use]
    pub fn without_cache(self) -> Self {
        Self {
            lifetime: Duration::ZERO,
            ..self
        }
    }

    /// The name and the scope of the key with this token, if there is one.
    pub(super) async fn find(&self, token: &str) -> Result<Option<(String, Option<Scope>)>, AuthError> {
        let now = self.clock.now();
        let mut read = self.read.lock().await;
        let is_fresh = read.as_ref().is_some_and(|read| now < read.fresh_until);
        if !is_fresh {
            let keys = (self.source)().await;
            let keys = keys.and_then(|text| KeySet::parse(&text).map_err(|error| error.to_string()));
            let old = read.take().and_then(|read| read.keys);
            let (keys, good_for) = match (keys, old) {
                (Ok(keys), _) => (Some(keys), self.lifetime),
                (Err(error), Some(old)) => {
                    let error = beginning(&error, MAX_REASON);
                    tracing::warn!(error, "API keys could not be read: the previous ones stay valid");
                    (Some(old), RETRY_AFTER)
                }
                (Err(error), None) => {
                    let error = beginning(&error, MAX_REASON);
                    tracing::error!(error, "API keys could not be read");
                    (None, FIRST_RETRY_AFTER)
                }
            };
            let fresh_until = after(now, good_for);
            *read = Some(Read { keys, fresh_until });
        }
        let keys = read.as_ref().and_then(|read| read.keys.as_ref());
        keys.map(|keys| keys.find(token)).ok_or(AuthError::Unavailable)
    }
}

impl fmt::Debug for ApiKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ApiKeys")
    }
}

fn after(time: Timestamp, duration: Duration) -> Timestamp {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    Timestamp::saturating_from_millis(time.as_millis().saturating_add(millis))
}

/// Keys as they are stored: `{"keys": [{"name": …, "sha256": …, "scopes": […]}]}`.
#[derive(Debug, Clone, Default)]
pub struct KeySet(Vec<Key>);

#[derive(Debug, Clone)]
struct Key {
    name: String,
    digest: [u8; 32],
    scope: Option<Scope>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredKeys {
    keys: Vec<StoredKey>,
}

/// One key as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredKey {
    name: String,
    sha256: String,
    scopes: Vec<String>,
}

/// Why stored keys are not valid. Names and locations, never digests.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum KeySetError {
    /// Not JSON of the expected form.
    #[error(
        "expected {{\"keys\": [{{\"name\": …, \"sha256\": …, \"scopes\": […]}}]}}: the error is at line {line} column {column}"
    )]
    Shape {
        /// The line of the error.
        line: usize,
        /// Its column.
        column: usize,
    },
    /// A digest is not valid.
    #[error("the sha256 of the key {0:?} must be 64 hexadecimal digits")]
    Digest(String),
    /// A scope is unknown.
    #[error("the key {0:?} has the unknown scope {1:?}: expected feedback:read or feedback:manage")]
    Scope(String, String),
    /// A name is repeated.
    #[error("the key name {0:?} is repeated")]
    Name(String),
}

impl KeySet {
    /// Reads stored keys.
    ///
    /// # Errors
    /// If anything in the text is not valid: a typing error must not grant or revoke access silently.
    pub fn parse(text: &str) -> Result<Self, KeySetError> {
        let stored: StoredKeys = serde_json::from_str(text).map_err(|error| KeySetError::Shape {
            line: error.line(),
            column: error.column(),
        })?;
        let mut keys: Vec<Key> = Vec::with_capacity(stored.keys.len());
        for StoredKey { name, sha256, scopes } in stored.keys {
            if let Some(unknown) = scopes.iter().find(|scope| Scope::parse(scope).is_none()) {
                return Err(KeySetError::Scope(name, unknown.clone()));
            }
            if keys.iter().any(|key| key.name == name) {
                return Err(KeySetError::Name(name));
            }
            let mut digest = [0; 32];
            if hex::decode_to_slice(sha256, &mut digest).is_err() {
                return Err(KeySetError::Digest(name));
            }
            let scope = Scope::highest(scopes.iter().map(String::as_str));
            keys.push(Key { name, digest, scope });
        }
        Ok(Self(keys))
    }

    /// The name and the scope of the key with this token, found in constant time.
    fn find(&self, token: &str) -> Option<(String, Option<Scope>)> {
        let digest = Sha256::digest(token);
        let mut found = u32::MAX;
        for (index, key) in (0_u32..).zip(&self.0) {
            let is_it: Choice = key.digest.as_slice().ct_eq(digest.as_slice());
            found.conditional_assign(&index, is_it);
        }
        let key = self.0.get(usize::try_from(found).ok()?)?;
        Some((key.name.clone(), key.scope))
    }
}

/// A new key. Its token is stored nowhere.
#[cfg(feature = "local")]
#[derive(Debug)]
pub struct NewKey {
    /// The token that its owner sends: `Authorization: Bearer TOKEN`.
    pub token: String,
    /// The entry of `keys` to store, as JSON.
    pub entry: String,
}

/// Creates a key of 256 random bits.
///
/// # Errors
/// If the operating system has no random numbers.
#[cfg(feature = "local")]
pub fn make_key(name: &str, scopes: &[Scope]) -> Result<NewKey, getrandom::Error> {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    let mut random = [0_u8; 32];
    getrandom::fill(&mut random)?;
    // The prefix lets secret scanners recognize a leaked key.
    let token = format!("feedback_{}", URL_SAFE_NO_PAD.encode(random));
    let entry = StoredKey {
        name: name.to_owned(),
        sha256: hex::encode(Sha256::digest(&token)),
        scopes: scopes.iter().map(|scope| scope.name().to_owned()).collect(),
    };
    let entry = serde_json::to_string(&entry).unwrap_or_default();
    Ok(NewKey { token, entry })
}

#[cfg(all(test, feature = "local"))]
#[expect(
    clippy::unwrap_used,
    reason = "the lint's own exception covers only test functions"
)]
mod tests {
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

    use super::*;

    fn keys(entries: &[&str]) -> String {
        format!("{{\"keys\": [{}]}}", entries.join(", "))
    }

    #[test]
    fn a_made_key_is_found_by_its_token_alone() {
        let (one, other) = (
            make_key("one", &[Scope::Read]).unwrap(),
            make_key("other", &[Scope::Manage]).unwrap(),
        );
        let set = KeySet::parse(&keys(&[&one.entry, &other.entry])).unwrap();
        assert_eq!(set.find(&one.token), Some(("one".to_owned(), Some(Scope::Read))));
        assert_eq!(
            set.find(&other.token),
            Some(("other".to_owned(), Some(Scope::Manage)))
        );
        for token in ["", "one", &one.token[1..], &format!("{} ", one.token)] {
            assert_eq!(set.find(token), None, "{token}");
        }
        assert!(!one.entry.contains(&one.token));
        assert_eq!(KeySet::default().find(&one.token), None);
    }

    #[test]
    fn what_is_wrong_with_stored_keys_is_told_without_their_digests() {
        let digest = "a".repeat(64);
        let key = |name: &str, sha256: &str, scope: &str| {
            format!("{{\"name\": {name:?}, \"sha256\": {sha256:?}, \"scopes\": [{scope:?}]}}")
        };
        for (text, error) in [
            (String::new(), KeySetError::Shape { line: 1, column: 0 }),
            (
                "{\"keys\": [1]}".to_owned(),
                KeySetError::Shape { line: 1, column: 11 },
            ),
            (
                keys(&[&key("k", "abc", "feedback:read")]),
                KeySetError::Digest("k".to_owned()),
            ),
            (
                keys(&[&key("k", &digest, "read")]),
                KeySetError::Scope("k".to_owned(), "read".to_owned()),
            ),
            (
                keys(&[
                    &key("k", &digest, "feedback:read"),
                    &key("k", &digest, "feedback:read"),
                ]),
                KeySetError::Name("k".to_owned()),
            ),
        ] {
            assert_eq!(KeySet::parse(&text).unwrap_err(), error);
        }
    }

    /// A source whose text can be changed, or taken away, and that counts how often it is read.
    #[derive(Clone, Default)]
    struct Store {
        text: Arc<std::sync::Mutex<Option<String>>>,
        reads: Arc<AtomicUsize>,
    }

    impl Store {
        fn set(&self, text: Option<String>) {
            *self.text.lock().unwrap() = text;
        }

        fn source(&self) -> KeySource {
            let store = self.clone();
            Arc::new(move || {
                store.reads.fetch_add(1, Ordering::Relaxed);
                let text = store.text.lock().unwrap().clone();
                Box::pin(async move { text.ok_or_else(|| "down".to_owned()) })
            })
        }
    }

    #[tokio::test]
    async fn keys_are_read_when_needed_kept_for_five_minutes_and_outlive_an_outage() {
        let now = Arc::new(AtomicU64::new(1_000_000));
        let store = Store::default();
        let api_keys = ApiKeys::new(store.source(), Clock::Manual(Arc::clone(&now)));
        assert_eq!(store.reads.load(Ordering::Relaxed), 0);

        let (old, new) = (make_key("old", &[]).unwrap(), make_key("new", &[]).unwrap());
        assert_eq!(api_keys.find(&old.token).await, Err(AuthError::Unavailable));
        assert_eq!(api_keys.find(&old.token).await, Err(AuthError::Unavailable));
        assert_eq!(
            store.reads.load(Ordering::Relaxed),
            1,
            "not asked for again at once"
        );
        store.set(Some(keys(&[&old.entry])));
        now.fetch_add(5_000, Ordering::Relaxed);
        let is_known = async |key: &NewKey| api_keys.find(&key.token).await.unwrap().is_some();
        assert!(is_known(&old).await);
        store.set(Some(keys(&[&new.entry])));
        now.fetch_add(299_999, Ordering::Relaxed);
        assert!(
            is_known(&old).await && !is_known(&new).await,
            "kept for five minutes"
        );
        now.fetch_add(1, Ordering::Relaxed);
        assert!(is_known(&new).await && !is_known(&old).await, "rotated");

        let reads = store.reads.load(Ordering::Relaxed);
        store.set(None);
        now.fetch_add(300_000, Ordering::Relaxed);
        assert!(
            is_known(&new).await && is_known(&new).await,
            "the old value is kept while the store is down"
        );
        assert_eq!(
            store.reads.load(Ordering::Relaxed),
            reads + 1,
            "and not asked for all the time"
        );
        store.set(Some("broken".to_owned()));
        now.fetch_add(30_000, Ordering::Relaxed);
        assert!(is_known(&new).await, "a broken value does no more harm than none");
    }
}
