//! The directive that says where null is never an answer of its own.
//!
//! Root fields are nullable so that one that fails leaves the others alone. Where null has no other meaning, the schema
//! says so, and clients that handle errors need not look for it.

use async_graphql::TypeDirective;

/// Null only together with an error, whose `path` is that of the field or begins with it. A client that handles errors
/// can take the field's type as non-null. `levels` are those of a list for which this holds; 0 is the field itself.
/// Specified at https://specs.apollo.dev/nullability/v0.4.
#[TypeDirective(name = "semanticNonNull", location = "FieldDefinition")]
pub(crate) fn semantic_non_null(#[graphql(default_with = "vec![0]")] levels: Vec<i32>) {}
