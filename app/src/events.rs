//! Owns the form of events (PROTOCOL section 8): what a block tells those who watch and search.
//! Each component has its own events as a typed list; this is what they become.

use alloc::borrow::Cow;
use core::fmt::Display;

use serde::{Deserialize, Serialize};

use crate::{prelude::*, quantity::Quantity};

/// One attribute of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// Its name, snake_case.
    pub key: Cow<'static, str>,
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
    pub kind: Cow<'static, str>,
    /// What is known of it.
    pub attributes: Vec<Attribute>,
}

impl Event {
    /// An event without attributes.
    pub(crate) fn new(kind: &'static str) -> Self {
        Self {
            kind: kind.into(),
            attributes: Vec::new(),
        }
    }

    /// Adds an attribute that is searched for: an address, an id, a reason.
    #[must_use]
    pub(crate) fn id(self, key: &'static str, value: impl Display) -> Self {
        self.with(key, value, true)
    }

    /// Adds one that is searched for, where there is one.
    #[must_use]
    pub(crate) fn maybe_id(self, key: &'static str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.id(key, value),
            None => self,
        }
    }

    /// Adds an attribute that is read, not searched for: an amount, a height.
    #[must_use]
    pub(crate) fn amount(self, key: &'static str, value: impl Quantity) -> Self {
        self.with(key, value, false)
    }

    fn with(mut self, key: &'static str, value: impl Display, index: bool) -> Self {
        self.attributes.push(Attribute {
            key: key.into(),
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
