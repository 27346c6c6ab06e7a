//! Owns authentication (PROTOCOL section 3): what must hold before a transaction has any effect.
//! In this order: encoding (see [`super::codec`]), sender, signature, nonce, fee, balance.

use super::{codec::Transaction, wire::Wire};
use crate::{
    address::Address, bank::record::Account, code::Code, crypto::CurveKey, error::Refusal,
    identifiers::ChainId, prelude::*, quantity::Uait,
};

/// The sender is the key's address.
///
/// # Errors
/// [`Code::SenderMismatch`].
pub fn check_sender(tx: &Transaction) -> Result<(), Refusal> {
    check_owner(&tx.sender, &Address::of(&tx.pubkey))
}

/// The sender is the key's address, and the key signed for this chain.
///
/// # Errors
/// [`Code::SenderMismatch`], [`Code::InvalidSignature`].
pub fn check_signature(tx: &Transaction, chain_id: &ChainId) -> Result<(), Refusal> {
    check_sender(tx)?;
    check_verifies(
        tx.pubkey.verifies(&tx.sign_bytes(chain_id), &tx.sig),
        chain_id,
    )
}

/// As [`check_signature`], of bytes whose key's point was found.
///
/// # Errors
/// As [`check_signature`].
pub(super) fn check_wire(
    wire: &Wire<'_>,
    key: &CurveKey,
    chain_id: &ChainId,
) -> Result<(), Refusal> {
    check_owner(&wire.sender, &Address::of_bytes(&wire.pubkey))?;
    check_verifies(
        key.verifies(&wire.sign_bytes(chain_id), &wire.sig),
        chain_id,
    )
}

fn check_owner(sender: &Address, owner: &Address) -> Result<(), Refusal> {
    if owner != sender {
        return Err(Refusal::new(
            Code::SenderMismatch,
            format!("field sender is {sender}, but pubkey is that of {owner}"),
        ));
    }
    Ok(())
}

fn check_verifies(verifies: bool, chain_id: &ChainId) -> Result<(), Refusal> {
    if !verifies {
        return Err(Refusal::new(
            Code::InvalidSignature,
            format!("field sig does not verify for this transaction on chain {chain_id}"),
        ));
    }
    Ok(())
}

/// What the sender itself must be able to pay: the fee, or for a claim what it offers above the
/// required one, which its escrow pays.
pub fn fee_from_balance(tx: &Transaction, required_fee: Uait) -> Uait {
    if tx.payload.is_paid_by_escrow() {
        tx.fee.floored_minus(required_fee)
    } else {
        tx.fee
    }
}

/// Nonce, fee and balance against the sender's account.
///
/// # Errors
/// [`Code::NonceUsed`], [`Code::NonceGap`], [`Code::FeeTooLow`], [`Code::FeeNotAffordable`].
pub fn check_account(
    tx: &Transaction,
    required_fee: Uait,
    account: &Account,
) -> Result<(), Refusal> {
    let expected = account.nonce.next();
    if tx.nonce < expected || tx.nonce == account.nonce {
        return Err(Refusal::new(
            Code::NonceUsed,
            format!(
                "field nonce is {}, already used; the next is {expected}",
                tx.nonce
            ),
        ));
    }
    if tx.nonce > expected {
        return Err(Refusal::new(
            Code::NonceGap,
            format!("field nonce is {}, but the next is {expected}", tx.nonce),
        ));
    }
    if tx.fee < required_fee {
        return Err(Refusal::new(
            Code::FeeTooLow,
            format!(
                "field fee is {} uait, below the required {required_fee}",
                tx.fee
            ),
        ));
    }
    let own_part = fee_from_balance(tx, required_fee);
    if account.balance < own_part {
        let what = if own_part == tx.fee {
            format!("the fee of {own_part}")
        } else {
            format!(
                "{own_part} of the fee of {}, the part above the {required_fee} that the escrow pays",
                tx.fee
            )
        };
        return Err(Refusal::new(
            Code::FeeNotAffordable,
            format!(
                "the balance of {} is {} uait and cannot pay {what}",
                tx.sender, account.balance
            ),
        ));
    }
    Ok(())
}
