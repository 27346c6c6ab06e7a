//! A recording of what CometBFT asked of a node, and of what the node answered, so that both can be looked at and
//! executed again elsewhere.
//!
//! Owns the files of a recording: one for each run of the node. `frame` has what is in one, `recorder` writes it,
//! `recorded` stands between the socket and the application, `reader` reads it and trusts nothing of it. Decides no
//! answer, and costs a node without a recording nothing.

mod error;
mod frame;
mod reader;
mod recorded;
mod recorder;
#[cfg(test)]
mod tests;

pub use error::RecordingError;
pub use frame::{Call, FORMAT, Run};
pub use reader::{Item, MAX_REQUEST_BYTES, Recording, files_in};
pub use recorded::Recorded;
pub use recorder::Recorder;
