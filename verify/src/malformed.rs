//! Owns what a document is refused for before anything in it is judged.

/// Why a document is not of its form. It names the field and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Longer than is read.
    #[error("{what} has {size} bytes: at most {limit} are read")]
    TooLarge {
        /// The document or the field.
        what: &'static str,
        /// Its bytes.
        size: usize,
        /// How many it may have.
        limit: usize,
    },
    /// No JSON, or not the fields that belong there, each once and no other.
    #[error("{what}: {reason}")]
    Json {
        /// The document or the field.
        what: &'static str,
        /// What the JSON reader says, with line and column.
        reason: String,
    },
    /// A field does not hold what belongs there, or writes it in another way than the one that is read.
    #[error("{field} {reason}")]
    Field {
        /// The field, from the top of the document on.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Malformed {
    pub(crate) fn field(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Field {
            field: field.into(),
            reason: reason.into(),
        }
    }

    pub(crate) fn json(what: &'static str, error: &serde_json::Error) -> Self {
        Self::Json {
            what,
            reason: error.to_string(),
        }
    }
}
