//! Owns the live events (PROTOCOL section 9, `WS /p2p/ws`): what is told, kept for readers in a bounded log, and
//! the connections that read it.

mod feed;
mod publish;
mod socket;

pub use feed::Feed;
pub use publish::run;
pub use socket::connect;

use serde_json::{Value, json};

/// One message of the feed.
pub fn message(kind: &str, data: &Value) -> String {
    json!({"type": kind, "data": data}).to_string()
}
