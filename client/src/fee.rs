//! Owns what a transaction offers: what its node says that the pool takes, within a limit that the
//! published params set, so that no node makes anybody pay at its pleasure.

use ait_api::fees::{FeeEstimate, FeeParams};
use ait_app::{address::Address, quantity::Uait, tx::Payload};

use crate::{error::SignError, node::Client};

/// Without a limit of the user's: so many times what the params say.
const TIMES_PUBLISHED: u64 = 10;
/// The kinds that may make a lasting record (PROTOCOL section 3.4).
const WITH_RECORDS: [&str; 4] = ["ESCROW_OPEN", "RECEIPT_REPORT", "COORDINATOR_BOND", "STAKE"];

/// The fee for a payload of `sender`, at most `limit`.
///
/// # Errors
/// When the node does not answer, or requires more than the limit.
pub(crate) async fn fitting(
    client: &Client,
    payload: &Payload,
    sender: &Address,
    limit: Option<Uait>,
) -> Result<Uait, SignError> {
    let estimate = client.estimate_fee(payload, sender).await?;
    let limit = match limit {
        Some(limit) => limit,
        None => {
            let fee = published(&client.fee_params().await?, payload);
            Uait::constant(fee.get().saturating_mul(TIMES_PUBLISHED))
        }
    };
    // A claim's required fee comes out of its escrow; only what is above it must be there.
    let affordable = if payload.is_paid_by_escrow() {
        let balance = client.account(sender).await?.balance;
        estimate.fee.saturating_plus(balance)
    } else {
        Uait::MAX
    };
    choose(estimate, limit, affordable)
}

fn choose(estimate: FeeEstimate, limit: Uait, affordable: Uait) -> Result<Uait, SignError> {
    if estimate.fee > limit {
        return Err(SignError::FeeAboveLimit {
            required: estimate.fee,
            limit,
        });
    }
    let wanted = estimate.recommended.min(limit).min(affordable);
    Ok(wanted.max(estimate.fee))
}

/// What the params say that a payload costs, `record_fee` included where its kind may need it.
fn published(params: &FeeParams, payload: &Payload) -> Uait {
    let bytes = serde_json::to_vec(payload).map_or(0, |bytes| bytes.len() as u64);
    let by_size = params
        .fee_per_kib
        .get()
        .saturating_mul(bytes)
        .div_ceil(1024);
    let fee = params.base_fee.saturating_plus(Uait::constant(by_size));
    if WITH_RECORDS.contains(&payload.kind()) {
        fee.saturating_plus(params.record_fee)
    } else {
        fee
    }
}

#[cfg(test)]
mod tests {
    use ait_app::{
        coordinators::bond::CoordinatorBond, quantity::Positive, staking::unjail::Unjail,
    };

    use super::*;

    const fn uait(amount: u64) -> Uait {
        Uait::constant(amount)
    }

    fn estimate(fee: u64, recommended: u64) -> FeeEstimate {
        FeeEstimate {
            fee: uait(fee),
            recommended: uait(recommended),
        }
    }

    #[test]
    fn the_pool_s_wish_is_offered_within_the_limit_and_the_balance() {
        for (estimate, limit, affordable, expected) in [
            (estimate(10, 10), 100, u64::MAX, 10),
            (estimate(10, 40), 100, u64::MAX, 40),
            (estimate(10, 400), 100, u64::MAX, 100),
            (estimate(10, 40), 100, 25, 25),
            (estimate(10, 5), 100, u64::MAX, 10),
        ] {
            let fee = choose(estimate, uait(limit), uait(affordable)).unwrap();
            assert_eq!(fee, uait(expected));
        }
    }

    #[test]
    fn a_node_that_requires_more_than_the_limit_gets_nothing() {
        let error = choose(estimate(101, 101), uait(100), Uait::MAX).unwrap_err();
        let (required, limit) = (uait(101), uait(100));
        assert_eq!(error, SignError::FeeAboveLimit { required, limit });
    }

    #[test]
    fn the_published_fee_is_that_of_the_protocol() {
        let params = FeeParams {
            base_fee: uait(2),
            fee_per_kib: uait(100),
            record_fee: uait(1_000),
        };
        let fee = |payload| published(&params, &payload).get();
        assert_eq!(fee(Unjail {}.into()), 3, "two bytes");
        let bond = CoordinatorBond {
            amount: Positive::new(uait(5)).unwrap(),
        };
        assert_eq!(fee(bond.into()), 1_004);
    }
}
