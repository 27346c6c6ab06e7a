//! Owns the two ways in which execution can say no: a [`Refusal`] of what came from outside, and
//! an [`InvariantViolation`] of our own, which must stop the node.

use crate::{code::Code, prelude::*};

/// A transaction (or other input) that is refused: a stable code and a message for people that
/// names the field and the limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The stable code (PROTOCOL section 8).
    pub code: Code,
    /// For people; may change between versions, is not consensus.
    pub message: String,
}

impl Refusal {
    /// A refusal with its message.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// A field that is missing, unknown, mistyped or out of its range.
    pub fn field(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidField, message)
    }
}

/// An internal invariant does not hold: the books don't balance or a stored record is unreadable.
/// The node stops on it rather than go on wrongly.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invariant violation: {0}")]
pub struct InvariantViolation(String);

impl InvariantViolation {
    /// Names what does not hold.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// What execution of one transaction can end in besides success.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The transaction can't do what it asks for.
    #[error("{0}")]
    Refused(Refusal),
    /// A claim that fails through its miner's fault (PROTOCOL section 4).
    #[error("{0}")]
    Offence(Refusal),
    /// Ours.
    #[error(transparent)]
    Violation(#[from] InvariantViolation),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// A [`Failure::Refused`] as a result.
///
/// # Errors
/// Always.
pub(crate) fn refuse<T>(code: Code, message: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Refused(Refusal::new(code, message)))
}

/// A [`Failure::Offence`] as a result.
///
/// # Errors
/// Always.
pub(crate) fn offend<T>(code: Code, message: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Offence(Refusal::new(code, message)))
}
