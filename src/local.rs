//! What only the laptop's server needs: an embedded engine in DynamoDB's place, sample feedback to look
//! at, the pages of the folder `web`, the explorer's files from disk, and a server that is for this machine alone. Never
//! linked into the Lambda binary.

mod assets;
mod endpoint;
mod engine;
mod front;
mod hosts;
mod pages;
mod sample;
mod server;

pub use assets::{AssetError, Assets};
pub use endpoint::takes_any_credentials;
pub use engine::{Engine, EngineError, Storage};
pub use hosts::{Hosts, parse_host};
pub use pages::serve_pages;
pub use sample::add_sample;
pub use server::serve;
