//! Owns who gets what from a paid claim.

use super::{
    Event, LIMIT, Model, event,
    payload::{Claim, Job},
    state::Receipt,
    treasury,
    wire::Tx,
};

/// What a settlement depends on. Amounts are uait.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    pub remaining: u128,
    pub price: u128,
    pub units: u128,
    pub required: u128,
    pub partial: bool,
    pub mint_per_unit: u128,
    pub max_mint_per_price: u128,
    pub coordinator_bps: u128,
    pub treasury_bps: u128,
    /// What the strictest coordinator may still see minted this epoch.
    pub coordinator_left: u128,
    /// What may still be minted at all.
    pub supply_left: u128,
}

/// Who gets what. Amounts are uait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settlement {
    /// What comes to the miner of the price and the mint.
    pub miner: u128,
    /// What all coordinators together get.
    pub coordinators: u128,
    /// What the treasury gets.
    pub treasury: u128,
    /// What is left in the escrow.
    pub remaining: u128,
    /// Miner's, coordinators' and treasury's parts of the mint.
    pub minted: u128,
    /// What made the mint smaller.
    pub limited_by: Option<&'static str>,
    /// Units that count as work.
    pub counted: u128,
}

/// The price is always paid, less what the fee takes from it; the mint keeps to its limits.
pub fn settlement(terms: &Terms) -> Settlement {
    let rest = terms.remaining - terms.price;
    let from_price = if terms.partial {
        terms.required.min(terms.price)
    } else {
        terms.required.saturating_sub(rest)
    };
    let from_rest = terms.required - from_price;

    let wished = terms.units * terms.mint_per_unit;
    let most = terms.max_mint_per_price * terms.price;
    let mut limited_by = (wished > most).then_some("price");
    let mut mint = wished.min(most);
    let parts = |mint: u128| {
        let coordinators = mint * terms.coordinator_bps / 10_000;
        (coordinators, mint * terms.treasury_bps / 10_000)
    };
    let sum = |mint: u128| mint + parts(mint).0 + parts(mint).1;
    let available = terms.coordinator_left.min(terms.supply_left);
    if sum(mint) > available {
        mint = available * 10_000 / (10_000 + terms.coordinator_bps + terms.treasury_bps);
        let by_coordinator = terms.coordinator_left <= terms.supply_left;
        limited_by = Some(if by_coordinator {
            "coordinator"
        } else {
            "supply"
        });
    }
    let counted = mint.checked_div(terms.mint_per_unit);
    Settlement {
        miner: terms.price - from_price + mint,
        coordinators: parts(mint).0,
        treasury: parts(mint).1,
        remaining: rest - from_rest,
        minted: sum(mint),
        limited_by,
        counted: counted.unwrap_or(terms.units.min(terms.price)),
    }
}

/// Equal parts, and the rest of the division for the first.
pub(super) fn share(amount: u128, among: usize) -> Vec<u128> {
    let all = among as u128;
    let mut parts = vec![amount / all; among];
    parts[0] += amount % all;
    parts
}

impl Model {
    /// How much may still be minted for this coordinator in this epoch.
    fn coordinator_left(&self, address: &str) -> u128 {
        let params = &self.before.params;
        let record = &self.coordinators[address];
        let mut limit = params.wide("coordinator_epoch_mint_cap");
        let per_bond = params.wide("mint_cap_per_bond");
        if per_bond > 0 {
            limit = limit.min(record.bond * per_bond);
        }
        limit.saturating_sub(self.epoch_minted(address))
    }

    fn epoch_minted(&self, address: &str) -> u128 {
        let record = &self.coordinators[address];
        let counts = record.epoch_end == self.consensus.last_epoch_end;
        if counts { record.epoch_minted } else { 0 }
    }

    /// Pays a valid claim. `counting` are the coordinators that attested it, in the escrow's order.
    pub(super) fn settle(
        &mut self,
        tx: &Tx,
        claim: &Claim,
        key: &Job,
        required: u64,
        counting: &[String],
    ) -> Vec<Event> {
        let params = &self.before.params;
        let lefts = counting
            .iter()
            .map(|address| self.coordinator_left(address));
        let settlement = settlement(&Terms {
            remaining: self.escrows[key].remaining,
            price: claim.receipt.price.into(),
            units: claim.receipt.units.into(),
            required: required.into(),
            partial: self.escrows[key].partial,
            mint_per_unit: params.wide("mint_per_unit"),
            max_mint_per_price: params.wide("max_mint_per_price"),
            coordinator_bps: params.wide("coordinator_bps"),
            treasury_bps: params.wide("treasury_bps"),
            coordinator_left: lefts.min().unwrap(),
            supply_left: LIMIT - self.genesis - self.minted,
        });
        self.pay_out(&tx.sender, counting, &settlement);
        self.count_work(&tx.sender, &settlement);
        let paid = self.write_receipt(tx, claim, key, &settlement);
        let mut events = vec![paid];
        events.extend(self.after_claim(claim, key, required, &settlement));
        events
    }

    fn pay_out(&mut self, miner: &str, counting: &[String], settlement: &Settlement) {
        self.credit(miner, settlement.miner);
        self.credit(&treasury(), settlement.treasury);
        self.minted += settlement.minted;
        let parts = share(settlement.coordinators, counting.len());
        for (address, part) in counting.iter().zip(parts) {
            self.credit(address, part);
            if settlement.minted > 0 {
                let minted = self.epoch_minted(address) + settlement.minted;
                let record = self.coordinators.get_mut(address).unwrap();
                record.epoch_minted = minted;
                record.epoch_end = self.consensus.last_epoch_end;
            }
        }
    }

    fn count_work(&mut self, miner: &str, settlement: &Settlement) {
        let ever_staked = self.ever_staked(miner);
        let record = self.miners.entry(miner.to_owned()).or_default();
        let added = |to: u64| (u128::from(to) + settlement.counted).min(LIMIT) as u64;
        record.receipts += 1;
        record.units_total = added(record.units_total);
        if ever_staked {
            record.epoch_units = added(record.epoch_units);
        }
        record.write(self.consensus.epochs);
    }

    /// The receipt's record. Where the same work was refused before, it is no longer, nor is that
    /// offence recent.
    fn write_receipt(
        &mut self,
        tx: &Tx,
        claim: &Claim,
        key: &Job,
        settlement: &Settlement,
    ) -> Event {
        let mut paid = self.refused(&claim.receipt, &claim.miner_sig, tx);
        paid.status = "paid";
        paid.minted = settlement.minted;
        paid.limited_by = settlement.limited_by;
        let id = (tx.sender.clone(), claim.receipt.receipt_id.clone());
        let event = claimed_event(&id, key, &paid);
        let refused = self.receipts.insert(id, paid.clone());
        if let Some(refused) = refused.filter(|refused| refused.is_same_work(&paid)) {
            let recent = &mut self.miners.get_mut(&tx.sender).unwrap().recent_offences;
            if let Some(place) = recent.iter().position(|height| *height == refused.height) {
                recent.remove(place);
            }
        }
        event
    }

    /// What the claim leaves of the escrow.
    fn after_claim(
        &mut self,
        claim: &Claim,
        key: &Job,
        required: u64,
        settlement: &Settlement,
    ) -> Option<Event> {
        let escrow = self.escrows.get_mut(key).unwrap();
        let miner = &claim.receipt.miner;
        escrow.remaining = settlement.remaining;
        escrow.paid += u128::from(claim.receipt.price);
        escrow.claims += 1;
        escrow.last_receipt = Some((miner.clone(), claim.receipt.receipt_id.clone()));
        if escrow.partial && !claim.last && escrow.remaining > 0 {
            return None;
        }
        escrow.status = "settled";
        let returned = self.close(key, "settled");
        let escrow = &self.escrows[key];
        Some(event(
            "escrow_settled",
            &[
                ("job_id", &key.1),
                ("client", &key.0),
                ("coordinator", &escrow.coordinator()),
                ("miner", miner),
                ("paid", &escrow.paid),
                ("fee", &required),
                ("returned", &returned),
            ],
        ))
    }
}

fn claimed_event((miner, id): &(String, String), (client, job): &Job, paid: &Receipt) -> Event {
    let mut attributes: Vec<(&str, &dyn std::fmt::Display)> = vec![
        ("receipt_id", id),
        ("job_id", job),
        ("miner", miner),
        ("client", client),
        ("coordinator", &paid.coordinator),
        ("compute_units", &paid.compute_units),
        ("price", &paid.price),
        ("minted", &paid.minted),
    ];
    if let Some(limit) = &paid.limited_by {
        attributes.push(("limited_by", limit));
    }
    event("receipt_claimed", &attributes)
}
