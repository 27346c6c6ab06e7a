//! Owns what payments of several kinds have in common: whether the sender has the coins, and whether
//! the recipient may begin with so few.

use crate::{
    address::Address,
    bank::record::Account,
    code::Code,
    error::{Failure, refuse},
    prelude::*,
    quantity::Uait,
    state::{Overlay, View},
    tx::context::Context,
};

/// Takes `amount`, which `field` asks for, out of the sender's balance after the fee.
///
/// # Errors
/// [`Code::InsufficientBalance`].
pub(crate) fn take_from_sender<V: View>(
    context: &Context<'_>,
    overlay: &mut Overlay<V>,
    amount: Uait,
) -> Result<(), Failure> {
    let sender = context.sender;
    let left = overlay.account(&sender)?.balance;
    if left < amount {
        return refuse(
            Code::InsufficientBalance,
            format!(
                "field payload.amount is {amount} uait, but {sender} has only {left} after the fee of {}",
                context.fee
            ),
        );
    }
    overlay.debit(&sender, amount)?;
    Ok(())
}

/// An account that has no record yet must receive at least `min_account_balance`.
///
/// # Errors
/// [`Code::BelowMinBalance`].
pub(crate) fn check_recipient<V: View>(
    context: &Context<'_>,
    overlay: &Overlay<V>,
    recipient: &Address,
    amount: Uait,
) -> Result<(), Failure> {
    let least = context.block.params.min_account_balance;
    if amount < least && !overlay.has::<Account>(recipient)? {
        return refuse(
            Code::BelowMinBalance,
            format!(
                "field payload.amount is {amount} uait, but {recipient} has no account yet and must \
                 receive at least {least}"
            ),
        );
    }
    Ok(())
}
