//! Owns how one transaction of any kind runs (PROTOCOL section 3, outcome): authentication, then its
//! effects or, where they fail, the nonce, the required fee and nothing else but offences.

use serde::{Deserialize, Serialize};

use super::{
    auth,
    context::{BlockContext, Context},
    verified::VerifiedTx,
};
use crate::{
    error::{Failure, InvariantViolation, Refusal},
    events::Event,
    prelude::*,
    quantity::Uait,
    receipts::attestation::Attestation,
    state::{Changes, Overlay, View},
};

/// The result of one entry of a block, as ABCI and getTx show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TxResult {
    /// 0 for success, else a [`crate::Code`]'s number.
    pub code: u32,
    /// The code's codespace; empty for success.
    pub codespace: String,
    /// For people.
    pub log: String,
    /// What was paid.
    pub fee: Uait,
    /// What happened.
    pub events: Vec<Event>,
}

/// What became of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It did what it asked for and paid what it offered.
    Done,
    /// It failed and paid the required fee.
    Failed(Refusal),
    /// It failed through its miner's fault, paid the required fee and is an offence.
    Offence(Refusal),
    /// It has no place in a block: no effect at all.
    Unauthenticated(Refusal),
}

/// What a transaction did, and would change.
#[derive(Debug, Clone)]
pub struct TxOutcome {
    /// What became of it.
    pub verdict: Verdict,
    /// What it paid.
    pub fee: Uait,
    /// What happened.
    pub events: Vec<Event>,
    /// The records it changes.
    pub changes: Changes,
}

impl TxOutcome {
    /// Of something that has no effect.
    pub fn unauthenticated(refusal: Refusal) -> Self {
        Self {
            verdict: Verdict::Unauthenticated(refusal),
            fee: Uait::ZERO,
            events: Vec::new(),
            changes: Changes::new(),
        }
    }

    /// Whether it did what it asked for.
    pub fn is_done(&self) -> bool {
        self.verdict == Verdict::Done
    }

    /// Why it failed; `None` where it didn't.
    pub fn refusal(&self) -> Option<&Refusal> {
        match &self.verdict {
            Verdict::Done => None,
            Verdict::Failed(refusal)
            | Verdict::Offence(refusal)
            | Verdict::Unauthenticated(refusal) => Some(refusal),
        }
    }

    /// Its result in the block, and the records it changes.
    pub fn into_result(self) -> (TxResult, Changes) {
        let (code, codespace, log) = match self.refusal() {
            None => (0, String::new(), String::new()),
            Some(Refusal { code, message }) => {
                (code.number(), code.codespace().to_owned(), message.clone())
            }
        };
        let result = TxResult {
            code,
            codespace,
            log,
            fee: self.fee,
            events: self.events,
        };
        (result, self.changes)
    }
}

/// Runs a transaction on a view and tells what it would change. `attestation` is the one in front of
/// the block, for a claim that brings none.
///
/// # Errors
/// [`InvariantViolation`].
pub fn run(
    view: &impl View,
    block: &BlockContext<'_>,
    verified: &VerifiedTx,
    attestation: Option<&Attestation>,
) -> Result<TxOutcome, InvariantViolation> {
    let tx = &verified.tx;
    if let Err(refusal) = tx.payload.check_known(block.version) {
        return Ok(TxOutcome::unauthenticated(refusal));
    }
    let makes_record = tx.payload.makes_record(view, &tx.sender)?;
    let required_fee = block
        .params
        .required_fee(verified.payload_bytes, makes_record);
    if let Err(refusal) = auth::check_account(tx, required_fee, &view.account(&tx.sender)?) {
        return Ok(TxOutcome::unauthenticated(refusal));
    }
    let context = Context {
        block,
        sender: tx.sender,
        pubkey: tx.pubkey,
        fee: tx.fee,
        required_fee,
        tx_hash: verified.hash,
        attestation,
    };
    let mut overlay = Overlay::new(view);
    charge(
        &mut overlay,
        verified,
        auth::fee_from_balance(tx, required_fee),
    )?;
    match tx.payload.execute(&context, &mut overlay) {
        Ok(events) => Ok(TxOutcome {
            verdict: Verdict::Done,
            fee: tx.fee,
            events,
            changes: overlay.into_changes(),
        }),
        Err(Failure::Refused(refusal)) => {
            failed(view, &context, verified, Verdict::Failed(refusal))
        }
        Err(Failure::Offence(refusal)) => {
            failed(view, &context, verified, Verdict::Offence(refusal))
        }
        Err(Failure::Violation(violation)) => Err(violation),
    }
}

/// Nonce and required fee, and what an offence costs. A claim's sender that can't pay the fee, which
/// authentication left to the escrow, has no place in a block.
fn failed(
    view: &impl View,
    context: &Context<'_>,
    verified: &VerifiedTx,
    verdict: Verdict,
) -> Result<TxOutcome, InvariantViolation> {
    let (Verdict::Failed(refusal) | Verdict::Offence(refusal)) = &verdict else {
        return Err(InvariantViolation::new("what failed has no reason"));
    };
    if view.account(&context.sender)?.balance < context.required_fee {
        return Ok(TxOutcome::unauthenticated(refusal.clone()));
    }
    let mut overlay = Overlay::new(view);
    charge(&mut overlay, verified, context.required_fee)?;
    let events = if matches!(verdict, Verdict::Offence(_)) {
        verified
            .tx
            .payload
            .punish(context, &mut overlay, refusal.code)?
    } else {
        Vec::new()
    };
    Ok(TxOutcome {
        verdict,
        fee: context.required_fee,
        events,
        changes: overlay.into_changes(),
    })
}

fn charge<V: View>(
    overlay: &mut Overlay<V>,
    verified: &VerifiedTx,
    amount: Uait,
) -> Result<(), InvariantViolation> {
    let tx = &verified.tx;
    let mut account = overlay.account(&tx.sender)?;
    account.nonce = tx.nonce;
    account.pubkey = Some(tx.pubkey);
    account.balance = account.balance.minus(amount)?;
    overlay.put(&tx.sender, account);
    Ok(())
}
