//! Owns the arithmetic of a claim (PROTOCOL section 4, settlement): who pays the fee, what is minted
//! to whom, and what counts as work. A pure function; `pay` writes what it says.

use super::record::LimitedBy;
use crate::{
    error::InvariantViolation,
    params::table::Params,
    prelude::*,
    quantity::{BasisPoints, Uait, Units, WHOLE_BPS},
};

/// What a claim asks of its escrow.
#[derive(Debug, Clone, Copy)]
pub struct Ask {
    /// What is locked in the escrow.
    pub remaining: Uait,
    /// Whether the escrow may be claimed in parts.
    pub partial: bool,
    /// The price, at most what remains.
    pub price: Uait,
    /// The required fee, at most what remains.
    pub required_fee: Uait,
    /// Units of compute delivered.
    pub compute_units: Units,
    /// How many coordinators' attestations count for it, at least 1.
    pub attesters: usize,
}

/// What may still be minted.
#[derive(Debug, Clone, Copy)]
pub struct Mintable {
    /// Under the limits of its coordinators, in this epoch: the least of theirs.
    pub by_coordinators: Uait,
    /// Under the supply's limit.
    pub by_supply: Uait,
}

/// What a claim pays and mints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// Out of the escrow to the miner: the price less what of the fee came from it.
    pub pay: Uait,
    /// What is left in the escrow.
    pub left: Uait,
    /// Minted to the miner.
    pub miner: Uait,
    /// Minted to each coordinator that counts, in the escrow's order.
    pub coordinators: Vec<Uait>,
    /// Minted to the treasury.
    pub treasury: Uait,
    /// Minted in all.
    pub minted: Uait,
    /// What lowered the mint last.
    pub limited_by: Option<LimitedBy>,
    /// The work that counts: as far as it minted.
    pub counted: Units,
}

/// The three parts of a mint.
struct Parts {
    miner: Uait,
    coordinators: Uait,
    treasury: Uait,
    sum: Uait,
}

impl Settlement {
    /// Settles a claim.
    ///
    /// # Errors
    /// [`InvariantViolation`] when a claim asks for more than remains: callers check first.
    pub fn of(params: &Params, ask: &Ask, mintable: Mintable) -> Result<Self, InvariantViolation> {
        let (pay, left) = pay(ask)?;
        let (parts, limited_by) = mint(params, ask, mintable)?;
        let counted = if params.mint_per_unit.is_zero() {
            ask.compute_units.min(Units::constant(ask.price.get()))
        } else {
            let units = parts.miner.get().checked_div(params.mint_per_unit.get());
            Units::constant(units.unwrap_or(0))
        };
        Ok(Self {
            pay,
            left,
            miner: parts.miner,
            coordinators: shared(parts.coordinators, ask.attesters)?,
            treasury: parts.treasury,
            minted: parts.sum,
            limited_by,
            counted,
        })
    }
}

/// What the miner gets of the price, and what is left in the escrow. The fee comes from what the
/// price leaves, then from the price; for a part of a job the other way round, so that parts can be
/// planned.
fn pay(ask: &Ask) -> Result<(Uait, Uait), InvariantViolation> {
    let rest = ask.remaining.minus(ask.price)?;
    let from_rest = if ask.partial {
        ask.required_fee.floored_minus(ask.price)
    } else {
        ask.required_fee.min(rest)
    };
    let from_price = ask.required_fee.minus(from_rest)?;
    Ok((ask.price.minus(from_price)?, rest.minus(from_rest)?))
}

fn mint(
    params: &Params,
    ask: &Ask,
    mintable: Mintable,
) -> Result<(Parts, Option<LimitedBy>), InvariantViolation> {
    let product = |left: u64, right: u64| u128::from(left).checked_mul(u128::from(right));
    let wanted = product(ask.compute_units.get(), params.mint_per_unit.get());
    let by_price = product(params.max_mint_per_price.get(), ask.price.get());
    let (wanted, by_price) = wanted.zip(by_price).ok_or_else(too_wide)?;
    let limited_by = (wanted > by_price).then_some(LimitedBy::Price);
    let available = mintable.by_coordinators.min(mintable.by_supply);
    let parts = parts(params, wanted.min(by_price))?;
    if let Some(parts) = parts.filter(|parts| parts.sum <= available) {
        return Ok((parts, limited_by));
    }
    let bps = params
        .coordinator_bps
        .get()
        .checked_add(params.treasury_bps.get());
    let whole = bps
        .and_then(|bps| bps.checked_add(WHOLE_BPS))
        .ok_or_else(too_wide)?;
    let scaled = product(available.get(), WHOLE_BPS).ok_or_else(too_wide)?;
    let lowered = scaled.checked_div(u128::from(whole)).ok_or_else(too_wide)?;
    let limit = if mintable.by_coordinators <= mintable.by_supply {
        LimitedBy::Coordinator
    } else {
        LimitedBy::Supply
    };
    let parts = self::parts(params, lowered)?.ok_or_else(too_wide)?;
    Ok((parts, Some(limit)))
}

/// `None` where they pass what an integer of the protocol can hold.
fn parts(params: &Params, miner: u128) -> Result<Option<Parts>, InvariantViolation> {
    let Some(miner) = u64::try_from(miner).ok().and_then(Uait::new) else {
        return Ok(None);
    };
    let part = |bps: BasisPoints| miner.share(bps);
    let (coordinators, treasury) = (part(params.coordinator_bps), part(params.treasury_bps));
    let sum = miner.plus(coordinators).and_then(|sum| sum.plus(treasury));
    Ok(sum.ok().map(|sum| Parts {
        miner,
        coordinators,
        treasury,
        sum,
    }))
}

/// Equal parts for all, the rest of the division to the first.
fn shared(whole: Uait, attesters: usize) -> Result<Vec<Uait>, InvariantViolation> {
    let count = u64::try_from(attesters).map_err(|_| too_wide())?;
    let each = whole.get().checked_div(count).ok_or_else(too_wide)?;
    let each = Uait::constant(each);
    let mut shares = vec![each; attesters];
    let given = shares
        .iter()
        .try_fold(Uait::ZERO, |sum, share| sum.plus(*share))?;
    if let Some(first) = shares.first_mut() {
        *first = first.plus(whole.minus(given)?)?;
    }
    Ok(shares)
}

fn too_wide() -> InvariantViolation {
    InvariantViolation::new("a mint passes 128 bits, or nobody attested it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{address::Address, quantity::Height};

    #[test]
    fn settlements_are_those_of_the_vectors() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/vectors/protocol.json")).unwrap();
        let cases = vectors["settlements"].as_array().unwrap();
        assert!(cases.len() >= 10);
        for case in cases {
            let number = |name: &str| case[name].as_u64();
            let uait = |name: &str| Uait::constant(number(name).unwrap());
            let or_max = |name: &str| number(name).map_or(Uait::MAX, Uait::constant);
            let mut params = Params::new(Address::treasury(), Height::ZERO);
            if let Some(bps) = number("coordinator_bps") {
                params.coordinator_bps = BasisPoints::constant(bps);
            }
            if let Some(bps) = number("treasury_bps") {
                params.treasury_bps = BasisPoints::constant(bps);
            }
            if let Some(uait) = number("mint_per_unit") {
                params.mint_per_unit = Uait::constant(uait);
            }
            let ask = Ask {
                remaining: uait("remaining"),
                partial: case["partial"] == true,
                price: uait("price"),
                required_fee: uait("required"),
                compute_units: Units::constant(number("units").unwrap()),
                attesters: number("attesters").map_or(1, |n| usize::try_from(n).unwrap()),
            };
            let mintable = Mintable {
                by_coordinators: or_max("coordinator_left"),
                by_supply: or_max("supply_left"),
            };
            let settlement = Settlement::of(&params, &ask, mintable).unwrap();
            let own_fee = uait("fee").minus(uait("required")).unwrap();
            let miner = settlement
                .pay
                .plus(settlement.miner)
                .unwrap()
                .minus(own_fee)
                .unwrap();
            let result = serde_json::json!({
                "miner": miner,
                "coordinators": settlement.coordinators,
                "treasury": settlement.treasury,
                "proposer": uait("fee"),
                "remaining": settlement.left,
                "minted": settlement.minted,
                "limited_by": settlement.limited_by,
                "counted": settlement.counted,
            });
            assert_eq!(result, case["result"], "{case}");
        }
    }
}
