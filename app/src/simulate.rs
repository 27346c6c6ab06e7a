//! Owns simulation: what a transaction would do in the next block, for people who ask first.
//! It runs the very code of the block and keeps nothing.

use serde::Serialize;

use crate::{
    address::Address,
    bank::record::Account,
    crypto::{SecretKey, Signature},
    error::{Failure, Refusal},
    escrow::record::Escrow,
    prelude::*,
    quantity::Uait,
    state::{Key, State, Value, View},
    tx::{
        Anew, BlockContext, Draft, Transaction, TxHash, TxOutcome, TxResult, VerifiedTx, auth, run,
    },
};

/// A balance that would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BalanceChange {
    /// Whose.
    pub address: Address,
    /// Now.
    pub before: Uait,
    /// Then.
    pub after: Uait,
}

/// An escrow that would change; `null` where there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EscrowChange {
    /// Now.
    pub before: Option<Escrow>,
    /// Then.
    pub after: Option<Escrow>,
}

/// What a transaction would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Simulation {
    /// Its result.
    pub result: TxResult,
    /// What it must pay.
    pub required_fee: Uait,
    /// Balances it would change.
    pub balances: Vec<BalanceChange>,
    /// Escrows it would change.
    pub escrows: Vec<EscrowChange>,
}

/// What a payload of a sender must pay in the next block. Without a sender, as for one without any
/// records.
///
/// # Errors
/// [`Failure::Violation`].
pub fn required_fee(
    state: &State,
    payload: &crate::tx::Payload,
    sender: Option<&Address>,
) -> Result<Uait, Failure> {
    let bytes = crate::json::canonical(payload)?.len();
    let nobody = Address::module("nobody");
    let makes_record = payload.makes_record(state, sender.unwrap_or(&nobody))?;
    Ok(state.params().required_fee(bytes, makes_record))
}

/// Runs a transaction, given as JSON in any formatting, on `state` as in the next block. `nonce`,
/// `fee`, `pubkey` and `sig` may be missing: the next nonce and the required fee are taken then,
/// and a signature is checked only where there is one.
///
/// # Errors
/// [`Failure::Refused`] when it can't be read at all, and for a claim whose `miner_sig` no known key
/// can check; what it would be refused for later is a result.
pub fn simulate(state: &State, text: &[u8]) -> Result<Simulation, Failure> {
    let draft = Draft::read(text)?;
    let account = state.account(&draft.sender)?;
    let required_fee = required_fee(state, &draft.payload, Some(&draft.sender))?;
    let key = draft.pubkey.or(account.pubkey);
    if key.is_none() && draft.payload.is_paid_by_escrow() {
        return Err(Failure::Refused(Refusal::field(
            "field pubkey is missing, and the account's record doesn't know it: payload.miner_sig \
             can't be checked",
        )));
    }
    let is_signed = draft.sig.is_some();
    let tx = Transaction {
        sender: draft.sender,
        nonce: draft.nonce.unwrap_or(account.nonce.next()),
        fee: draft.fee.unwrap_or(required_fee),
        payload: draft.payload,
        // A stand-in where no key is known: it signs nothing here.
        pubkey: key.unwrap_or_else(|| SecretKey::from_seed([1; 32]).public_key()),
        sig: draft.sig.unwrap_or(Signature::from_bytes([0; 64])),
    };
    let authentic = match (is_signed, key) {
        (true, _) => auth::check_signature(&tx, state.chain_id()),
        (false, Some(_)) => auth::check_sender(&tx),
        (false, None) => Ok(()),
    };
    if let Err(refusal) = authentic {
        return Ok(Simulation {
            result: TxOutcome::unauthenticated(refusal).into_result().0,
            required_fee,
            balances: Vec::new(),
            escrows: Vec::new(),
        });
    }
    let payload_bytes = crate::json::canonical(&tx.payload)?.len();
    let hash = TxHash::of(&tx.to_wire());
    let verified = VerifiedTx::trusted(tx, hash, payload_bytes);
    run_on(state, &verified, required_fee)
}

fn run_on(state: &State, verified: &VerifiedTx, required_fee: Uait) -> Result<Simulation, Failure> {
    let block = BlockContext::after(state, &Anew)?;
    let outcome = run(state, &block, verified, None)?;
    let mut balances = Vec::new();
    let mut escrows = Vec::new();
    for (key, new) in &outcome.changes {
        match (key, new.as_deref()) {
            (Key::Account(address), Some(Value::Account(Account { balance, .. }))) => {
                let before = state.account(address)?.balance;
                if before != *balance {
                    balances.push(BalanceChange {
                        address: *address,
                        before,
                        after: *balance,
                    });
                }
            }
            (Key::Escrow(client, job), Some(Value::Escrow(after))) => escrows.push(EscrowChange {
                before: state.get::<Escrow>(&(*client, job.clone()))?,
                after: Some(after.clone()),
            }),
            _ => {}
        }
    }
    Ok(Simulation {
        result: outcome.into_result().0,
        required_fee,
        balances,
        escrows,
    })
}
