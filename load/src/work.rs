//! Owns what is signed before anything is sent: who sends what, in which order, over which connection.

use std::collections::VecDeque;

use ait_api::fees::FeeParams;
use ait_app::{
    address::Address,
    bank::transfer::Transfer,
    crypto::SecretKey,
    identifiers::{ChainId, JobId},
    quantity::{Nonce, Positive, Uait},
    tx::{Payload, Transaction, TxHash},
};
use ait_home::keys;
use bytes::Bytes;
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::{
    LoadError,
    args::{LoadArgs, Workload},
    jobs,
};

/// What each transfer moves, in uait.
pub(crate) const AMOUNT: u64 = 7;
/// In a mix every so many connections one has jobs.
const JOBS_IN_TEN: usize = 10;

/// An account that sends.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub key: SecretKey,
    pub address: Address,
    /// The nonce of its first transaction of the load.
    pub first_nonce: u64,
    /// Transactions of the load that it signs.
    pub count: u64,
    /// Whether those open escrows.
    pub opens: bool,
}

/// A transaction that is ready to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub wire: Bytes,
    pub hash: TxHash,
    /// The job that it opens an escrow for, and in whose name.
    pub job: Option<(Address, JobId)>,
}

/// What the transactions of a chain of ours have in common.
#[derive(Debug)]
pub(crate) struct Terms {
    pub chain_id: ChainId,
    pub transfer_fee: Uait,
    pub open_fee: Uait,
    /// What claims' fees are made of.
    pub fees: FeeParams,
    pub coordinator: Option<SecretKey>,
    /// The miners' keys, one of each connection that has jobs.
    pub miners: Vec<Option<SecretKey>>,
    /// What tells this load's jobs from those of others.
    pub name: String,
}

/// Whether a connection has jobs.
pub(crate) fn has_jobs(workload: Workload, connection: usize) -> bool {
    match workload {
        Workload::Jobs => true,
        Workload::Mix => connection.is_multiple_of(JOBS_IN_TEN),
        Workload::Transfers | Workload::Kvstore => false,
    }
}

/// New accounts, dealt to the connections in turn.
pub(crate) fn accounts(args: &LoadArgs) -> Result<Vec<Account>, LoadError> {
    let total = args.accounts();
    let deal = u64::try_from(total).unwrap_or(u64::MAX);
    (0..total)
        .map(|place| {
            let key = random_key()?;
            let before = u64::try_from(place).unwrap_or(u64::MAX);
            Ok(Account {
                address: Address::of(&key.public_key()),
                key,
                first_nonce: 1,
                // As many as there are numbers below the count that leave this remainder.
                count: args.count.saturating_sub(before).div_ceil(deal),
                opens: has_jobs(args.workload, place % args.connections()),
            })
        })
        .collect()
}

/// A key of nobody yet.
pub(crate) fn random_key() -> Result<SecretKey, LoadError> {
    keys::random().map_err(|error| LoadError::Internal(error.to_string()))
}

/// Signs everything, on all cores; a queue for each connection.
pub(crate) fn sign(
    args: &LoadArgs,
    accounts: &[Account],
    terms: &Terms,
) -> Result<Vec<VecDeque<Prepared>>, LoadError> {
    let connections = args.connections();
    let lanes = (0..connections).into_par_iter().map(|lane| {
        let own: Vec<usize> = (lane..accounts.len()).step_by(connections).collect();
        let rounds = accounts.first().map_or(0, |first| first.count);
        let mut queue = VecDeque::new();
        for round in 0..rounds {
            for place in &own {
                let Some(account) = accounts.get(*place) else {
                    continue;
                };
                if round < account.count {
                    let next = place.saturating_add(1) % accounts.len();
                    let to = accounts.get(next).map_or(account.address, |to| to.address);
                    queue.push_back(sign_one((*place, account), round, to, lane, terms)?);
                }
            }
        }
        Ok(queue)
    });
    lanes.collect()
}

fn sign_one(
    (place, account): (usize, &Account),
    round: u64,
    to: Address,
    lane: usize,
    terms: &Terms,
) -> Result<Prepared, LoadError> {
    let (payload, fee, job) = if account.opens {
        let number = account.first_nonce.saturating_add(round);
        let name = format!("{}-{place}-{number}", terms.name);
        let job: JobId = name
            .parse()
            .map_err(|_| LoadError::Internal("a job's name is malformed".to_owned()))?;
        let parts = (&terms.coordinator, terms.miners.get(lane));
        let (Some(coordinator), Some(Some(miner))) = parts else {
            return Err(LoadError::Internal("jobs lack a coordinator".to_owned()));
        };
        let (coordinator, miner) = (coordinator.public_key(), miner.public_key());
        let open = jobs::open(&job, Address::of(&coordinator), Address::of(&miner))?;
        (open.into(), terms.open_fee, Some((account.address, job)))
    } else {
        (transfer(to)?, terms.transfer_fee, None)
    };
    let nonce = Nonce::constant(account.first_nonce.saturating_add(round));
    let wire = Transaction::sign(&terms.chain_id, &account.key, nonce, fee, payload).to_wire();
    Ok(Prepared {
        hash: TxHash::of(&wire),
        wire: wire.into(),
        job,
    })
}

/// The payload of a transfer of the load.
pub(crate) fn transfer(to: Address) -> Result<Payload, LoadError> {
    transfer_of(to, AMOUNT)
}

/// A transfer's payload.
pub(crate) fn transfer_of(to: Address, amount: u64) -> Result<Payload, LoadError> {
    let amount = Positive::new(Uait::constant(amount));
    let amount = amount.ok_or_else(|| LoadError::Internal("an amount is 0".to_owned()))?;
    let payload = Transfer {
        amount,
        memo: None,
        to,
    };
    Ok(payload.into())
}

/// `key=value` of the size that was asked for, no two alike; a queue for each connection.
pub(crate) fn pairs(args: &LoadArgs) -> Result<Vec<VecDeque<Prepared>>, LoadError> {
    let mut name = [0; 8];
    getrandom::fill(&mut name).map_err(|error| LoadError::Internal(error.to_string()))?;
    let name = hex::encode(name);
    let bytes = usize::try_from(args.bytes).unwrap_or(usize::MAX);
    let mut queues = vec![VecDeque::new(); args.connections()];
    for number in 0..args.count {
        let mut text = format!("{name}{number:016x}=");
        let missing = bytes.saturating_sub(text.len());
        text.extend(std::iter::repeat_n('7', missing));
        let place = usize::try_from(number).unwrap_or(usize::MAX) % queues.len().max(1);
        if let Some(queue) = queues.get_mut(place) {
            queue.push_back(Prepared {
                hash: TxHash::of(text.as_bytes()),
                wire: text.into_bytes().into(),
                job: None,
            });
        }
    }
    Ok(queues)
}
