//! Trusted documents: a deployment brings them along, and clients name them by id instead of sending their text (GraphQL
//! over HTTP, "Persisted Documents").
//!
//! They are validated when the service starts, and stay parsed. A text that clients send is never added: whoever could
//! add one would not need to be trusted.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use async_graphql::ServerError;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Federation;
use super::definition::{Definition, definition};
use super::document::Document;
use super::error::{ErrorCode, request_error};
use super::limits::Limits;
use super::validation::validated;
use crate::auth::Caller;

/// What Apollo's manifest says of its own format.
const APOLLO_FORMAT: &str = "apollo-persisted-query-manifest";

/// The prefix of an id that is the SHA-256 of its document.
const SHA256: &str = "sha256:";

/// The most characters of an id that are repeated in an error.
const MAX_QUOTED: usize = 80;

/// Who may send documents that are not trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ArbitraryDocuments {
    /// All callers.
    #[default]
    Everyone,
    /// Callers with a credential, and whoever can reach a laptop's server that requires none.
    Credentialed,
    /// No caller.
    Nobody,
}

impl FromStr for ArbitraryDocuments {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "everyone" => Ok(Self::Everyone),
            "credentialed" => Ok(Self::Credentialed),
            "nobody" => Ok(Self::Nobody),
            _ => Err("everyone, credentialed or nobody".to_owned()),
        }
    }
}

impl ArbitraryDocuments {
    fn are_allowed_to(self, caller: &Caller) -> bool {
        match self {
            Self::Everyone => true,
            Self::Credentialed => !caller.is_anonymous(),
            Self::Nobody => false,
        }
    }
}

/// The document of a request.
#[derive(Debug)]
pub enum RequestedDocument {
    /// Its text, and an id that has to fit where it is known or a hash.
    Text {
        /// The text.
        text: String,
        /// The id.
        id: Option<DocumentId>,
    },
    /// Its id alone.
    Id(DocumentId),
}

/// The id by which a request names its document.
#[derive(Debug)]
pub struct DocumentId {
    text: String,
    /// The SHA-256 of the document, if the id is one.
    sha256: Option<Hash>,
    /// Whether the request follows Apollo's protocol, whose clients expect messages of their own.
    is_of_apollo: bool,
}

type Hash = [u8; 32];

impl DocumentId {
    /// Reads a `documentId`.
    ///
    /// # Errors
    /// A sentence with the expected form, where the prefix is unknown.
    pub fn parse(text: &str) -> Result<Self, String> {
        let sha256 = text.strip_prefix(SHA256).and_then(lowercase_hash);
        if sha256.is_none() && (text.is_empty() || text.contains(':')) {
            let expected = "`documentId` must be `sha256:` with 64 lower-case hexadecimal digits, or an id without a colon";
            return Err(expected.to_owned());
        }
        Ok(Self {
            text: text.to_owned(),
            sha256,
            is_of_apollo: false,
        })
    }

    /// The `sha256Hash` of Apollo's protocol, which is any id of a manifest too.
    #[must_use]
    pub fn of_apollo(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            sha256: lowercase_hash(text),
            is_of_apollo: true,
        }
    }

    /// The error of a service without trusted documents.
    pub(super) fn not_supported(&self) -> ServerError {
        let message = if self.is_of_apollo {
            "PersistedQueryNotSupported"
        } else {
            "the service has no trusted documents: send the text of the document as `query`"
        };
        request_error(ErrorCode::PersistedQueryNotSupported, message)
    }
}

/// Valid documents, by id and by the SHA-256 of their text.
///
/// The file with them is a JSON object: either a map from ids to texts, as graphql-codegen (`persistedDocuments`) and
/// Relay (`persistConfig.file`) write it, or Apollo's manifest (`apollo-persisted-query-manifest`, version 1). An id
/// that begins with `sha256:` has to be the hash of its text; others are what the client's tool made them, without a
/// colon.
#[derive(Debug)]
pub struct TrustedDocuments {
    by_id: HashMap<String, Arc<Document>>,
    by_hash: HashMap<Hash, Arc<Document>>,
    arbitrary: ArbitraryDocuments,
}

impl TrustedDocuments {
    /// Reads a file, and validates all documents in it against the schema, within these limits.
    ///
    /// # Errors
    /// A sentence with the path, and with the id of the first document that is not valid.
    pub fn load(
        path: &Path,
        arbitrary: ArbitraryDocuments,
        federation: Federation,
        limits: &Limits,
    ) -> Result<Self, String> {
        let read = || {
            let text =
                fs::read_to_string(path).map_err(|error| format!("the file cannot be read: {error}"))?;
            let mut documents = Self {
                by_id: HashMap::new(),
                by_hash: HashMap::new(),
                arbitrary,
            };
            for (id, text) in entries(&text)? {
                let added = documents.add(&id, &text, definition(federation), limits);
                added.map_err(|reason| format!("the document {id:?} {reason}"))?;
            }
            Ok(documents)
        };
        read()
            .map_err(|reason: String| format!("FEEDBACK_DOCUMENTS is {:?}: {reason}", path.to_string_lossy()))
    }

    fn add(
        &mut self,
        id: &str,
        text: &str,
        definition: &'static Definition,
        limits: &Limits,
    ) -> Result<(), String> {
        let hash: Hash = Sha256::digest(text).into();
        if let Some(stated) = id.strip_prefix(SHA256) {
            let actual = hex::encode(hash);
            if stated != actual {
                return Err(format!("has another hash: {SHA256}{actual}"));
            }
        } else if id.is_empty() || !id.chars().all(is_unreserved) {
            return Err(
                "must have another id: sha256: with the document's hash, or letters, digits, `-`, `.`, `_` and `~`"
                    .to_owned(),
            );
        }
        let document = match self.by_hash.get(&hash) {
            Some(document) => Arc::clone(document),
            None => Arc::new(validated(text, limits, definition).map_err(|errors| invalid(&errors))?),
        };
        self.by_hash.insert(hash, Arc::clone(&document));
        if !id.starts_with(SHA256) {
            let earlier = self.by_id.insert(id.to_owned(), Arc::clone(&document));
            if earlier.is_some_and(|earlier| !Arc::ptr_eq(&earlier, &document)) {
                return Err("is there twice, with different texts".to_owned());
            }
        }
        Ok(())
    }

    /// The document that a caller requests; `None` if it is another, which the caller may send.
    pub(super) fn find(
        &self,
        requested: &RequestedDocument,
        caller: &Caller,
    ) -> Result<Option<Arc<Document>>, ServerError> {
        let may_send_others = self.arbitrary.are_allowed_to(caller);
        match requested {
            RequestedDocument::Id(id) => match self.get(id) {
                Some(document) => Ok(Some(Arc::clone(document))),
                None => Err(not_found(id, may_send_others)),
            },
            RequestedDocument::Text { text, id } => {
                let hash = Sha256::digest(text).into();
                if id.as_ref().is_some_and(|id| !self.fits(id, &hash)) {
                    let message =
                        "the id is not that of the `query`: send one of them, or those of the same document";
                    return Err(request_error(ErrorCode::BadRequest, message));
                }
                let document = self.by_hash.get(&hash).cloned();
                if document.is_none() && !may_send_others {
                    return Err(self.not_trusted());
                }
                Ok(document)
            }
        }
    }

    fn get(&self, id: &DocumentId) -> Option<&Arc<Document>> {
        let by_hash = || self.by_hash.get(&id.sha256?);
        self.by_id.get(&id.text).or_else(by_hash)
    }

    /// Whether an id may be that of a text with this hash.
    fn fits(&self, id: &DocumentId, hash: &Hash) -> bool {
        match (self.by_id.get(&id.text), id.sha256) {
            (Some(document), _) => {
                let sent = self.by_hash.get(hash);
                sent.is_some_and(|sent| Arc::ptr_eq(sent, document))
            }
            (None, Some(stated)) => stated == *hash,
            (None, None) => true,
        }
    }

    fn not_trusted(&self) -> ServerError {
        let message = match self.arbitrary {
            ArbitraryDocuments::Credentialed => {
                "without a credential, only trusted documents are executed: send the `documentId` of one"
            }
            _ => "only trusted documents are executed: send the `documentId` of one",
        };
        request_error(ErrorCode::QueryNotInSafelist, message)
    }
}

/// The error for an id that no document has. By its code, clients of Apollo's protocol send the text, or do not try.
fn not_found(id: &DocumentId, may_send_others: bool) -> ServerError {
    let code = if may_send_others {
        ErrorCode::PersistedQueryNotFound
    } else {
        ErrorCode::PersistedQueryNotInList
    };
    let message = if may_send_others && id.is_of_apollo {
        // Some clients look at the message alone.
        "PersistedQueryNotFound".to_owned()
    } else {
        let quoted: String = id.text.chars().take(MAX_QUOTED).collect();
        format!("no trusted document has the id {quoted:?}")
    };
    request_error(code, message)
}

/// The ids and texts in a file.
fn entries(file: &str) -> Result<Vec<(String, String)>, String> {
    let file = serde_json::from_str(file).map_err(|error| format!("the file is not JSON: {error}"))?;
    let Value::Object(members) = file else {
        return Err("expected a JSON object: a map from ids to documents, or Apollo's manifest".to_owned());
    };
    let entries: Vec<_> = if members
        .get("format")
        .is_some_and(|format| format == APOLLO_FORMAT)
    {
        let manifest = Manifest::deserialize(Value::Object(members));
        let manifest =
            manifest.map_err(|error| format!("the file is not a manifest of Apollo's: {error}"))?;
        if manifest.version != 1 {
            let version = manifest.version;
            return Err(format!("expected version 1 of Apollo's manifest, not {version}"));
        }
        let operations = manifest.operations.into_iter();
        operations
            .map(|operation| (operation.id, operation.body))
            .collect()
    } else {
        let entries = members.into_iter().map(|(id, text)| match text {
            Value::String(text) => Ok((id, text)),
            _ => Err(format!(
                "expected a map from ids to documents, but {id:?} is not a string"
            )),
        });
        entries.collect::<Result<_, _>>()?
    };
    if entries.is_empty() {
        return Err("the file has no documents".to_owned());
    }
    Ok(entries)
}

/// A manifest as `@apollo/generate-persisted-query-manifest` writes it. Names and types are in the documents too.
#[derive(Deserialize)]
struct Manifest {
    version: u64,
    operations: Vec<ManifestOperation>,
}

#[derive(Deserialize)]
struct ManifestOperation {
    id: String,
    body: String,
}

/// Why a document is not valid, by its first error.
fn invalid(errors: &[ServerError]) -> String {
    let Some(error) = errors.first() else {
        return "is not valid".to_owned();
    };
    match error.locations.first() {
        Some(at) => format!(
            "is not valid: {} (line {}, column {})",
            error.message, at.line, at.column
        ),
        None => format!("is not valid: {}", error.message),
    }
}

/// The hash in 64 lower-case hexadecimal digits.
fn lowercase_hash(digits: &str) -> Option<Hash> {
    let mut hash = Hash::default();
    let is_lowercase = !digits.bytes().any(|byte| byte.is_ascii_uppercase());
    (is_lowercase && hex::decode_to_slice(digits, &mut hash).is_ok()).then_some(hash)
}

/// `UnreservedCharacter` of a document identifier.
fn is_unreserved(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-._~".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graphql::{ChosenOperation, Executor, Introspection};

    const TRUSTED: &str = "{ __typename }";

    #[test]
    fn a_trusted_document_stays_parsed_whatever_else_is_sent() {
        let mut trusted = TrustedDocuments {
            by_id: HashMap::new(),
            by_hash: HashMap::new(),
            arbitrary: ArbitraryDocuments::Everyone,
        };
        let definition = definition(Federation::Off);
        trusted.add("t", TRUSTED, definition, &Limits::default()).unwrap();
        let executor = Executor::new(Introspection::Off, Limits::default()).trusting(Some(trusted));
        let document = |requested: &RequestedDocument| {
            let chosen = executor.choose_requested(requested, None, &Caller::ANONYMOUS);
            let ChosenOperation { document, .. } = chosen.unwrap();
            document
        };
        let by_text = |text: &str| {
            let text = text.to_owned();
            document(&RequestedDocument::Text { text, id: None })
        };
        let by_id = || document(&RequestedDocument::Id(DocumentId::parse("t").unwrap()));

        let first = by_id();
        assert!(Arc::ptr_eq(&first, &by_text(TRUSTED)));
        for number in 0..5_000 {
            by_text(&format!("{{ a{number}: __typename }}"));
        }
        assert!(Arc::ptr_eq(&first, &by_id()));
        assert!(Arc::ptr_eq(&first, &by_text(TRUSTED)));
    }
}
