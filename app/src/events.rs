//! Owns the events of SPEC section 8: what a block tells those who watch and search.

use std::fmt::Display;

use serde::{Deserialize, Serialize};

/// One attribute of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// Its name, snake_case.
    pub key: String,
    /// Its value as text; amounts in uait.
    pub value: String,
    /// Whether CometBFT indexes it: ids and addresses are what one searches, amounts aren't.
    pub index: bool,
}

/// Something that happened in a block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its kind, snake_case.
    #[serde(rename = "type")]
    pub kind: String,
    /// What is known of it.
    pub attributes: Vec<Attribute>,
}

impl Event {
    /// An event without attributes.
    pub fn new(kind: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            attributes: Vec::new(),
        }
    }

    /// Adds an attribute that is searched for: an address or an id.
    #[must_use]
    pub fn id(self, key: &str, value: impl Display) -> Self {
        self.with(key, value, true)
    }

    /// Adds an attribute that is read, not searched for: an amount.
    #[must_use]
    pub fn amount(self, key: &str, value: u64) -> Self {
        self.with(key, value, false)
    }

    fn with(mut self, key: &str, value: impl Display, index: bool) -> Self {
        self.attributes.push(Attribute {
            key: key.to_owned(),
            value: value.to_string(),
            index,
        });
        self
    }

    /// The value of an attribute.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|attribute| attribute.key == key)
            .map(|attribute| attribute.value.as_str())
    }
}
