//! Owns `PARAM_UPDATE upgrade`: the admin plans an upgrade for a height, plans another instead, or takes the
//! plan back. Codes: `params`.

use super::{
    known::Upgrade,
    record::{Plan, Protocol},
};
use crate::{
    code::Code,
    error::{Failure, refuse},
    prelude::*,
    state::{Overlay, View},
    tx::context::Context,
};

/// What `PARAM_UPDATE` calls it.
pub(crate) const KEY: &str = "upgrade";

/// Blocks from a plan to its height at least, so that it can be seen and taken back.
const NOTICE: u64 = 10;

/// Puts a plan in the place of the one that there is; `None` takes it back.
///
/// # Errors
/// [`Code::ParamConflict`].
pub(crate) fn put<V: View>(
    context: &Context<'_>,
    overlay: &mut Overlay<V>,
    plan: Option<&Plan>,
) -> Result<(), Failure> {
    let version = context.block.version;
    if let Some(plan) = plan {
        let earliest = context.block.height.get().saturating_add(NOTICE);
        if plan.height.get() < earliest {
            return refuse(
                Code::ParamConflict,
                format!(
                    "param upgrade: height {} is below {earliest}, {NOTICE} blocks after this one",
                    plan.height
                ),
            );
        }
        // Whoever executes this version knows these.
        let mut behind = Upgrade::ALL.iter().filter(|done| done.version() <= version);
        if behind.any(|done| done.name() == plan.name.as_str()) {
            return refuse(
                Code::ParamConflict,
                format!(
                    "param upgrade: the chain is at version {version}, which {:?} led to, or an earlier one",
                    plan.name.as_str()
                ),
            );
        }
    }
    let planned = plan.cloned();
    overlay.put(&(), Protocol { planned, version });
    Ok(())
}
