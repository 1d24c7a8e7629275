//! The page's URL.

use url::{Host, Url};

use crate::domain::{Field, Rule, Violation, text};

/// The page that feedback was sent from: an absolute http or https URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageUrl(String);

text::text!(PageUrl);

impl PageUrl {
    /// The most characters that a URL has.
    pub const MAX_LENGTH: usize = 2_048;

    /// A URL that somebody submits: whole, and without a user name or a password.
    ///
    /// # Errors
    /// Every rule that it breaks.
    pub fn parse(text: &str) -> Result<Self, Vec<Violation>> {
        let text = text::parse(Field::PageUrl, text, Self::MAX_LENGTH)?;
        if !is_web_url(&text) {
            let message = "must be a whole http or https URL like https://example.org/pricing, without a user name or a \
                           password";
            return Err(vec![Violation::new(Field::PageUrl, Rule::InvalidUrl, message)]);
        }
        Ok(Self(text))
    }
}

/// Whether the text is an absolute http or https URL as it stands, with no more than host and port between `//` and
/// the path. The URL parser alone would also take `https:example.org`, `https:\\example.org` and texts with white
/// space in them, and mend them silently.
fn is_web_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    let is_web = ["http", "https"]
        .iter()
        .any(|web| scheme.eq_ignore_ascii_case(web));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_bare = !authority.is_empty() && !authority.contains(['@', '\\']);
    let has_host = |url: Url| match url.host() {
        // A name may end with the dot of the root, and has no other empty part.
        Some(Host::Domain(name)) => {
            let mut labels = name.strip_suffix('.').unwrap_or(name).split('.');
            labels.all(|label| !label.is_empty())
        }
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => true,
        None => false,
    };
    is_web && is_bare && !text.contains(char::is_whitespace) && Url::parse(text).is_ok_and(has_host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_web_addresses_are_page_urls() {
        for url in [
            "https://example.org",
            "http://localhost:3000/?q=1#top",
            "HTTPS://EXAMPLE.ORG/ä",
            "http://[::1]/",
            "http://192.0.2.1:8080",
            "https://example.org.",
            "https://example.org?back=https://sam:secret@example.com",
            "https://example.org/@sam",
        ] {
            assert!(is_web_url(url), "{url}");
        }
        for url in [
            "example.org",
            "https:example.org",
            "ftp://example.org",
            "https://",
            "https://a b/",
            "/x",
            "//example.org",
            "https:example.org/?u=http://x",
            "https:\\\\example.org",
            "https:\\\\example.org/?u=http://x",
            "https://example.org\\@evil.example",
            "http:/example.org",
            "https:///example.org",
            "https://.",
            "https://..",
            "https://example..org",
            "https://.example.org",
            "https://:443/",
            "https://?x",
            "https://sam:secret@example.org/",
            "https://sam@example.org",
            "https://@example.org",
            "https://:@example.org",
            "javascript://example.org/%0aalert(1)",
        ] {
            assert!(!is_web_url(url), "{url}");
        }
    }
}
