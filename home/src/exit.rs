//! Owns how a command fails: its exit codes, and the faults that have no type of their own elsewhere.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | it failed; the message says what happened and what to do |
//! | 2 | a flag or setting is wrong; nothing was done |
//! | 3 | a running node stopped by itself: an invariant violation, a failed database, an upgrade that it does not have or the height where it was to halt, named in one message |
//! | 4 | a node or coordinator refused, or the transaction failed in its block |
//! | 5 | the transaction was sent, or may have been, and what came of it is not known: ask before it is sent again |
//! | 6 | what `ait verify` was given is false: a proof, a signature or a header is wrong, or the chain is forked |
//! | 7 | `ait verify` cannot tell: nothing is trusted yet, or no longer, or not far enough |
//!
//! What is done is 0 even where standard output can't be written to: standard error gets the result then.

use ait_client::{ClientError, ExecuteError, Failed, NotCommitted, SendError, SignError};

use crate::comet::settings::HomeError;

/// It failed.
pub const FAILED: u8 = 1;
/// A flag or setting is wrong. clap uses the same.
pub const USAGE: u8 = 2;
/// The node stopped by itself.
pub const FATAL: u8 = 3;
pub const REFUSED: u8 = 4;

/// Sent, with an outcome that is not known.
pub const UNKNOWN: u8 = 5;

/// What was to be verified is false.
pub const REFUTED: u8 = 6;
/// Whether it is true can't be told.
pub const CANNOT_TELL: u8 = 7;

/// What was to be verified is false.
#[derive(Debug, thiserror::Error)]
#[error("refuted: {0}")]
pub struct Refuted(pub String);

/// Whether what was to be verified is true can't be told.
#[derive(Debug, thiserror::Error)]
#[error("cannot tell: {0}")]
pub struct CannotTell(pub String);

/// A refusal that is no answer of REST: a transaction that failed in its block, a negative attestation.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

/// A combination of flags that makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// The exit code that an error ends the program with.
pub fn code_of(error: &anyhow::Error) -> u8 {
    error.chain().find_map(code_of_cause).unwrap_or(FAILED)
}

fn code_of_cause(cause: &(dyn std::error::Error + 'static)) -> Option<u8> {
    if cause.is::<Usage>() || cause.is::<HomeError>() {
        return Some(USAGE);
    }
    if cause.is::<Refuted>() {
        return Some(REFUTED);
    }
    if cause.is::<CannotTell>() {
        return Some(CANNOT_TELL);
    }
    if cause.is::<Refused>() || cause.is::<Failed>() {
        return Some(REFUSED);
    }
    if let Some(error) = cause.downcast_ref::<ExecuteError>() {
        return match error {
            ExecuteError::NotSent(error) => code_of_send(error),
            ExecuteError::NotCommitted(error) => Some(code_of_block(error)),
            ExecuteError::Failed(_) => Some(REFUSED),
        };
    }
    if let Some(error) = cause.downcast_ref() {
        return Some(code_of_block(error));
    }
    if let Some(error) = cause.downcast_ref() {
        return code_of_send(error);
    }
    code_of_answer(cause.downcast_ref()?)
}

fn code_of_block(error: &NotCommitted) -> u8 {
    if error.is_unknown() { UNKNOWN } else { REFUSED }
}

fn code_of_send(error: &SendError) -> Option<u8> {
    match error {
        SendError::Unknown { .. } => Some(UNKNOWN),
        SendError::NotSigned(SignError::Malformed(_)) => Some(USAGE),
        SendError::NotSigned(SignError::FeeAboveLimit { .. }) => Some(REFUSED),
        SendError::NotSigned(SignError::Node(answer)) | SendError::NotTaken(answer) => {
            code_of_answer(answer)
        }
    }
}

fn code_of_answer(error: &ClientError) -> Option<u8> {
    matches!(error, ClientError::Refused { .. }).then_some(REFUSED)
}
