//! Owns the events of params.

use crate::{address::Address, events::Event, prelude::*};

/// What happened to params.
pub(super) enum ParamsEvent {
    Updated { key: &'static str, value: String },
    AdminChanged { admin: Address, previous: Address },
}

impl From<ParamsEvent> for Event {
    fn from(event: ParamsEvent) -> Event {
        match event {
            ParamsEvent::Updated { key, value } => Event::new("param_updated")
                .id("key", key)
                .id("value", value),
            ParamsEvent::AdminChanged { admin, previous } => Event::new("admin_changed")
                .id("admin", admin)
                .id("previous", previous),
        }
    }
}
