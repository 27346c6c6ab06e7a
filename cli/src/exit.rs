//! Owns the exit codes of the `ait` command.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | it failed; the message says what happened and what to do |
//! | 2 | a flag or setting is wrong; nothing was done |
//! | 3 | a running node stopped by itself: a broken invariant or a failed database, named in one message |
//! | 4 | a node or coordinator refused, or the transaction failed in its block |

use crate::{client::ClientError, config::BadSetting};

/// It failed.
pub const FAILED: u8 = 1;
/// A flag or setting is wrong. clap uses the same.
pub const USAGE: u8 = 2;
/// The node stopped by itself.
pub const FATAL: u8 = 3;
/// Refused.
pub const REFUSED: u8 = 4;

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
    for cause in error.chain() {
        if cause.is::<BadSetting>() || cause.is::<Usage>() {
            return USAGE;
        }
        if cause.is::<Refused>()
            || matches!(cause.downcast_ref(), Some(ClientError::Refused { .. }))
        {
            return REFUSED;
        }
    }
    FAILED
}
