//! The explorer: a page with GraphiQL, pinned to the byte.
//!
//! GraphiQL, React and the style sheet come from a content delivery network, or, on a laptop without internet access,
//! from npm packages in a folder. Each file is pinned to a version and a hash; both sources serve the npm package's own
//! bytes, so the hashes are the same. The browser runs nothing else: the content security policy allows only elements
//! with the response's nonce.
//!
//! GraphiQL 4 is the last one published as a single file. GraphiQL 5 is dozens of modules and web workers, which a
//! network rewrites or bundles into bytes that no package contains. React is 18 for the same reason: 19 has no
//! single-file build.

use std::path::Path;

const TEMPLATE: &str = include_str!("explorer.html");

/// Serves the files of npm packages unchanged.
const CDN_PREFIX: &str = "https://cdn.jsdelivr.net/npm/";

/// The path under which the laptop's server has the files.
pub const LOCAL_PREFIX: &str = "/explorer-assets/";

/// A file of an npm package that the page loads.
#[derive(Debug, PartialEq, Eq)]
pub struct Asset {
    /// The npm package.
    pub package: &'static str,
    /// The exact version of the package.
    pub version: &'static str,
    /// The file's path inside the package.
    pub path: &'static str,
    /// The file's hash, as the `integrity` attribute has it (W3C Subresource Integrity).
    pub integrity: &'static str,
}

/// The files, in the order in which the page loads them. Change a version together with its hash:
/// `openssl dgst -sha384 -binary FILE | base64 -w0`.
pub const ASSETS: [Asset; 4] = [
    Asset {
        package: "graphiql",
        version: "4.1.2",
        path: "graphiql.min.css",
        integrity: "sha384-1el1QShFBnnXTx9x/Cprg82hZWKt0ry29OAYIXt05swbi0KcZDFoj0CWguMpopJr",
    },
    Asset {
        package: "react",
        version: "18.3.1",
        path: "umd/react.production.min.js",
        integrity: "sha384-DGyLxAyjq0f9SPpVevD6IgztCFlnMF6oW/XQGmfe+IsZ8TqEiDrcHkMLKI6fiB/Z",
    },
    Asset {
        package: "react-dom",
        version: "18.3.1",
        path: "umd/react-dom.production.min.js",
        integrity: "sha384-gTGxhz21lVGYNMcdJOyq01Edg0jhn/c22nsx0kyqP0TxaV5WVdsSH1fSDUf5YJj1",
    },
    Asset {
        package: "graphiql",
        version: "4.1.2",
        path: "graphiql.min.js",
        integrity: "sha384-9XdHu7ajgGJziD4J1zNBKQ842Q/+zZfDv+ib1eMhZWBH6hPAs806x+Jbcf0yNO6B",
    },
];

impl Asset {
    /// The file's `Content-Type`. With `nosniff`, a browser relies on it.
    #[must_use]
    pub fn content_type(&self) -> &'static str {
        if self.is_style_sheet() {
            "text/css; charset=utf-8"
        } else {
            "text/javascript; charset=utf-8"
        }
    }

    /// As npm writes it: `react@18.3.1`.
    #[must_use]
    pub fn package_version(&self) -> String {
        format!("{}@{}", self.package, self.version)
    }

    fn is_style_sheet(&self) -> bool {
        Path::new(self.path)
            .extension()
            .is_some_and(|extension| extension == "css")
    }

    /// The URL that the page loads the file from.
    #[must_use]
    pub fn url(&self, source: Source) -> String {
        format!("{}{}/{}", source.prefix(), self.package_version(), self.path)
    }

    /// `crossorigin` lets the browser check the hash of another origin's file. A referrer would disclose this service's
    /// URL to the network.
    fn element(&self, source: Source, nonce: &str) -> String {
        let url = self.url(source);
        let attributes = format!(
            r#"integrity="{}" crossorigin="anonymous" referrerpolicy="no-referrer" nonce="{nonce}""#,
            self.integrity
        );
        if self.is_style_sheet() {
            format!(r#"  <link rel="stylesheet" href="{url}" {attributes}>"#)
        } else {
            format!(r#"  <script src="{url}" {attributes}></script>"#)
        }
    }
}

/// The source of the page's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The content delivery network.
    Cdn,
    /// The laptop's server, from npm packages in a folder.
    Local,
}

impl Source {
    fn prefix(self) -> &'static str {
        match self {
            Self::Cdn => CDN_PREFIX,
            Self::Local => LOCAL_PREFIX,
        }
    }
}

/// A page, and the header that it requires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The body, `text/html; charset=utf-8`.
    pub html: String,
    /// The value of the `Content-Security-Policy` header.
    pub content_security_policy: String,
}

/// The explorer page for one response.
///
/// `nonce` must be new for each response, which must not be cached: 128 bits from a secure source, in base64 or
/// hexadecimal, as it is not escaped.
#[must_use]
pub fn page(source: Source, nonce: &str) -> Page {
    let elements: Vec<String> = ASSETS.iter().map(|asset| asset.element(source, nonce)).collect();
    let html = TEMPLATE
        .replace("{{nonce}}", nonce)
        .replace("{{packages}}", &packages())
        .replace("{{assets}}", &elements.join("\n"));
    Page {
        html,
        content_security_policy: content_security_policy(nonce),
    }
}

/// GraphiQL needs neither `unsafe-inline` nor `unsafe-eval`: it sets styles through the object model, and its one style
/// element takes the nonce. Its fonts and a few images are data URLs in the style sheet. Other images are blocked:
/// GraphiQL previews image URLs in responses, and the author of one in feedback would see who looks at it.
fn content_security_policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data:; font-src data:; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// The packages for the npm command, each once: `react@18.3.1 …`.
#[must_use]
pub fn packages() -> String {
    let mut packages: Vec<String> = Vec::new();
    for asset in &ASSETS {
        let package = asset.package_version();
        if !packages.contains(&package) {
            packages.push(package);
        }
    }
    packages.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: &str = "c2l4dGVlbiBieXRlcyEh";

    /// Every tag of the page with one of these names, from `<` to `>`.
    fn tags(html: &str, name: &str) -> Vec<String> {
        html.match_indices(&format!("<{name}"))
            .map(|(start, _)| html[start..].split_inclusive('>').next().unwrap().to_owned())
            .collect()
    }

    fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
        tag.split_once(&format!(" {name}=\""))?.1.split('"').next()
    }

    #[test]
    fn every_file_is_pinned_to_an_exact_version_and_a_hash() {
        for asset in &ASSETS {
            let numbers: Vec<_> = asset.version.split('.').collect();
            assert_eq!(numbers.len(), 3, "{asset:?}");
            assert!(
                numbers.iter().all(|number| number.parse::<u32>().is_ok()),
                "{asset:?}"
            );
            let hash = asset.integrity.strip_prefix("sha384-").unwrap();
            assert_eq!(hash.len(), 64, "{asset:?}");
        }
        for asset in &ASSETS {
            let same_package = ASSETS.iter().filter(|other| other.package == asset.package);
            assert!(
                same_package
                    .map(|other| other.version)
                    .all(|version| version == asset.version)
            );
        }
    }

    #[test]
    fn the_page_loads_these_files_and_no_others() {
        for source in [Source::Cdn, Source::Local] {
            let html = page(source, NONCE).html;
            let mut expected = ASSETS.iter();
            for tag in tags(&html, "link").into_iter().chain(tags(&html, "script")) {
                let url = attribute(&tag, "href").or_else(|| attribute(&tag, "src"));
                let Some(url) = url.filter(|url| !url.starts_with("data:")) else {
                    continue;
                };
                let asset = expected.next().unwrap();
                assert_eq!(url, asset.url(source));
                assert_eq!(attribute(&tag, "integrity"), Some(asset.integrity));
                assert_eq!(attribute(&tag, "crossorigin"), Some("anonymous"));
            }
            assert_eq!(expected.next(), None);
            for name in ["iframe", "img", "object", "embed", "base", "form"] {
                assert!(tags(&html, name).is_empty(), "{name}");
            }
        }
    }

    #[test]
    fn the_nonce_is_on_every_script_and_style_and_nowhere_else() {
        let html = page(Source::Cdn, NONCE).html;
        let mut trusted = tags(&html, "script");
        trusted.extend(tags(&html, "style"));
        trusted.extend(
            tags(&html, "link")
                .into_iter()
                .filter(|tag| tag.contains("stylesheet")),
        );
        assert_eq!(trusted.len(), ASSETS.len() + 3);
        for tag in &trusted {
            assert_eq!(attribute(tag, "nonce"), Some(NONCE), "{tag}");
        }
        assert_eq!(html.matches(NONCE).count(), trusted.len());
    }

    #[test]
    fn the_page_has_no_inline_handler_and_no_inline_style() {
        let html = page(Source::Cdn, NONCE).html;
        for attribute in [" onload=", " onerror=", " onclick=", " style=", "javascript:"] {
            assert!(!html.contains(attribute), "{attribute}");
        }
    }

    #[test]
    fn no_placeholder_is_left() {
        assert!(
            TEMPLATE.contains("{{nonce}}")
                && TEMPLATE.contains("{{assets}}")
                && TEMPLATE.contains("{{packages}}")
        );
        assert_eq!(page(Source::Cdn, NONCE).html.matches("{{").count(), 0);
    }

    #[test]
    fn local_and_network_pages_differ_in_the_address_of_the_files_only() {
        let (network, local) = (page(Source::Cdn, NONCE), page(Source::Local, NONCE));
        assert_ne!(network, local);
        assert_eq!(network.html.replace(CDN_PREFIX, LOCAL_PREFIX), local.html);
        assert_eq!(network.content_security_policy, local.content_security_policy);
    }

    #[test]
    fn the_policy_admits_the_nonce_and_nothing_unsafe() {
        let policy = page(Source::Cdn, NONCE).content_security_policy;
        let directives: Vec<&str> = policy.split("; ").collect();
        assert_eq!(directives[0], "default-src 'none'");
        assert!(directives.contains(&format!("script-src 'nonce-{NONCE}'").as_str()));
        assert!(directives.contains(&"frame-ancestors 'none'"));
        for unsafe_source in ["unsafe", "*", "http", "blob:"] {
            assert!(!policy.contains(unsafe_source), "{unsafe_source}");
        }
    }
}
