//! Content negotiation: the format of a response, and whether a body is JSON.

use axum::http::{HeaderMap, header};
use headers_accept::Accept;
use mediatype::{MediaType, MediaTypeBuf, names};

/// The format of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// `application/json`: a well-formed GraphQL request gets 200, as clients from before the specification expect.
    Json,
    /// `application/graphql-response+json`: the status is that of the error.
    GraphqlResponse,
    /// `text/html`: a browser opens the URL.
    Html,
}

/// The formats in the service's order of preference.
const OFFERS: [(&str, Format); 3] = [
    ("application/json", Format::Json),
    ("application/graphql-response+json", Format::GraphqlResponse),
    ("text/html", Format::Html),
];

impl Format {
    /// The client's preferred format among those that satisfy `offered`; `None` if it accepts none. Without an `Accept`
    /// header, JSON.
    pub(super) fn negotiate(headers: &HeaderMap, offered: impl Fn(Self) -> bool) -> Option<Self> {
        let accept = values(headers, &header::ACCEPT)?;
        if accept.is_empty() {
            return Some(Self::Json);
        }
        let accept: Accept = accept.parse().ok()?;
        // A media range with a parameter would match only offers that have it too. All responses are in UTF-8.
        let accept: Accept = accept
            .media_types()
            .map(|range| {
                let mut range = range.to_ref();
                range.params.to_mut().retain(|(name, _)| *name == names::Q);
                MediaTypeBuf::from(range)
            })
            .collect();
        let (types, formats): (Vec<MediaType<'_>>, Vec<Self>) = OFFERS
            .into_iter()
            .filter(|(_, format)| offered(*format))
            .filter_map(|(text, format)| Some((MediaType::parse(text).ok()?, format)))
            .unzip();
        let best = accept.negotiate(&types)?;
        let index = types.iter().position(|offer| offer == best)?;
        formats.get(index).copied()
    }

    /// The `Content-Type` of a response in this format.
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Html => "text/html; charset=utf-8",
        }
    }
}

/// All values of a header as one; empty if there is none, `None` if they are not text.
fn values(headers: &HeaderMap, name: &header::HeaderName) -> Option<String> {
    let values = headers.get_all(name).iter().map(|value| value.to_str().ok());
    Some(values.collect::<Option<Vec<_>>>()?.join(","))
}

/// Whether the body is declared to be JSON in UTF-8. A browser sends other types for any page without a preflight
/// request.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let Some(text) = values(headers, &header::CONTENT_TYPE) else {
        return false;
    };
    let Ok(media_type) = MediaType::parse(&text) else {
        return false;
    };
    let charset_is_utf_8 = media_type.params.iter().all(|(name, value)| {
        let value = value.unquoted_str();
        *name != "charset" || value.eq_ignore_ascii_case("utf-8") || value.eq_ignore_ascii_case("utf8")
    });
    media_type.ty == "application"
        && media_type.subty == "json"
        && media_type.suffix.is_none()
        && charset_is_utf_8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: header::HeaderName, text: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, text.parse().unwrap())])
    }

    #[test]
    fn the_most_wanted_format_is_chosen() {
        let negotiate = |text: &str| Format::negotiate(&headers(header::ACCEPT, text), |_| true);
        let (json, graphql, html) = (Format::Json, Format::GraphqlResponse, Format::Html);
        for (accept, expected) in [
            ("", Some(json)),
            ("*/*", Some(json)),
            ("application/*", Some(json)),
            ("application/json", Some(json)),
            ("application/json; charset=utf-8", Some(json)),
            ("application/json; charset=UTF-8", Some(json)),
            ("application/graphql-response+json", Some(graphql)),
            (
                "application/graphql-response+json; charset=utf-8, application/json; charset=utf-8",
                Some(graphql),
            ),
            (
                "application/graphql-response+json,application/json;q=0.9",
                Some(graphql),
            ),
            (
                "application/graphql-response+json, application/graphql+json, application/json",
                Some(graphql),
            ),
            ("application/json, application/graphql-response+json", Some(json)),
            (
                "application/json;q=0.5, application/graphql-response+json;q=0.6",
                Some(graphql),
            ),
            ("application/json;q=0, */*", Some(graphql)),
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8",
                Some(html),
            ),
            ("text/plain", None),
            ("application/xml, image/*", None),
            ("*/*;q=0", None),
            ("nonsense", None),
        ] {
            assert_eq!(negotiate(accept), expected, "{accept}");
        }
    }

    #[test]
    fn what_is_not_offered_is_not_chosen() {
        let accept = headers(header::ACCEPT, "text/html, */*;q=0.8");
        let without_html = |format| format != Format::Html;
        assert_eq!(Format::negotiate(&accept, without_html), Some(Format::Json));
    }

    #[test]
    fn only_json_in_utf_8_is_json() {
        for text in [
            "application/json",
            "application/json; charset=utf-8",
            "application/json;charset=UTF-8",
            "Application/JSON; charset=\"utf-8\"",
            "application/json; charset=utf8",
        ] {
            assert!(is_json(&headers(header::CONTENT_TYPE, text)), "{text}");
        }
        for text in [
            "",
            "text/plain",
            "text/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/json; charset=utf-16",
            "application/graphql",
            "application/ld+json",
            "application/json, text/plain",
        ] {
            assert!(!is_json(&headers(header::CONTENT_TYPE, text)), "{text}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }
}
