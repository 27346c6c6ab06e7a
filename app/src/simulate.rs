//! Owns simulation: what a transaction would do in the next block, for people who ask first.
//! It runs the very code of the block and keeps nothing.

use serde::Serialize;

use crate::{
    address::Address,
    amount,
    crypto::{PublicKey, SecretKey, Signature},
    error::{Failure, Refusal},
    json::{Fields, Json},
    state::{
        Key, State,
        overlay::{View, decode},
        records::{Account, Escrow},
    },
    tx::{Payload, Transaction, TxHash, TxResult, VerifiedTx, auth, run},
};

/// A balance that would change, in uait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BalanceChange {
    /// Whose.
    pub address: Address,
    /// Now.
    pub before: u64,
    /// Then.
    pub after: u64,
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
    /// uait its size asks for.
    pub required_fee: u64,
    /// Balances it would change.
    pub balances: Vec<BalanceChange>,
    /// Escrows it would change.
    pub escrows: Vec<EscrowChange>,
}

/// Runs a transaction, given as JSON in any formatting, on `state` as in the next block. `nonce`,
/// `fee`, `pubkey` and `sig` may be missing: the next nonce and the required fee are taken then,
/// and a signature is checked only where there is one.
///
/// # Errors
/// [`Failure::Refused`] when it can't be read at all, and for a claim whose `miner_sig` no known key
/// can check; what it would be refused for later is a result.
pub fn simulate(state: &State, text: &[u8]) -> Result<Simulation, Failure> {
    let json = Json::parse(text)?;
    let optional = ["nonce", "fee", "pubkey", "sig"];
    let fields = Fields::open(&json, "", &["type", "sender", "payload"], &optional)?;
    let sender: Address = fields.parsed("sender")?;
    let payload = Payload::parse(fields.string("type")?, fields.json("payload")?, sender)?;
    let payload_bytes = payload.to_json().canonical()?.len();
    let required_fee = state.params().required_fee(payload_bytes);
    let account = state.account(&sender)?;
    let integer = |name: &str, default: u64| {
        if fields.has(name) {
            fields.integer(name, 0..=amount::MAX)
        } else {
            Ok(default)
        }
    };
    let key = if fields.has("pubkey") {
        Some(fields.parsed::<PublicKey>("pubkey")?)
    } else {
        account.pubkey
    };
    if key.is_none() && matches!(payload, Payload::ReceiptClaim(_)) {
        return Err(Failure::Refused(fields.refuse(
            "pubkey",
            "is missing, and the account's record doesn't know it: payload.miner_sig can't be checked",
        )));
    }
    let mut tx = Transaction {
        sender,
        nonce: integer("nonce", account.nonce.saturating_add(1))?,
        fee: integer("fee", required_fee)?,
        payload,
        // A stand-in where no key is known: it signs nothing here.
        pubkey: key.unwrap_or_else(|| SecretKey::from_seed([1; 32]).public_key()),
        sig: Signature::from_bytes([0; 64]),
    };
    let authentic = if fields.has("sig") {
        tx.sig = fields.parsed("sig")?;
        auth::check_signature(&tx, state.chain_id())
    } else if key.is_some() {
        auth::check_sender(&tx)
    } else {
        Ok(())
    };
    if let Err(refusal) = authentic {
        return Ok(refused(&refusal, required_fee));
    }
    let hash = TxHash::of(&tx.to_wire());
    let verified = VerifiedTx::trusted(tx, hash, payload_bytes, state.chain_id());
    run_on(state, &verified, required_fee)
}

fn refused(refusal: &Refusal, required_fee: u64) -> Simulation {
    Simulation {
        result: TxResult::failure(refusal, 0, Vec::new()),
        required_fee,
        balances: Vec::new(),
        escrows: Vec::new(),
    }
}

fn run_on(state: &State, verified: &VerifiedTx, required_fee: u64) -> Result<Simulation, Failure> {
    let height = state.height().saturating_add(1);
    let params = state.params().clone();
    let outcome = run(state, state.chain_id(), height, &params, verified, None)?;
    let mut balances = Vec::new();
    let mut escrows = Vec::new();
    for (bytes, new) in &outcome.changes {
        let path = String::from_utf8_lossy(bytes);
        let (Ok(key), Some(new)) = (Key::parse(&path), new) else {
            continue;
        };
        match &key {
            Key::Account(address) => {
                let after: Account = decode(&key, new)?;
                let before = state.account(address)?.balance;
                if before != after.balance {
                    balances.push(BalanceChange {
                        address: *address,
                        before,
                        after: after.balance,
                    });
                }
            }
            Key::Escrow(client, job) => escrows.push(EscrowChange {
                before: state.escrow(client, job)?,
                after: Some(decode(&key, new)?),
            }),
            _ => {}
        }
    }
    Ok(Simulation {
        result: outcome.result,
        required_fee,
        balances,
        escrows,
    })
}
