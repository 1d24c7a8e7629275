//! The explorer's files out of npm packages in a folder, for machines without internet.

use std::path::{Path, PathBuf};

use axum::Router;
use axum::body::Bytes;
use axum::http::header;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest as _, Sha384};
use thiserror::Error;

use crate::http::explorer::{ASSETS, Asset, Source, packages};

/// The explorer's files, each held against its hash.
#[derive(Debug)]
pub struct Assets(Vec<(&'static Asset, Bytes)>);

impl Assets {
    /// Reads the files from a folder of npm packages: one that holds `node_modules`, or `node_modules` itself.
    ///
    /// They are about 1.6 MB together and are kept: a browser would refuse a file that changed after the check.
    ///
    /// # Errors
    /// When a file is missing, cannot be read, or is not the pinned one; the message says which, and the command
    /// that installs the right ones.
    pub fn load(dir: &Path) -> Result<Self, AssetError> {
        let load = |asset| Ok((asset, load_one(dir, asset)?.into()));
        ASSETS.iter().map(load).collect::<Result<_, _>>().map(Self)
    }

    /// Adds a route for each file.
    pub fn serve(self, router: Router) -> Router {
        self.0.into_iter().fold(router, |router, (asset, bytes)| {
            let headers = [
                (header::CONTENT_TYPE, asset.content_type()),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
                (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
            ];
            let answer = move || async move { (headers, bytes.clone()) };
            router.route(&asset.url(Source::Local), get(answer))
        })
    }
}

/// The file in a folder of npm packages: a folder that holds `node_modules`, or `node_modules` itself.
fn locate(dir: &Path, asset: &Asset) -> Option<PathBuf> {
    package_folders(dir, asset)
        .map(|folder| folder.join(asset.path))
        .into_iter()
        .find(|path| path.is_file())
}

fn package_folders(dir: &Path, asset: &Asset) -> [PathBuf; 2] {
    [
        dir.join("node_modules").join(asset.package),
        dir.join(asset.package),
    ]
}

/// Why the files in a folder cannot be the ones that the page loads.
#[derive(Debug, Error)]
pub enum AssetError {
    /// The folder does not have the file.
    #[error(
        "the explorer needs {} of the npm package {}, which is not in {}{installed}; run `{}`",
        .asset.path, .asset.package_version(), .dir.display(), install_command(.dir)
    )]
    Missing {
        /// The file.
        asset: &'static Asset,
        /// The folder that was searched.
        dir: PathBuf,
        /// Which other version is there, as the end of a sentence, or nothing.
        installed: String,
    },
    /// The file is there, and it is another one. npm leaves a package of the right version alone, whatever
    /// somebody did to its files: hence the removal.
    #[error(
        "{} is not the file of the npm package {}: its integrity hash differs{installed}; \
         remove the folder of that package and run `{}`",
        .file.display(), .asset.package_version(), install_command(.dir)
    )]
    Different {
        /// The file as it should be.
        asset: &'static Asset,
        /// The file as it is.
        file: PathBuf,
        /// The folder that was searched.
        dir: PathBuf,
        /// Which other version is there, as the end of a sentence, or nothing.
        installed: String,
    },
    /// The file is there, and cannot be read.
    #[error("{} cannot be read: {source}", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

fn load_one(dir: &Path, asset: &'static Asset) -> Result<Vec<u8>, AssetError> {
    let installed = other_version(dir, asset)
        .map(|version| format!(" (installed is {version})"))
        .unwrap_or_default();
    let Some(file) = locate(dir, asset) else {
        return Err(AssetError::Missing {
            asset,
            dir: dir.to_owned(),
            installed,
        });
    };
    match std::fs::read(&file) {
        Ok(bytes) if integrity(&bytes) == asset.integrity => Ok(bytes),
        Ok(_) => Err(AssetError::Different {
            asset,
            file,
            dir: dir.to_owned(),
            installed,
        }),
        Err(source) => Err(AssetError::Unreadable { file, source }),
    }
}

/// With `--prefix`, npm installs into that folder and not into a project above it.
fn install_command(dir: &Path) -> String {
    let prefix = if dir.ends_with("node_modules") {
        dir.join("..")
    } else {
        dir.to_owned()
    };
    format!("npm install --prefix {} {}", prefix.display(), packages())
}

/// The version of the installed package, where it is not the pinned one.
fn other_version(dir: &Path, asset: &Asset) -> Option<String> {
    package_folders(dir, asset)
        .iter()
        .find_map(|folder| {
            let manifest = std::fs::read(folder.join("package.json")).ok()?;
            let manifest: serde_json::Value = serde_json::from_slice(&manifest).ok()?;
            Some(manifest.get("version")?.as_str()?.to_owned())
        })
        .filter(|version| version != asset.version)
}

fn integrity(bytes: &[u8]) -> String {
    format!("sha384-{}", BASE64.encode(Sha384::digest(bytes)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    fn write(folder: &TempDir, path: &str, contents: &str) {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }

    #[test]
    fn the_hash_is_written_as_the_attribute_has_it() {
        // The example of the Subresource Integrity recommendation, section 3.1.
        assert_eq!(
            integrity(b"alert('Hello, world.');"),
            "sha384-H8BRh8j48O9oYatfu5AZzq6A9RINhZO5H16dQZngK7T62em8MUt1FLm52t+eX6xO"
        );
    }

    #[test]
    fn a_file_is_found_in_the_folder_that_holds_node_modules_and_in_node_modules_itself() {
        let folder = TempDir::new().unwrap();
        let react = &ASSETS[1];
        assert_eq!(locate(folder.path(), react), None);
        write(&folder, "node_modules/react/umd/react.production.min.js", "");
        let file = folder
            .path()
            .join("node_modules/react/umd/react.production.min.js");
        assert_eq!(locate(folder.path(), react), Some(file.clone()));
        assert_eq!(locate(&folder.path().join("node_modules"), react), Some(file));
    }

    #[test]
    fn a_missing_file_is_named_with_the_command_that_installs_it() {
        let folder = TempDir::new().unwrap();
        let error = Assets::load(folder.path()).unwrap_err().to_string();
        let dir = folder.path().display();
        assert_eq!(
            error,
            format!(
                "the explorer needs graphiql.min.css of the npm package graphiql@4.1.2, which is not in {dir}; \
                 run `npm install --prefix {dir} graphiql@4.1.2 react@18.3.1 react-dom@18.3.1`"
            )
        );
    }

    #[test]
    fn another_version_is_named_with_the_expected_one() {
        let folder = TempDir::new().unwrap();
        write(
            &folder,
            "node_modules/graphiql/package.json",
            r#"{"version": "5.4.0"}"#,
        );
        let error = Assets::load(folder.path()).unwrap_err().to_string();
        assert!(
            error.contains("graphiql@4.1.2") && error.contains("(installed is 5.4.0)"),
            "{error}"
        );

        write(&folder, "node_modules/graphiql/graphiql.min.css", "body {}");
        let error = Assets::load(&folder.path().join("node_modules"))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("graphiql.min.css is not the file of the npm package graphiql@4.1.2"),
            "{error}"
        );
        assert!(error.contains("(installed is 5.4.0)"), "{error}");
        assert!(
            error.contains(&format!("--prefix {}/node_modules/.. ", folder.path().display())),
            "{error}"
        );
    }

    #[test]
    fn a_changed_file_of_the_right_version_is_refused() {
        let folder = TempDir::new().unwrap();
        write(&folder, "graphiql/package.json", r#"{"version": "4.1.2"}"#);
        write(&folder, "graphiql/graphiql.min.css", "body {}");
        let error = Assets::load(folder.path()).unwrap_err().to_string();
        assert!(
            error.contains("its integrity hash differs; remove the folder"),
            "{error}"
        );
    }
}
