//! Identities that API Gateway has verified.

use serde_json::{Map, Value};

use super::Scope;

/// The claims with a token's scopes: OAuth's (RFC 8693 §4.2), that of Okta and Microsoft Entra, and Cognito's groups.
const SCOPE_CLAIMS: [&str; 3] = ["scope", "scp", "cognito:groups"];

/// An identity that API Gateway has verified, from the event's request context and nothing else: a client cannot forge
/// it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedIdentity {
    /// The token's subject, or the IAM principal's ARN.
    pub(super) subject: String,
    /// The scope, if any.
    pub(super) scope: Option<Scope>,
}

impl VerifiedIdentity {
    /// The bearer of a token with these claims: its subject, with the highest of the scopes that its claims
    /// `scope`, `scp` and `cognito:groups` name. `None` if it has no subject.
    #[must_use]
    pub fn of_token(claims: &Map<String, Value>) -> Option<Self> {
        let subject = claims.get("sub")?.as_str()?;
        let claims = SCOPE_CLAIMS.into_iter().filter_map(|name| claims.get(name));
        let scope = Scope::highest(claims.flat_map(names));
        Self::new(subject, scope)
    }

    /// The IAM principal with this ARN. A principal that IAM policies allow to call the path may do everything.
    #[must_use]
    pub fn of_principal(arn: &str) -> Option<Self> {
        Self::new(arn, Some(Scope::Manage))
    }

    fn new(subject: &str, scope: Option<Scope>) -> Option<Self> {
        (!subject.is_empty()).then(|| Self {
            subject: subject.to_owned(),
            scope,
        })
    }
}

/// The names in a claim: a list, or a text. API Gateway writes a list as `[one other]` or `one,other`.
fn names(claim: &Value) -> impl Iterator<Item = &str> {
    let texts = match claim {
        Value::Array(texts) => texts.as_slice(),
        text => std::slice::from_ref(text),
    };
    let texts = texts.iter().filter_map(Value::as_str);
    let names = texts.flat_map(|text| text.split([' ', ',', '[', ']']));
    names.map(|name| match name {
        // Cognito puts a slash between the resource server and its scope.
        "feedback/read" => "feedback:read",
        "feedback/manage" => "feedback:manage",
        name => name,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn scope(claims: Value) -> Option<Scope> {
        let mut claims = claims;
        claims["sub"] = json!("sam");
        let identity = VerifiedIdentity::of_token(claims.as_object().unwrap()).unwrap();
        assert_eq!(identity.subject, "sam");
        identity.scope
    }

    #[test]
    fn a_scope_is_read_from_every_claim_that_issuers_put_it_in() {
        for claims in [
            json!({ "scope": "openid feedback:read" }),
            json!({ "scope": "feedback/read" }),
            json!({ "scp": "openid feedback:read" }),
            json!({ "scp": ["openid", "feedback:read"] }),
            json!({ "scp": "[openid feedback:read]" }),
            json!({ "scp": "[feedback:read]" }),
            json!({ "cognito:groups": "[editors feedback:read]" }),
            json!({ "cognito:groups": "editors,feedback:read" }),
            json!({ "cognito:groups": ["feedback:read"] }),
            json!({ "scope": "openid", "scp": [5, null, "feedback:read"], "cognito:groups": "[editors]" }),
        ] {
            assert_eq!(scope(claims.clone()), Some(Scope::Read), "{claims}");
        }
        let both = json!({ "scope": "feedback:read", "scp": ["feedback:manage"] });
        assert_eq!(scope(both), Some(Scope::Manage));
    }

    #[test]
    fn what_only_looks_like_a_scope_is_none() {
        for claims in [
            json!({}),
            json!({ "scp": null }),
            json!({ "scp": { "feedback:read": true } }),
            json!({ "scp": [["feedback:read"]] }),
            json!({ "scope": "xfeedback:read feedback:reads FEEDBACK:READ" }),
            json!({ "scopes": "feedback:read", "groups": ["feedback:read"], "roles": ["feedback:read"] }),
        ] {
            assert_eq!(scope(claims.clone()), None, "{claims}");
        }
    }

    #[test]
    fn nobody_is_not_an_identity() {
        for claims in [json!({}), json!({ "sub": "" }), json!({ "sub": 5 })] {
            assert_eq!(
                VerifiedIdentity::of_token(claims.as_object().unwrap()),
                None,
                "{claims}"
            );
        }
        assert_eq!(VerifiedIdentity::of_principal(""), None);
        let arn = "arn:aws:iam::123456789012:user/sam";
        let principal = VerifiedIdentity::of_principal(arn).unwrap();
        assert_eq!(
            (principal.subject.as_str(), principal.scope),
            (arn, Some(Scope::Manage))
        );
    }
}
