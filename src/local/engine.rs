//! A DynamoDB-compatible engine in this very process, behind an endpoint of its own on loopback that no web page
//! can use.
//!
//! The service reaches it through the AWS SDK and HTTP like the real thing, so that what runs on a laptop
//! is what runs in the cloud.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use dynoxide::{Database, DynoxideError};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::front;
use super::server::serve;

/// Where an engine keeps its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Storage {
    /// In memory, for as long as the engine runs.
    Memory,
    /// In a file, which is made if there is none, its folder included.
    File(PathBuf),
}

/// Why an engine could not be started.
#[derive(Debug, Error)]
pub enum EngineError {
    /// The file cannot be used.
    #[error("cannot keep data in {path}: {reason}")]
    File {
        /// Which file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The engine itself would not start.
    #[error("cannot start the embedded engine: {0}")]
    Memory(#[source] DynoxideError),
    /// There is no port for it.
    #[error("cannot open a port for the embedded engine on 127.0.0.1: {0}")]
    Port(#[source] io::Error),
}

/// A running engine. It stops when it is dropped, or with [`Engine::stop`].
#[derive(Debug)]
pub struct Engine {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl Engine {
    /// Starts an engine at `port` of 127.0.0.1, or at any free port where that is taken or none is named.
    ///
    /// # Errors
    /// When its data or no port at all can be had.
    pub async fn start(storage: &Storage, port: Option<u16>) -> Result<Self, EngineError> {
        let database = match storage {
            Storage::Memory => Database::memory().map_err(EngineError::Memory)?,
            Storage::File(path) => open(path)?,
        };
        let bind = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        let listener = match bind(port.unwrap_or(0)).await {
            Err(_) if port.is_some() => bind(0).await,
            bound => bound,
        };
        let listener = listener.map_err(EngineError::Port)?;
        let address = listener.local_addr().map_err(EngineError::Port)?;
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(serve(listener, front::router(database), async {
            // An error means that the engine was dropped, which stops it just as well.
            let _ = stopped.await;
        }));
        Ok(Self {
            address,
            stop,
            server,
        })
    }

    /// The URL of its endpoint, for any client of DynamoDB.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops it, and waits until what it was asked for is done, and its data is safe.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        // Its own failure would have been seen by its clients.
        let _ = self.server.await;
    }
}

fn open(path: &Path) -> Result<Database, EngineError> {
    let failed = |reason: String| EngineError::File {
        path: path.to_owned(),
        reason,
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| failed(error.to_string()))?;
    }
    // The engine's own message for an unwritable file names neither file nor reason.
    fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(|error| failed(error.to_string()))?;
    let text = path
        .to_str()
        .ok_or_else(|| failed("the path is not Unicode".to_owned()))?;
    Database::new(text).map_err(|error| failed(error.to_string()))
}
