//! What only the laptop's server needs: an embedded engine in DynamoDB's place, sample feedback to look
//! at, and the explorer's files from disk. Never linked into the Lambda binary.

mod assets;
mod endpoint;
mod engine;
mod sample;

pub use assets::{AssetError, Assets};
pub use endpoint::takes_any_credentials;
pub use engine::{Engine, EngineError, Storage};
pub use sample::add_sample;
