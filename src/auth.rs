//! Authentication, and what callers may do.
//!
//! A caller is authenticated once for each request, before anything else. A credential that is not valid refuses the
//! whole request: falling back to anonymous would hide from a program that its key was revoked.

mod api_keys;
mod identity;
mod secret;

use thiserror::Error;

pub use api_keys::{ApiKeys, KeySet, KeySetError, KeySource};
#[cfg(feature = "local")]
pub use api_keys::{NewKey, make_key};
pub use identity::VerifiedIdentity;
pub use secret::{IAM_ACTIONS, secret};

/// A permission. Submitting needs none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// `feedback:read`: all queries.
    Read,
    /// `feedback:manage`: all queries and all mutations.
    Manage,
}

impl Scope {
    /// The scope of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "feedback:read" => Some(Self::Read),
            "feedback:manage" => Some(Self::Manage),
            _ => None,
        }
    }

    /// The highest of the scopes among these names. Each includes those below it; other names are ignored.
    pub fn highest<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        names.into_iter().filter_map(Self::parse).max()
    }

    /// The scope's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "feedback:read",
            Self::Manage => "feedback:manage",
        }
    }
}

/// The caller of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    identity: Identity,
    scope: Option<Scope>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Identity {
    Anonymous,
    Key(String),
    Staff(String),
    /// Anyone who can reach a laptop's server.
    Everyone,
}

impl Caller {
    /// A caller without a credential, who may only submit.
    pub const ANONYMOUS: Self = Self {
        identity: Identity::Anonymous,
        scope: None,
    };

    /// Whoever can reach a laptop's server, where everything is allowed.
    pub const EVERYONE: Self = Self {
        identity: Identity::Everyone,
        scope: Some(Scope::Manage),
    };

    /// Whether the caller has this scope.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.scope.is_some_and(|own| own >= scope)
    }

    /// Whether the caller sent no credential.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.identity == Identity::Anonymous
    }

    /// Whether the caller sent a credential, which is valid.
    #[must_use]
    pub fn has_credential(&self) -> bool {
        matches!(self.identity, Identity::Key(_) | Identity::Staff(_))
    }

    /// The caller's name in the log. Never a secret.
    #[must_use]
    pub fn log_name(&self) -> String {
        match &self.identity {
            Identity::Anonymous => "anonymous".to_owned(),
            Identity::Key(name) => format!("key {name}"),
            Identity::Staff(subject) => format!("staff {subject}"),
            Identity::Everyone => "everyone".to_owned(),
        }
    }
}

/// Why a caller is not authenticated.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum AuthError {
    /// The credential is not valid, or is missing where one is required.
    #[error("the credential is missing or not valid")]
    Unauthenticated,
    /// The credential cannot be checked at the moment.
    #[error("credentials cannot be checked at the moment: try again in a few seconds")]
    Unavailable,
}

/// Authenticates callers.
#[derive(Debug)]
pub enum Authenticator {
    /// Everyone may do everything. For laptops.
    Open,
    /// Callers are authenticated by their credentials, with these API keys, if there are any.
    Guarded(Option<ApiKeys>),
}

impl Authenticator {
    /// The caller of a public path, by the value of the `Authorization` header.
    ///
    /// # Errors
    /// If there is a credential and it is not valid, or cannot be checked.
    pub async fn public_caller(&self, authorization: Option<&[u8]>) -> Result<Caller, AuthError> {
        let keys = match self {
            Self::Open => return Ok(Caller::EVERYONE),
            Self::Guarded(keys) => keys,
        };
        let Some(authorization) = authorization else {
            return Ok(Caller::ANONYMOUS);
        };
        let (Some(token), Some(keys)) = (bearer_token(authorization), keys) else {
            return Err(AuthError::Unauthenticated);
        };
        let (name, scope) = keys.find(token).await?.ok_or(AuthError::Unauthenticated)?;
        Ok(Caller {
            identity: Identity::Key(name),
            scope,
        })
    }

    /// The caller of a staff path, by the identity that API Gateway has verified.
    ///
    /// # Errors
    /// If there is none.
    pub fn staff_caller(&self, identity: Option<&VerifiedIdentity>) -> Result<Caller, AuthError> {
        if let Self::Open = self {
            return Ok(Caller::EVERYONE);
        }
        let identity = identity.ok_or(AuthError::Unauthenticated)?;
        Ok(Caller {
            identity: Identity::Staff(identity.subject.clone()),
            scope: identity.scope,
        })
    }
}

/// The token of `Bearer TOKEN` (RFC 6750 §2.1; the scheme in any case, RFC 9110 §11.1).
fn bearer_token(authorization: &[u8]) -> Option<&str> {
    let (scheme, token) = std::str::from_utf8(authorization).ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn managing_includes_reading() {
        let caller = |scope| Caller {
            identity: Identity::Key("k".to_owned()),
            scope,
        };
        assert!(!caller(None).may(Scope::Read));
        assert!(caller(Some(Scope::Read)).may(Scope::Read));
        assert!(!caller(Some(Scope::Read)).may(Scope::Manage));
        assert!(caller(Some(Scope::Manage)).may(Scope::Read));
        assert!(!Caller::ANONYMOUS.may(Scope::Read));
    }

    #[test]
    fn only_names_of_scopes_are_scopes() {
        assert_eq!(Scope::highest(["openid", "feedback:read"]), Some(Scope::Read));
        assert_eq!(
            Scope::highest(["feedback:manage", "feedback:read"]),
            Some(Scope::Manage)
        );
        assert_eq!(
            Scope::highest(["feedback", "FEEDBACK:READ", "feedback:read2", ""]),
            None
        );
    }

    #[test]
    fn a_bearer_token_is_read_whatever_the_case_of_its_scheme() {
        assert_eq!(bearer_token(b"Bearer abc"), Some("abc"));
        assert_eq!(bearer_token(b"bearer  abc "), Some("abc"));
        for other in ["Basic abc", "Bearer", "abc", "", "Bearerabc"] {
            assert_eq!(bearer_token(other.as_bytes()), None, "{other}");
        }
        assert_eq!(bearer_token(b"Bearer \xff"), None);
    }
}
