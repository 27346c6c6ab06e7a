//! Owns the admin's rights and their hand-over: named by `PARAM_UPDATE admin`, then taken by
//! `ADMIN_ACCEPT`. Codes: `params`. Event: `admin_changed`.

use serde::{Deserialize, Serialize};

use super::{
    events::ParamsEvent,
    table::{ParamKey, ParamValue},
};
use crate::{
    code::Code,
    error::{Failure, refuse},
    events::Event,
    prelude::*,
    state::{Overlay, View},
    tx::{context::Context, operation::Operation},
};

/// The sender is the admin.
///
/// # Errors
/// [`Code::NotTheAdmin`].
pub(crate) fn check_admin(context: &Context<'_>) -> Result<(), Failure> {
    let admin = context.block.params.admin;
    if context.sender != admin {
        return refuse(
            Code::NotTheAdmin,
            format!("only the admin {admin} may send this"),
        );
    }
    Ok(())
}

/// The payload of `ADMIN_ACCEPT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdminAccept {}

impl Operation for AdminAccept {
    const KIND: &'static str = "ADMIN_ACCEPT";

    fn execute<V: View>(
        &self,
        context: &Context<'_>,
        overlay: &mut Overlay<V>,
    ) -> Result<Vec<Event>, Failure> {
        let sender = context.sender;
        if context.block.consensus.admin_candidate != Some(sender) {
            return refuse(
                Code::NotNamedAdmin,
                format!("PARAM_UPDATE admin had not named {sender} before this block"),
            );
        }
        let mut consensus = overlay.consensus()?;
        consensus.admin_candidate = None;
        overlay.put(&(), consensus);
        overlay.put(&ParamKey::Admin, ParamValue::Admin(sender));
        let event = ParamsEvent::AdminChanged {
            admin: sender,
            previous: context.block.params.admin,
        };
        Ok(vec![event.into()])
    }
}
