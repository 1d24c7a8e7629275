//! The explorer's files from a folder, for machines without internet.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::Path as UrlPath;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::http::explorer::{self, Asset, AssetError, LOCAL_PREFIX};

/// Adds a route for the explorer's files, which are read from `folder` and checked now.
///
/// # Errors
/// When a file is missing, or is not the one that the explorer needs.
pub fn serve_assets(router: Router, folder: &Path) -> Result<Router, AssetError> {
    let files = Arc::new(explorer::load(folder)?);
    let serve = move |UrlPath(path): UrlPath<String>| {
        let files = Arc::clone(&files);
        async move { file(&files, &path) }
    };
    Ok(router.route(&format!("{LOCAL_PREFIX}{{*path}}"), get(serve)))
}

fn file(files: &[(&'static Asset, Vec<u8>)], path: &str) -> Response {
    let wanted = explorer::asset_by_url_path(&format!("{LOCAL_PREFIX}{path}"));
    match files.iter().find(|(asset, _)| Some(*asset) == wanted) {
        Some((asset, bytes)) => {
            let headers = [
                (header::CONTENT_TYPE, asset.content_type()),
                (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
            ];
            (headers, bytes.clone()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
