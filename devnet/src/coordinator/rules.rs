//! Owns what the mock coordinator holds for true: which jobs there are, what they may cost, and what
//! it may answer about a receipt, given the chain's escrow and what it answered before.

use ait_app::{
    address::Address,
    crypto::sha256,
    escrow::record::Escrow,
    identifiers::JobId,
    quantity::{Height, Uait, Units},
    receipts::{
        attestation::{Facts, Quote},
        terms::ReceiptTerms,
    },
};

use super::{ledger::Job, request::Denied};

/// Known jobs are 1 to this, and `job_1` to `job_` and this.
const LAST_JOB: u64 = 1_000_000;
/// The fewest and the most units a job is quoted at.
const QUOTED_UNITS: (u64, u64) = (100_000, 1_000_000);
/// uait quoted for each unit.
const PRICE_PER_UNIT: u64 = 100;

/// What an operator fixed for all jobs.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    pub price: Option<Uait>,
    pub compute_units: Option<Units>,
    /// Whether only known jobs exist; else every name is a job.
    pub known_jobs: bool,
}

/// Whether there is such a job.
pub fn exists(job: &JobId, limits: &Limits) -> bool {
    !limits.known_jobs || is_known(job)
}

fn is_known(job: &JobId) -> bool {
    let name = job.as_str();
    let number = name.strip_prefix("job_").unwrap_or(name);
    !number.starts_with(['0', '+'])
        && number
            .parse::<u64>()
            .is_ok_and(|number| (1..=LAST_JOB).contains(&number))
}

/// What a client or miner reads of a job that does not exist.
pub fn no_such_job(job: &JobId) -> String {
    format!(
        "there is no job {job}: this coordinator knows the jobs 1 to {LAST_JOB} and job_1 to \
         job_{LAST_JOB} alone (--known-jobs)"
    )
}

/// The most a job may cost, all its parts together: the same at every time, and on every machine.
pub fn quote(job: &JobId, limits: &Limits) -> Quote {
    let digest = sha256(format!("AIT-QUOTE|{job}").as_bytes());
    let seed = digest
        .iter()
        .take(4)
        .fold(0, |seed: u64, byte| (seed << 8) | u64::from(*byte));
    let (fewest, most) = QUOTED_UNITS;
    let units = fewest + seed % (most - fewest + 1);
    Quote {
        compute_units: limits.compute_units.unwrap_or(Units::constant(units)),
        price: limits
            .price
            .unwrap_or(Uait::constant(units * PRICE_PER_UNIT)),
    }
}

/// An escrow as the chain shows it.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The record.
    pub escrow: Escrow,
    /// The next block.
    pub next: Height,
}

impl Shown {
    /// What can be claimed in the next block; `None` where it is closed.
    pub fn remaining(&self) -> Option<Uait> {
        self.escrow.remaining_in(self.next)
    }

    /// Whether another miner than this one is bound.
    ///
    /// # Errors
    /// 409 where one is.
    pub fn check_binding(&self, miner: &Address) -> Result<(), Denied> {
        match self.escrow.binding.miner() {
            Some(bound) if bound != *miner => Err(Denied::conflict(
                "bound_to_another_miner",
                format!("the escrow is bound to {bound}"),
            )),
            _ => Ok(()),
        }
    }
}

/// Whether a job is promised to another miner than this one.
///
/// # Errors
/// 409 where it is.
pub fn check_holder(job: &Job, miner: &Address) -> Result<(), Denied> {
    match job.holder() {
        Some(holder) if holder != *miner => Err(Denied::conflict(
            "taken",
            format!("the job is promised to {holder}"),
        )),
        _ => Ok(()),
    }
}

/// What to answer about a receipt that was not answered yet. Its `miner_sig` holds, and its opening is
/// the one shown.
///
/// # Errors
/// 409 where a good answer would contradict an earlier one, or isn't covered by what the escrow and the
/// quote leave: waiting may help, so nothing is signed.
pub fn judge(
    terms: &ReceiptTerms,
    shown: &Shown,
    job: &Job,
    limits: &Limits,
) -> Result<Facts, Denied> {
    shown.check_binding(&terms.miner)?;
    let quote = quote(&terms.job_id, limits);
    let (price, units) = (terms.price.get(), terms.compute_units.get());
    let remaining = shown.remaining();
    let facts = Facts {
        exists: exists(&terms.job_id, limits),
        paid: remaining.is_some(),
        not_double_spent: true,
        quote,
    };
    let within = price <= quote.price && units <= quote.compute_units;
    let Some(remaining) = remaining.filter(|_| facts.exists && within) else {
        return Ok(facts);
    };
    check_holder(job, &terms.miner)?;
    if !shown.escrow.partial && job.good().next().is_some() {
        return Err(Denied::conflict(
            "other_receipt",
            "a good attestation was signed for another receipt of this escrow, which is not partial",
        ));
    }
    let used_price = job
        .good()
        .fold(Uait::ZERO, |sum, answer| sum.saturating_plus(answer.price));
    let used_units = job.good().fold(Units::ZERO, |sum, answer| {
        sum.saturating_plus(answer.compute_units)
    });
    let total = used_price.saturating_plus(price);
    let ever = shown.escrow.paid.saturating_plus(remaining);
    if price > remaining || total > ever {
        return Err(Denied::conflict(
            "not_covered",
            format!(
                "price {price} is more than the escrow covers: {remaining} uait remain, and {used_price} \
                 of {ever} are attested"
            ),
        ));
    }
    if total > quote.price || used_units.saturating_plus(units) > quote.compute_units {
        return Err(Denied::conflict(
            "quote_used_up",
            format!(
                "the job is quoted at {} uait and {} units, and {used_price} uait and {used_units} units \
                 of it are attested",
                quote.price, quote.compute_units
            ),
        ));
    }
    Ok(facts)
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
