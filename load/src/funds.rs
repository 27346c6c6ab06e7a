//! Owns the money of a load: every sender is paid before it begins, and counted afterwards.

use std::time::{Duration, Instant};

use ait_api::{
    routes::{GET_SUPPLY, SEND_TXS},
    tx::SentOrRefused,
};
use ait_app::{
    address::Address,
    crypto::SecretKey,
    escrow::record::EscrowStatus,
    identifiers::ChainId,
    quantity::{Nonce, Uait},
    tx::Transaction,
};
use ait_client::Client;
use serde::Deserialize;
use tokio::time::sleep;

use crate::{
    LoadError, jobs,
    work::{AMOUNT, Account, Prepared, Terms, transfer_of},
};

/// Payments that one account sends at once: a node keeps 256 of a sender.
const FAN_OUT: usize = 240;
/// How long a payment may take into a block.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// What each sender gets above what it needs: it may have to be left with something.
const SPARE: u64 = 1_000_000;
/// Jobs whose escrows are looked at afterwards, at most.
const JOBS_LOOKED_AT: usize = 1_000;

/// Pays every sender what its transactions take: some of them first, who pay the others.
pub(crate) async fn fund(
    client: &Client,
    payer: &SecretKey,
    terms: &Terms,
    accounts: &mut [Account],
) -> Result<(), LoadError> {
    let needs: Vec<u64> = accounts
        .iter()
        .map(|account| need(account, terms))
        .collect();
    let groups = accounts.len().div_ceil(FAN_OUT);
    if groups > FAN_OUT {
        let most = FAN_OUT.saturating_mul(FAN_OUT);
        return Err(LoadError::Usage(format!("--accounts is at most {most}")));
    }
    let fee = terms.transfer_fee;
    let mut first = Vec::new();
    let mut second = Vec::new();
    for (group, needs) in accounts.chunks_mut(FAN_OUT).zip(needs.chunks(FAN_OUT)) {
        let Some((head, others)) = group.split_first_mut() else {
            continue;
        };
        let each = needs.iter().map(|need| need.saturating_add(fee.get()));
        let whole = each.fold(0_u64, u64::saturating_add);
        first.push((head.address, whole));
        let mut payments = Vec::new();
        for (other, need) in others.iter().zip(needs.iter().skip(1)) {
            payments.push((other.address, *need));
        }
        second.extend(sign_all(&terms.chain_id, &head.key, 1, fee, &payments)?);
        head.first_nonce = u64::try_from(payments.len()).unwrap_or(0).saturating_add(1);
    }
    let address = Address::of(&payer.public_key());
    let nonce = client.account(&address).await?.next_nonce.get();
    send_all(
        client,
        &sign_all(&terms.chain_id, payer, nonce, fee, &first)?,
    )
    .await?;
    let heads = first.iter().map(|(address, _)| *address);
    wait_for_funds(client, heads).await?;
    send_all(client, &second).await?;
    wait_for_funds(client, accounts.iter().map(|account| account.address)).await
}

/// What an account's transactions of the load take, and a spare.
fn need(account: &Account, terms: &Terms) -> u64 {
    let each = if account.opens {
        terms.open_fee.get().saturating_add(jobs::PRICE)
    } else {
        terms.transfer_fee.get().saturating_add(AMOUNT)
    };
    account.count.saturating_mul(each).saturating_add(SPARE)
}

fn sign_all(
    chain_id: &ChainId,
    key: &SecretKey,
    nonce: u64,
    fee: Uait,
    payments: &[(Address, u64)],
) -> Result<Vec<Vec<u8>>, LoadError> {
    let payments = (nonce..).zip(payments);
    payments
        .map(|(nonce, (to, amount))| {
            let payload = transfer_of(*to, *amount)?;
            let nonce = Nonce::constant(nonce);
            Ok(Transaction::sign(chain_id, key, nonce, fee, payload).to_wire())
        })
        .collect()
}

/// Sends payments, a thousand a request, until the node has taken all of them.
async fn send_all(client: &Client, wires: &[Vec<u8>]) -> Result<(), LoadError> {
    let begun = Instant::now();
    for chunk in wires.chunks(1_000) {
        loop {
            let mut body = b"[".to_vec();
            body.extend(chunk.join(&b','));
            body.push(b']');
            let answers: Vec<SentOrRefused> = client.post(SEND_TXS.path, body).await?;
            let refused = answers.into_iter().find_map(|answer| match answer {
                SentOrRefused::Sent(_) => None,
                SentOrRefused::Refused(answer) => Some(answer.error),
            });
            let Some(error) = refused else { break };
            if error.code != "pool_full" || begun.elapsed() > PATIENCE {
                return Err(LoadError::Funds(format!(
                    "{}: {}",
                    error.code, error.message
                )));
            }
            sleep(LOOK_INTERVAL).await;
        }
    }
    Ok(())
}

async fn wait_for_funds(
    client: &Client,
    addresses: impl Iterator<Item = Address>,
) -> Result<(), LoadError> {
    let begun = Instant::now();
    for address in addresses {
        while client.account(&address).await?.balance.is_zero() {
            if begun.elapsed() > PATIENCE {
                let message = format!("{address} has nothing after {PATIENCE:?}");
                return Err(LoadError::Funds(message));
            }
            sleep(LOOK_INTERVAL).await;
        }
    }
    Ok(())
}

/// What the senders have before the load.
pub(crate) async fn balances(client: &Client, accounts: &[Account]) -> Result<Vec<u64>, LoadError> {
    let mut balances = Vec::with_capacity(accounts.len());
    for account in accounts {
        balances.push(client.account(&account.address).await?.balance.get());
    }
    Ok(balances)
}

/// Holds the chain's books against what was sent, all of which was committed; says how many accounts were counted.
pub(crate) async fn check(
    client: &Client,
    accounts: &[Account],
    before: &[u64],
    sent: &Sent<'_>,
) -> Result<usize, LoadError> {
    let ring = accounts.len();
    for (place, (account, before)) in accounts.iter().zip(before).enumerate() {
        let own = sent.count(place);
        let previous = place.checked_sub(1).unwrap_or(ring.saturating_sub(1));
        let pays = accounts.get(previous).is_some_and(|payer| !payer.opens);
        let got = if pays {
            sent.count(previous).saturating_mul(AMOUNT)
        } else {
            0
        };
        let each = need_of_one(account, sent.terms);
        let expected = before
            .saturating_add(got)
            .saturating_sub(own.saturating_mul(each));
        let found = client.account(&account.address).await?;
        let nonce = account.first_nonce.saturating_add(own).saturating_sub(1);
        if found.balance.get() != expected || found.nonce.get() != nonce {
            return Err(LoadError::Sums(format!(
                "{} has {} uait and nonce {}, and should have {expected} and {nonce}",
                account.address, found.balance, found.nonce
            )));
        }
    }
    check_supply(client).await?;
    Ok(ring)
}

fn need_of_one(account: &Account, terms: &Terms) -> u64 {
    if account.opens {
        terms.open_fee.get().saturating_add(jobs::PRICE)
    } else {
        terms.transfer_fee.get().saturating_add(AMOUNT)
    }
}

/// What was sent, by account.
pub(crate) struct Sent<'a> {
    pub terms: &'a Terms,
    /// Transactions that each account sent.
    pub counts: &'a [u64],
}

impl Sent<'_> {
    fn count(&self, place: usize) -> u64 {
        self.counts.get(place).copied().unwrap_or(0)
    }
}

#[derive(Deserialize)]
struct Supply {
    balances: u64,
    bonds: u64,
    burned: u64,
    escrows: u64,
    genesis: u64,
    minted: u64,
    stakes: u64,
    total: u64,
    unbonding: u64,
}

async fn check_supply(client: &Client) -> Result<(), LoadError> {
    let supply: Supply = client.get(GET_SUPPLY.path).await?;
    let parts = [
        supply.balances,
        supply.bonds,
        supply.escrows,
        supply.stakes,
        supply.unbonding,
    ];
    let held = parts.into_iter().fold(0_u64, u64::saturating_add);
    let made = supply.genesis.saturating_add(supply.minted);
    if held == supply.total && made == supply.total.saturating_add(supply.burned) {
        return Ok(());
    }
    Err(LoadError::Sums(format!(
        "the supply is {}, its parts are {held}, and {made} were made, {} of them burned",
        supply.total, supply.burned
    )))
}

/// Looks at the escrows of some of the jobs, which must all be settled; says of how many.
pub(crate) async fn check_jobs(client: &Client, jobs: &[&Prepared]) -> Result<usize, LoadError> {
    let step = jobs.len().div_ceil(JOBS_LOOKED_AT).max(1);
    let mut seen: usize = 0;
    let named = jobs.iter().step_by(step).filter_map(|tx| tx.job.as_ref());
    for (address, job) in named {
        let escrow = client.escrow(address, job).await?;
        let settled = escrow
            .as_ref()
            .is_some_and(|escrow| matches!(escrow.status, EscrowStatus::Settled { .. }));
        if !settled {
            return Err(LoadError::Sums(format!(
                "the escrow of {address} for {job} is not settled"
            )));
        }
        seen = seen.saturating_add(1);
    }
    Ok(seen)
}
