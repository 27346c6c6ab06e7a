//! Owns what the mock miner asks for a job, such that the claim will hold (SPEC section 4): price and
//! fee fit the escrow, price and units the quote, and the mint the price.

use ait_app::{amount, receipts::Quote};
use serde::Deserialize;

/// The params that limit a claim.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Market {
    /// uait minted for each unit.
    pub mint_per_unit: u64,
    /// The miner's mint is at most this many times the price.
    pub max_mint_per_price: u64,
}

/// What the operator wants.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// The price, as a share of the escrow in basis points.
    pub price_bps: u64,
    /// The most units of work for one job.
    pub max_units: u64,
}

/// What a receipt will say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// uait.
    pub price: u64,
    /// Units of work to do.
    pub compute_units: u64,
}

/// A job that cannot be done with gain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotWorthIt(String);

/// The offer for an escrow of `escrow` uait, of which the claim itself costs at most `fee`.
///
/// # Errors
/// [`NotWorthIt`] when no price of at least 1 uait or no unit of work fits.
pub fn offer(
    escrow: u64,
    fee: u64,
    quote: &Quote,
    market: &Market,
    policy: &Policy,
) -> Result<Offer, NotWorthIt> {
    let affordable = escrow.saturating_sub(fee).min(quote.price);
    if affordable == 0 {
        return Err(NotWorthIt(format!(
            "an escrow of {escrow} uait, a fee of {fee} and a quote of {} leave no price",
            quote.price
        )));
    }
    let price = amount::share(escrow, policy.price_bps).clamp(1, affordable);
    let mintable = u128::from(market.max_mint_per_price)
        .saturating_mul(u128::from(price))
        .checked_div(u128::from(market.mint_per_unit))
        .map_or(amount::MAX, |units| {
            u64::try_from(units).unwrap_or(u64::MAX)
        });
    let compute_units = policy.max_units.min(quote.compute_units).min(mintable);
    if compute_units == 0 {
        return Err(NotWorthIt(format!(
            "a price of {price} uait pays for no unit: one mints {} uait, and at most {} times the \
             price may be minted",
            market.mint_per_unit, market.max_mint_per_price
        )));
    }
    Ok(Offer {
        price,
        compute_units,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKET: Market = Market {
        mint_per_unit: 1_000,
        max_mint_per_price: 1_000,
    };
    const POLICY: Policy = Policy {
        price_bps: 8_000,
        max_units: 2_500,
    };
    const QUOTE: Quote = Quote {
        price: 10_000_000,
        compute_units: 100_000,
    };

    #[test]
    fn a_usual_job_costs_its_share_and_gets_the_whole_work() {
        assert_eq!(
            offer(60_000, 100, &QUOTE, &MARKET, &POLICY),
            Ok(Offer {
                price: 48_000,
                compute_units: 2_500
            })
        );
    }

    #[test]
    fn every_offer_keeps_all_limits_at_once() {
        for escrow in [1, 2, 99, 100, 101, 150, 1_000, 60_000, 1 << 40, amount::MAX] {
            for fee in [0, 1, 102, 5_000] {
                for quoted in [0, 1, 700, 10_000_000] {
                    let quote = Quote {
                        price: quoted,
                        compute_units: quoted,
                    };
                    let Ok(offer) = offer(escrow, fee, &quote, &MARKET, &POLICY) else {
                        continue;
                    };
                    assert!(offer.price >= 1 && offer.compute_units >= 1);
                    assert!(offer.price + fee <= escrow, "{escrow} {fee}");
                    assert!(offer.price <= quoted && offer.compute_units <= quoted);
                    let mint = u128::from(offer.compute_units) * 1_000;
                    assert!(mint <= u128::from(offer.price) * 1_000);
                }
            }
        }
    }

    #[test]
    fn a_job_that_cannot_pay_is_left_alone() {
        assert!(offer(100, 100, &QUOTE, &MARKET, &POLICY).is_err());
        let greedy = Market {
            mint_per_unit: 1_000_000_000,
            ..MARKET
        };
        assert!(offer(60_000, 100, &QUOTE, &greedy, &POLICY).is_err());
        let free = Market {
            mint_per_unit: 0,
            ..MARKET
        };
        let offer = offer(60_000, 100, &QUOTE, &free, &POLICY).unwrap();
        assert_eq!(
            offer.compute_units, 2_500,
            "nothing is minted, nothing limits"
        );
    }
}
