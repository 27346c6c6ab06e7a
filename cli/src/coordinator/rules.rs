//! Owns what the mock coordinator holds for true: which jobs there are, what they may cost, and
//! whether a receipt is paid for.

use ait_app::{
    address::Address,
    crypto::sha256,
    identifiers::JobId,
    receipts::{AttestationRequest, Quote},
    state::records::Escrow,
};

/// Jobs are `job_1` to `job_1000000`.
const LAST_JOB: u64 = 1_000_000;
/// The fewest and the most units a job is quoted at.
const QUOTED_UNITS: (u64, u64) = (100_000, 1_000_000);
/// uait quoted for each unit.
const PRICE_PER_UNIT: u64 = 100;

/// Quotes that an operator fixed for all jobs.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// uait.
    pub price: Option<u64>,
    /// Units.
    pub compute_units: Option<u64>,
}

/// Whether there is such a job.
pub fn exists(job: &JobId) -> bool {
    let number = job.as_str().strip_prefix("job_");
    number.is_some_and(|number| {
        !number.starts_with(['0', '+'])
            && number
                .parse::<u64>()
                .is_ok_and(|number| (1..=LAST_JOB).contains(&number))
    })
}

/// The most a job may cost: the same at every time, and on every machine.
pub fn quote(job: &JobId, limits: &Limits) -> Quote {
    let digest = sha256(format!("AIT-QUOTE|{job}").as_bytes());
    let seed = digest
        .iter()
        .take(4)
        .fold(0, |seed: u64, byte| (seed << 8) | u64::from(*byte));
    let (fewest, most) = QUOTED_UNITS;
    let units = fewest + seed % (most - fewest + 1);
    Quote {
        price: limits.price.unwrap_or(units * PRICE_PER_UNIT),
        compute_units: limits.compute_units.unwrap_or(units),
    }
}

/// Whether the escrow that a request names is open in block `next_height`, in this coordinator's
/// name, and covers the price.
pub fn is_paid(
    escrow: Option<&Escrow>,
    request: &AttestationRequest,
    coordinator: &Address,
    next_height: u64,
) -> bool {
    escrow.is_some_and(|escrow| {
        escrow.is_open_in(next_height)
            && escrow.coordinator == *coordinator
            && escrow.opened_height == request.opened_height
            && escrow.amount >= request.price
    })
}

#[cfg(test)]
mod tests {
    use ait_app::{crypto::Signature, state::records::EscrowStatus};

    use super::*;

    fn job(id: &str) -> JobId {
        id.parse().unwrap()
    }

    fn request() -> AttestationRequest {
        AttestationRequest {
            chain_id: "ait-devnet".parse().unwrap(),
            receipt_id: "r".parse().unwrap(),
            job_id: job("job_42"),
            client: Address::module("client"),
            miner: Address::module("miner"),
            compute_units: 10,
            price: 500,
            output_hash: format!("sha256:{}", "00".repeat(32)).parse().unwrap(),
            opened_height: 17,
            miner_sig: Signature::from_bytes([0; 64]),
        }
    }

    fn escrow() -> Escrow {
        Escrow {
            client: Address::module("client"),
            job_id: job("job_42"),
            coordinator: Address::module("coordinator"),
            amount: 500,
            status: EscrowStatus::Open,
            opened_height: 17,
            expires_height: 100,
        }
    }

    #[test]
    fn jobs_are_those_of_the_documented_range() {
        for there in ["job_1", "job_42", "job_1000000"] {
            assert!(exists(&job(there)), "{there}");
        }
        for not in [
            "job_0",
            "job_1000001",
            "job_01",
            "job_",
            "job_x",
            "Job_1",
            "42",
        ] {
            assert!(!exists(&job(not)), "{not}");
        }
    }

    #[test]
    fn a_quote_depends_on_the_job_alone() {
        let free = Limits::default();
        let first = quote(&job("job_42"), &free);
        assert_eq!(quote(&job("job_42"), &free), first);
        assert_ne!(quote(&job("job_43"), &free), first);
        assert!((100_000..=1_000_000).contains(&first.compute_units));
        assert_eq!(first.price, first.compute_units * 100);
        let fixed = Limits {
            price: Some(7),
            compute_units: None,
        };
        assert_eq!(quote(&job("job_42"), &fixed).price, 7);
    }

    #[test]
    fn paid_is_only_what_an_open_escrow_in_its_own_name_covers() {
        let coordinator = Address::module("coordinator");
        let paid = |escrow: &Escrow| is_paid(Some(escrow), &request(), &coordinator, 50);
        assert!(paid(&escrow()));
        assert!(!is_paid(None, &request(), &coordinator, 50));
        assert!(
            !is_paid(Some(&escrow()), &request(), &coordinator, 100),
            "expired"
        );
        let changes: [fn(&mut Escrow); 5] = [
            |escrow| escrow.status = EscrowStatus::Settled,
            |escrow| escrow.status = EscrowStatus::Refunded,
            |escrow| escrow.coordinator = Address::module("other"),
            |escrow| escrow.opened_height = 18,
            |escrow| escrow.amount = 499,
        ];
        for change in changes {
            let mut escrow = escrow();
            change(&mut escrow);
            assert!(!paid(&escrow), "{escrow:?}");
        }
    }
}
