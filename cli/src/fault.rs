//! Owns what can go wrong with a command, beside what its libraries say.

/// A refusal that is no answer of REST: a transaction that failed in its block, a negative attestation.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

/// A combination of flags that makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);
