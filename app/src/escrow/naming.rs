//! Owns which coordinators a new escrow may name (PROTOCOL section 3): registered, not suspended,
//! with bond enough. A client's top-up that extends asks the same.

use super::record::Attester;
use crate::{
    address::Address,
    code::Code,
    coordinators::record::Coordinator,
    error::{Failure, refuse},
    prelude::*,
    state::View,
    tx::context::Context,
};

/// The coordinators with their keys of now, in the order given.
///
/// # Errors
/// [`Code::UnknownCoordinator`] for any of them, then [`Code::CoordinatorSuspended`], then
/// [`Code::BondTooSmall`].
pub(super) fn named_now(
    context: &Context<'_>,
    view: &impl View,
    addresses: &[Address],
) -> Result<Vec<Attester>, Failure> {
    let params = context.block.params;
    let mut attesters = Vec::new();
    for address in addresses {
        let Some(key) = params.coordinators.key_of(address) else {
            return refuse(
                Code::UnknownCoordinator,
                format!("{address} is not a registered coordinator"),
            );
        };
        attesters.push(Attester {
            address: *address,
            key: *key,
        });
    }
    let mut records = Vec::new();
    for Attester { address, key } in &attesters {
        let record = view
            .get::<Coordinator>(address)?
            .unwrap_or_else(|| Coordinator::new(*address));
        if record.is_suspended(key) {
            return refuse(
                Code::CoordinatorSuspended,
                format!("the coordinator {address} is suspended for equivocation"),
            );
        }
        records.push(record);
    }
    let least = params.coordinator_min_bond;
    if let Some(poor) = records.iter().find(|record| record.bond < least) {
        return refuse(
            Code::BondTooSmall,
            format!(
                "the coordinator {} has a bond of {} uait, below coordinator_min_bond {least}",
                poor.address, poor.bond
            ),
        );
    }
    Ok(attesters)
}
