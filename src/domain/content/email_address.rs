//! The email address.

use email_address::Options;

use crate::domain::{Field, Rule, Violation, text};

/// Where to answer: an email address, checked for its form and not for whether it exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailAddress(String);

text::text!(EmailAddress);

impl EmailAddress {
    /// The most characters that an address has (RFC 5321 §4.5.3.1.3, less the angle brackets).
    pub const MAX_LENGTH: usize = 254;

    /// An address that somebody submits: bare, and with a whole domain.
    ///
    /// # Errors
    /// Every rule that it breaks.
    pub fn parse(text: &str) -> Result<Self, Vec<Violation>> {
        let text = text::parse(Field::Email, text, Self::MAX_LENGTH)?;
        let options = Options::default()
            .with_required_tld()
            .without_domain_literal()
            .without_display_text();
        if email_address::EmailAddress::parse_with_options(&text, options).is_err() {
            let message = "must be an email address like sam@example.org";
            return Err(vec![Violation::new(Field::Email, Rule::InvalidEmail, message)]);
        }
        Ok(Self(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::violation::rules;

    #[test]
    fn email_addresses_are_bare_and_have_a_whole_domain() {
        let email = EmailAddress::parse(" sam.o'neil+feedback@mail.example.org ").unwrap();
        assert_eq!(email.as_str(), "sam.o'neil+feedback@mail.example.org");
        for text in [
            "sam",
            "sam@localhost",
            "Sam <sam@example.org>",
            "sam@[127.0.0.1]",
            "@example.org",
            "a@b@c.org",
        ] {
            assert_eq!(rules(EmailAddress::parse(text)), [Rule::InvalidEmail], "{text}");
        }
    }
}
