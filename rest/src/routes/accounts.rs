//! Owns accounts: `getBalance`, and `getAccount` with all that an address has on the chain.

use ait_abci::{Mempool, Reader};
use ait_api::{
    accounts::{Account, Balance, Leaving, LeavingKind, OpenEscrows},
    proof::Proved,
    routes::{GET_ACCOUNT, GET_BALANCE},
};
use ait_app::{
    address::Address,
    coordinators::record::Coordinator,
    staking::record::Validator,
    state::{Key, View},
    unbonding::record::Unbonding,
};
use ait_node::{Unanswered, off_thread};
use axum::{Json, extract::State};

use super::{
    endpoint::Endpoint,
    extract::{PathOf, parse},
    miners::miner_today,
};
use crate::{error::ApiError, last_block::last_block, proofs::Reading};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(GET_BALANCE.path, get_balance),
        Endpoint::get(GET_ACCOUNT.path, get_account),
    ]
}

async fn get_balance(
    reading: Reading,
    PathOf(address): PathOf<String>,
) -> Result<Json<Proved<Balance>>, ApiError> {
    let address: Address = parse(&address)?;
    let account = reading.committed.state.account(&address)?;
    let proof = reading.proof(&Key::Account(address))?;
    let answer = Balance {
        balance: account.balance,
        nonce: account.nonce,
    };
    Ok(Json(Proved { answer, proof }))
}

async fn get_account(
    reading: Reading,
    State(reader): State<Reader>,
    State(mempool): State<Mempool>,
    PathOf(address): PathOf<String>,
) -> Result<Json<Account>, ApiError> {
    let address: Address = parse(&address)?;
    // Waits for the mempool, which a commit holds. Before the state: then a transaction that a block
    // takes in between is counted by at least one of the two.
    let pending_next = off_thread(move || mempool.next_nonce(&address)).await?;
    let pending_next = pending_next.map_err(Unanswered::from)?;
    let newest_nonce = last_block(&reader)?.state.account(&address)?.nonce;
    let committed = &reading.committed;
    let state = &committed.state;
    let account = state.account(&address)?;
    let validator = state.get::<Validator>(&address)?;
    let coordinator = state.get::<Coordinator>(&address)?;
    let escrows = state.open_escrows(&address)?;
    let stake = validator.as_ref().map(|record| record.stake);
    let bond = coordinator.as_ref().map(|record| record.bond);
    Ok(Json(Account {
        address,
        balance: account.balance,
        nonce: account.nonce,
        next_nonce: pending_next.max(newest_nonce.next()),
        pubkey: account.pubkey,
        stake: stake.unwrap_or_default(),
        bond: bond.unwrap_or_default(),
        unbonding: leaving(validator.as_ref(), coordinator.as_ref()),
        escrows: OpenEscrows {
            open: escrows.open,
            locked: escrows.locked,
        },
        miner: miner_today(committed, &address)?,
        validator,
        coordinator,
        proofs: reading.proofs(records_of(address))?,
        signed_block: reading.signed_block(),
    }))
}

/// The records of an address that are shown.
fn records_of(address: Address) -> impl Iterator<Item = Key> {
    [
        Key::Account(address),
        Key::Coordinator(address),
        Key::Miner(address),
        Key::Validator(address),
    ]
    .into_iter()
}

/// Everything on its way out, in the order in which it is paid.
fn leaving(validator: Option<&Validator>, coordinator: Option<&Coordinator>) -> Vec<Leaving> {
    let of = |kind: LeavingKind| {
        move |entry: &Unbonding| Leaving {
            amount: entry.amount,
            due_height: entry.due_height,
            kind,
        }
    };
    let bonds = coordinator.into_iter().flat_map(|record| &record.unbonding);
    let stakes = validator.into_iter().flat_map(|record| &record.unbonding);
    let mut entries: Vec<Leaving> = bonds
        .map(of(LeavingKind::Bond))
        .chain(stakes.map(of(LeavingKind::Stake)))
        .collect();
    // Stable: of one height bonds come first, each in the order of its record.
    entries.sort_by_key(|entry| entry.due_height);
    entries
}
