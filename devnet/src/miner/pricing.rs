//! Owns what the mock miner asks for a job, such that its claims will hold (PROTOCOL section 4): prices
//! and fees fit the escrow, prices and units the quote; and it does no work that could not be minted.

use ait_app::{
    quantity::{BasisPoints, Positive, Uait, Units},
    receipts::attestation::Quote,
};
use serde::Deserialize;

/// The params that limit a mint.
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
    /// The price, as a share of the escrow.
    pub price_bps: BasisPoints,
    /// The most units of work for one job.
    pub max_units: Units,
    /// Parts that a partial job is done in, at least 1.
    pub parts: u64,
}

/// An escrow to be worked for.
#[derive(Debug, Clone, Copy)]
pub struct Pay {
    /// What was locked when it opened.
    pub amount: Uait,
    /// Whether it may be claimed in parts.
    pub partial: bool,
    /// The most that a claim costs.
    pub fee: Uait,
}

/// What a receipt will say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    pub price: Positive<Uait>,
    /// Units of work to do.
    pub compute_units: Positive<Units>,
}

/// A job that cannot be done with gain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotWorthIt(String);

/// The parts that a job is done in; one where its escrow is not partial.
///
/// # Errors
/// [`NotWorthIt`] when no price that is worth its claim or no unit of work fits.
pub fn offer(
    pay: &Pay,
    quote: &Quote,
    market: &Market,
    policy: &Policy,
) -> Result<Vec<Part>, NotWorthIt> {
    // A part's fee comes out of its price, a whole job's out of what the price leaves.
    let (fee, least) = if pay.partial {
        (0, pay.fee.get().saturating_add(1))
    } else {
        (pay.fee.get(), 1)
    };
    let affordable = pay.amount.get().saturating_sub(fee).min(quote.price.get());
    let wanted = pay.amount.share(policy.price_bps).get();
    let price = wanted.max(least).min(affordable);
    if price < least {
        return Err(NotWorthIt(format!(
            "an escrow of {} uait, a fee of {} and a quote of {} leave no price",
            pay.amount, pay.fee, quote.price
        )));
    }
    let mintable = u128::from(market.max_mint_per_price)
        .saturating_mul(u128::from(price))
        .checked_div(u128::from(market.mint_per_unit))
        .map_or(u64::MAX, |units| u64::try_from(units).unwrap_or(u64::MAX));
    let units = policy
        .max_units
        .min(quote.compute_units)
        .get()
        .min(mintable);
    if units == 0 {
        return Err(NotWorthIt(format!(
            "a price of {price} uait pays for no unit: one mints {} uait, and at most {} times the \
             price may be minted",
            market.mint_per_unit, market.max_mint_per_price
        )));
    }
    let parts = if pay.partial { policy.parts } else { 1 };
    let parts = parts.min(units).min(price / least).max(1);
    Ok(split(price, units, parts))
}

/// Equal parts; the last one has what the division leaves.
fn split(price: u64, units: u64, parts: u64) -> Vec<Part> {
    let part = |i: u64, whole: u64| {
        let equal = whole / parts;
        if i + 1 == parts {
            whole - equal * (parts - 1)
        } else {
            equal
        }
    };
    (0..parts)
        .filter_map(|i| {
            Some(Part {
                price: Positive::new(Uait::constant(part(i, price)))?,
                compute_units: Positive::new(Units::constant(part(i, units)))?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKET: Market = Market {
        mint_per_unit: 1_000,
        max_mint_per_price: 1_000,
    };
    const POLICY: Policy = Policy {
        price_bps: BasisPoints::constant(8_000),
        max_units: Units::constant(2_500),
        parts: 2,
    };
    const QUOTE: Quote = Quote {
        compute_units: Units::constant(100_000),
        price: Uait::constant(10_000_000),
    };

    fn pay(amount: u64, fee: u64, partial: bool) -> Pay {
        Pay {
            amount: Uait::constant(amount),
            partial,
            fee: Uait::constant(fee),
        }
    }

    fn numbers(parts: &[Part]) -> Vec<(u64, u64)> {
        let of = |part: &Part| (part.price.get().get(), part.compute_units.get().get());
        parts.iter().map(of).collect()
    }

    #[test]
    fn a_usual_job_costs_its_share_and_gets_the_whole_work() {
        let whole = offer(&pay(60_000, 100, false), &QUOTE, &MARKET, &POLICY).unwrap();
        assert_eq!(numbers(&whole), [(48_000, 2_500)]);
        let parts = offer(&pay(60_001, 100, true), &QUOTE, &MARKET, &POLICY).unwrap();
        assert_eq!(numbers(&parts), [(24_000, 1_250), (24_000, 1_250)]);
        let three = Policy { parts: 3, ..POLICY };
        let parts = offer(&pay(60_000, 100, true), &QUOTE, &MARKET, &three).unwrap();
        assert_eq!(
            numbers(&parts),
            [(16_000, 833), (16_000, 833), (16_000, 834)]
        );
    }

    #[test]
    fn every_offer_keeps_all_limits_at_once() {
        for amount in [
            1,
            2,
            99,
            100,
            101,
            150,
            1_000,
            60_000,
            1 << 40,
            Uait::MAX.get(),
        ] {
            for fee in [0, 1, 102, 5_000] {
                for (quoted, partial) in [(0, true), (1, false), (700, true), (10_000_000, false)] {
                    let quote = Quote {
                        compute_units: Units::constant(quoted),
                        price: Uait::constant(quoted),
                    };
                    let Ok(parts) = offer(&pay(amount, fee, partial), &quote, &MARKET, &POLICY)
                    else {
                        continue;
                    };
                    let parts = numbers(&parts);
                    let price: u64 = parts.iter().map(|part| part.0).sum();
                    let units: u64 = parts.iter().map(|part| part.1).sum();
                    assert!((1..=2).contains(&parts.len()));
                    assert!(price <= quoted && units <= quoted && price <= amount);
                    assert!(u128::from(units) * 1_000 <= u128::from(price) * 1_000);
                    if partial {
                        assert!(parts.iter().all(|part| part.0 > fee), "{parts:?}");
                    } else {
                        assert!(price + fee <= amount, "{amount} {fee}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_job_that_cannot_pay_is_left_alone() {
        assert!(offer(&pay(100, 100, false), &QUOTE, &MARKET, &POLICY).is_err());
        assert!(offer(&pay(100, 100, true), &QUOTE, &MARKET, &POLICY).is_err());
        let one = offer(&pay(101, 100, true), &QUOTE, &MARKET, &POLICY).unwrap();
        assert_eq!(one.len(), 1, "no second part is worth its fee");
        let greedy = Market {
            mint_per_unit: 1_000_000_000,
            ..MARKET
        };
        assert!(offer(&pay(60_000, 100, false), &QUOTE, &greedy, &POLICY).is_err());
        let free = Market {
            mint_per_unit: 0,
            ..MARKET
        };
        let all = offer(&pay(60_000, 100, false), &QUOTE, &free, &POLICY).unwrap();
        assert_eq!(
            numbers(&all),
            [(48_000, 2_500)],
            "nothing is minted, nothing limits"
        );
    }
}
