//! The pages of the folder `web`, compiled in: a start page at `/`, the form and the inbox; and the documentation that
//! it links to, as plain text.

use axum::Router;
use axum::body::Bytes;
use axum::http::header;
use axum::routing::get;

/// The pages need nothing inline and nothing from elsewhere; the start page has the inbox in a frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

const START: &str = include_str!("../../web/index.html");

/// The start page's line with the link to the explorer.
const EXPLORER_LINK: &str = r#"<a href="graphql">"#;

macro_rules! files {
    ($folder:literal: $($path:literal),+ $(,)?) => {
        [$(($path, include_str!(concat!("../../", $folder, $path)))),+]
    };
}

/// The files of `web`, by their paths.
const WEB: [(&str, &str); 17] = files!["web/":
    "feedback-form.js",
    "inbox.html",
    "inbox/api.js",
    "inbox/charts.js",
    "inbox/csv.js",
    "inbox/detail.js",
    "inbox/dialogs.js",
    "inbox/dom.js",
    "inbox/draft.js",
    "inbox/filters.js",
    "inbox/icon.svg",
    "inbox/list.js",
    "inbox/main.js",
    "inbox/statistics.js",
    "inbox/style.css",
    "inbox/theme.css",
    "inbox/view.js",
];

/// The start page's own.
const OF_START: [(&str, &str); 2] = files!["web/": "index.css", "index.js"];

/// The documentation.
const TEXTS: [(&str, &str); 17] = files!["":
    "README.md",
    "docs/CONTRIBUTING.md",
    "docs/benchmarks.md",
    "docs/clients.md",
    "docs/cost.md",
    "docs/counting.md",
    "docs/deployment.md",
    "docs/documents.md",
    "docs/errors.md",
    "docs/federation.md",
    "docs/limits.md",
    "docs/operations.md",
    "docs/reliability.md",
    "docs/scaling.md",
    "docs/security.md",
    "docs/web.md",
    "schema.graphql",
];

/// Serves the pages in front of a router, which gets every other request. The start page links to the explorer if
/// there is one.
pub fn serve_pages(router: Router, has_explorer: bool) -> Router {
    let is_shown = |line: &&str| has_explorer || !line.contains(EXPLORER_LINK);
    let start: String = START.split_inclusive('\n').filter(is_shown).collect();
    let files = WEB.into_iter().chain(OF_START).chain(TEXTS);
    let pages = files.map(|(path, text)| (path, Bytes::from_static(text.as_bytes())));
    let outer = pages
        .chain([("", start.into())])
        .fold(Router::new(), |outer, (path, body)| {
            let headers = [
                (header::CONTENT_TYPE, content_type(path)),
                (header::CONTENT_SECURITY_POLICY, POLICY),
                (header::CACHE_CONTROL, "no-cache"),
                (header::REFERRER_POLICY, "no-referrer"),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            ];
            let page = get(move || async move { (headers, body.clone()) });
            outer.route(&format!("/{path}"), page.fallback_service(router.clone()))
        });
    outer.fallback_service(router)
}

/// By the end of the path; the start page has none.
fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        None | Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some(_) => "text/plain; charset=utf-8",
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// Paths of the files in a folder of the repository and below.
    fn files_in(folder: &Path, extension: Option<&str>) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut found = Vec::new();
        for path in entries {
            if path.is_dir() {
                found.extend(files_in(&path, extension));
            } else if extension.is_none_or(|wanted| path.extension().is_some_and(|it| it == wanted)) {
                found.push(
                    path.strip_prefix(env!("CARGO_MANIFEST_DIR"))
                        .unwrap()
                        .display()
                        .to_string(),
                );
            }
        }
        found.sort();
        found
    }

    fn served(prefix: &str, files: &[(&str, &str)]) -> Vec<String> {
        files.iter().map(|(path, _)| format!("{prefix}{path}")).collect()
    }

    #[test]
    fn every_file_of_the_folder_and_every_page_of_the_documentation_is_served() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut web = served("web/", &WEB);
        web.extend(served("web/", &OF_START));
        web.push("web/index.html".to_owned());
        web.sort();
        assert_eq!(web, files_in(&root.join("web"), None));

        let mut docs = served("", &TEXTS);
        docs.retain(|path| path.starts_with("docs/"));
        assert_eq!(docs, files_in(&root.join("docs"), Some("md")));
    }

    #[test]
    fn what_the_start_page_links_to_is_there() {
        let links: Vec<&str> = START
            .split("href=\"")
            .chain(START.split("src=\""))
            .skip(1)
            .filter_map(|rest| rest.split_once('"').map(|(link, _)| link))
            .collect();
        assert!(links.len() > 8, "{links:?}");
        let paths: Vec<&str> = WEB
            .into_iter()
            .chain(OF_START)
            .chain(TEXTS)
            .map(|(path, _)| path)
            .collect();
        for link in links.into_iter().filter(|link| *link != "graphql") {
            assert!(paths.contains(&link) || !link.contains('.'), "{link}");
        }
    }
}
