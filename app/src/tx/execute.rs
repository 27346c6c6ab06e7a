//! Owns how one transaction of any kind runs (SPEC section 3, outcome): authentication, then its
//! effects or, where they fail, the nonce, the fee and nothing else.

use serde::{Deserialize, Serialize};

use super::{VerifiedTx, auth, offence};
use crate::{
    code::Code,
    error::{Broken, Failure, Refusal},
    events::Event,
    identifiers::ChainId,
    params::Params,
    receipts::Attestation,
    state::{
        Key,
        overlay::{Changes, Overlay, View},
    },
};

/// What a transaction runs under besides the state.
pub struct Context<'a> {
    /// The chain.
    pub chain_id: &'a ChainId,
    /// The block it runs in.
    pub height: u64,
    /// The params after the block before.
    pub params: &'a Params,
    /// The transaction.
    pub verified: &'a VerifiedTx,
    /// uait its size and the params ask for.
    pub required_fee: u64,
    /// For a claim without one of its own: the attestation in front of the block.
    pub attestation: Option<&'a Attestation>,
}

/// The result of a transaction in a block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TxResult {
    /// 0, or the [`Code`]'s number. Consensus.
    pub code: u32,
    /// The code's codespace; empty for success. Consensus.
    pub codespace: String,
    /// For people.
    pub log: String,
    /// uait paid to the proposer.
    pub fee: u64,
    /// What happened.
    pub events: Vec<Event>,
}

impl TxResult {
    /// Success.
    pub fn success(fee: u64, events: Vec<Event>) -> Self {
        Self {
            code: 0,
            codespace: String::new(),
            log: String::new(),
            fee,
            events,
        }
    }

    /// Failure.
    pub fn failure(refusal: &Refusal, fee: u64, events: Vec<Event>) -> Self {
        Self {
            code: refusal.code.number(),
            codespace: refusal.code.codespace().to_owned(),
            log: refusal.message.clone(),
            fee,
            events,
        }
    }
}

/// What running a transaction came to.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Its result.
    pub result: TxResult,
    /// Why it did not succeed.
    pub refusal: Option<Refusal>,
    /// Whether it passed authentication. If not, it changes nothing, and a block must not hold it.
    pub authenticated: bool,
    /// What it changes.
    pub changes: Changes,
}

impl Outcome {
    /// A transaction that has no effect at all.
    pub fn unauthenticated(refusal: Refusal) -> Self {
        Self {
            result: TxResult::failure(&refusal, 0, Vec::new()),
            refusal: Some(refusal),
            authenticated: false,
            changes: Changes::new(),
        }
    }

    /// Whether it is an offence of its miner (SPEC section 4).
    pub fn is_offence(&self) -> bool {
        self.authenticated
            && self
                .refusal
                .as_ref()
                .is_some_and(|refusal| refusal.code.is_offence())
    }
}

/// Runs a transaction in block `height` on what `view` shows.
///
/// # Errors
/// [`Broken`] only: a refusal is an outcome.
pub fn run<V: View>(
    view: &V,
    chain_id: &ChainId,
    height: u64,
    params: &Params,
    verified: &VerifiedTx,
    attestation: Option<&Attestation>,
) -> Result<Outcome, Broken> {
    let context = Context {
        chain_id,
        height,
        params,
        verified,
        required_fee: params.required_fee(verified.payload_bytes),
        attestation,
    };
    let tx = &verified.tx;
    if let Err(refusal) = auth::check_account(&context, tx, &view.account(&tx.sender)?) {
        return Ok(Outcome::unauthenticated(refusal));
    }
    let mut overlay = Overlay::new(view);
    charge(
        &mut overlay,
        verified,
        auth::fee_from_balance(tx, context.required_fee),
    )?;
    match tx.payload.execute(&context, &mut overlay) {
        Ok(events) => Ok(Outcome {
            result: TxResult::success(tx.fee, events),
            refusal: None,
            authenticated: true,
            changes: overlay.into_changes(),
        }),
        Err(Failure::Refused(refusal)) => failed(view, &context, refusal),
        Err(Failure::Broken(broken)) => Err(broken),
    }
}

/// Past authentication a failing transaction advances the nonce, pays what it can of its fee and,
/// as an offence, goes onto its miner's record.
fn failed<V: View>(view: &V, context: &Context<'_>, refusal: Refusal) -> Result<Outcome, Broken> {
    let tx = &context.verified.tx;
    let fee = tx.fee.min(view.account(&tx.sender)?.balance);
    let mut overlay = Overlay::new(view);
    charge(&mut overlay, context.verified, fee)?;
    let events = if refusal.code.is_offence() {
        offence::record(context, &mut overlay)?
    } else {
        Vec::new()
    };
    Ok(Outcome {
        result: TxResult::failure(&refusal, fee, events),
        refusal: Some(refusal),
        authenticated: true,
        changes: overlay.into_changes(),
    })
}

fn charge<V: View>(
    overlay: &mut Overlay<'_, V>,
    verified: &VerifiedTx,
    uait: u64,
) -> Result<(), Broken> {
    let tx = &verified.tx;
    let mut account = overlay.account(&tx.sender)?;
    account.nonce = tx.nonce;
    account.pubkey = Some(tx.pubkey);
    account.balance = crate::amount::subtract(account.balance, uait)?;
    overlay.put(&Key::Account(tx.sender), &account)
}

/// A spending that the balance, after the fee, must cover.
///
/// # Errors
/// [`Code::InsufficientBalance`] with both figures.
pub(super) fn afford<V: View>(
    overlay: &Overlay<'_, V>,
    context: &Context<'_>,
    uait: u64,
) -> Result<(), Failure> {
    let tx = &context.verified.tx;
    let left = overlay.account(&tx.sender)?.balance;
    if left < uait {
        return Err(Failure::Refused(Refusal::new(
            Code::InsufficientBalance,
            format!(
                "field payload.amount is {uait} uait, but {} has only {left} after the fee of {}",
                tx.sender, tx.fee
            ),
        )));
    }
    Ok(())
}
