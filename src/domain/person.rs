//! Who wrote feedback, as far as it says.

use sha2::{Digest, Sha256};

use super::EmailAddress;

/// A person, by the SHA-256 digest of their email address in lower case, as 64 hexadecimal digits.
///
/// Mail servers tell addresses apart by case in theory and nowhere in practice. A digest makes a key of one length,
/// and keeps the address out of an index's keys, which DynamoDB shows in its metrics of hot keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person(String);

impl Person {
    /// The person with this address.
    #[must_use]
    pub fn of(email: &EmailAddress) -> Self {
        Self(hex::encode(Sha256::digest(email.as_str().to_lowercase())))
    }

    /// The digest.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Person> for String {
    fn from(person: Person) -> Self {
        person.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_in_any_case_is_the_same_person() {
        let person = |email: &str| Person::of(&EmailAddress::parse(email).unwrap());
        // printf 'sam@example.org' | sha256sum
        let digest = "22e7ba7a5786d8fb02a3b39893ae2176a995d052f816741a37e747565de7f45d";
        assert_eq!(person("sam@example.org").as_str(), digest);
        assert_eq!(person("Sam@Example.ORG").as_str(), digest);
        assert_ne!(person("sam+1@example.org").as_str(), digest);
    }
}
