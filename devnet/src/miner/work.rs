//! Owns the mock miner's work: real hashing, so that units stand for effort, and the same output
//! whenever the same job is done again.

use ait_app::{
    address::Address,
    crypto::sha256,
    identifiers::{ChainId, JobId, OutputHash},
};
use anyhow::Result;

/// Chained sha256 hashes in one unit of compute.
pub const HASHES_PER_UNIT: u64 = 1_000;

/// What a job is about.
#[derive(Debug, Clone)]
pub struct Job {
    pub chain_id: ChainId,
    /// Who pays.
    pub client: Address,
    /// The client's name for it.
    pub job_id: JobId,
    /// Which part of it, from 0.
    pub part: u64,
}

/// Does `units` of work on a job: [`HASHES_PER_UNIT`] hashes each, every one over the one before.
pub fn execute(job: &Job, units: u64) -> [u8; 32] {
    let start = format!(
        "AIT-WORK|{}|{}|{}|{}",
        job.chain_id, job.client, job.job_id, job.part
    );
    let mut state = sha256(start.as_bytes());
    for _ in 0..units.saturating_mul(HASHES_PER_UNIT) {
        state = sha256(&state);
    }
    state
}

/// The hash of an output, as receipts name it.
///
/// # Errors
/// Never: a sha256 has the form of an output hash.
pub fn output_hash(output: &[u8; 32]) -> Result<OutputHash> {
    Ok(format!("sha256:{}", hex::encode(sha256(output))).parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(id: &str) -> Job {
        Job {
            chain_id: "ait-devnet".parse().unwrap(),
            client: Address::module("client"),
            job_id: id.parse().unwrap(),
            part: 0,
        }
    }

    #[test]
    fn the_same_work_has_the_same_output_and_more_work_another() {
        let once = execute(&job("job_1"), 2);
        assert_eq!(execute(&job("job_1"), 2), once);
        assert_ne!(execute(&job("job_1"), 3), once);
        assert_ne!(execute(&job("job_2"), 2), once);
        let second_part = Job {
            part: 1,
            ..job("job_1")
        };
        assert_ne!(execute(&second_part, 2), once);
    }

    #[test]
    fn a_unit_is_a_thousand_chained_hashes() {
        let mut expected = execute(&job("job_1"), 0);
        for _ in 0..1_000 {
            expected = sha256(&expected);
        }
        assert_eq!(execute(&job("job_1"), 1), expected);
        let hash = output_hash(&expected).unwrap();
        assert_eq!(
            hash.as_str(),
            format!("sha256:{}", hex::encode(sha256(&expected)))
        );
    }
}
