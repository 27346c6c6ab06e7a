//! Owns the live events (PROTOCOL section 9, `WS /p2p/ws`): what is told, kept for readers in a bounded log, and
//! the connections that read it.

pub mod feed;
mod publish;
mod socket;

pub use publish::run;
pub use socket::connect;

use ait_api::node::{LiveEvent, LiveKind};
use serde::Serialize;
use serde_json::json;

/// One message of the feed.
pub fn message(kind: LiveKind, data: &impl Serialize) -> String {
    let data = json!(data);
    json!(LiveEvent { kind, data }).to_string()
}
