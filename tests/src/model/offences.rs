//! Owns offences of miners, reports of them, and coordinators that contradict themselves.

use std::collections::BTreeSet;

use super::{
    Event, Model,
    attest::Receipt as Work,
    crypto::signed,
    escrows::sort_addresses,
    event,
    payload::{Equivocation, Job, Kind, Report},
    state::{Escrow, Miner, Receipt, Written, slash},
    wire::Tx,
};

/// What a failing claim is besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offence {
    /// Nobody but the miner is to blame.
    Plain,
    /// Its only coordinator denies the receipt, which is refused.
    Damning,
}

impl Miner {
    /// The record is written in an epoch.
    pub(super) fn write(&mut self, epoch: u64) {
        self.written = Written {
            epoch,
            score: self.score,
            epoch_units: self.epoch_units,
        };
    }
}

impl Model {
    /// The offence of a failed claim.
    pub(super) fn punish(&mut self, tx: &Tx, offence: Offence) -> Vec<Event> {
        let Kind::Claim(claim) = &tx.kind else {
            return Vec::new();
        };
        let mut events = Vec::new();
        if offence == Offence::Damning {
            events.push(self.refuse(&claim.receipt, &claim.miner_sig, tx));
        }
        events.extend(self.offend(&tx.sender));
        events
    }

    /// A receipt's record as long as nothing is paid for it. Its escrow is there.
    pub(super) fn refused(&self, work: &Work, miner_sig: &str, tx: &Tx) -> Receipt {
        let job = (work.client.clone(), work.job_id.clone());
        let escrow = &self.escrows[&job];
        Receipt {
            coordinator: escrow.coordinator().to_owned(),
            opened: escrow.opened,
            job,
            compute_units: work.units,
            price: work.price,
            output_hash: work.output_hash.clone(),
            miner_sig: miner_sig.to_owned(),
            minted: 0,
            limited_by: None,
            status: "refused",
            height: self.height,
            tx_hash: tx.hash.clone(),
        }
    }

    fn refuse(&mut self, work: &Work, miner_sig: &str, tx: &Tx) -> Event {
        let record = self.refused(work, miner_sig, tx);
        let id = (work.miner.clone(), work.receipt_id.clone());
        let event = event(
            "receipt_refused",
            &[
                ("receipt_id", &work.receipt_id),
                ("job_id", &work.job_id),
                ("miner", &work.miner),
                ("client", &work.client),
                ("coordinator", &record.coordinator),
            ],
        );
        self.receipts.insert(id, record);
        event
    }

    /// One more offence of this miner, and the ban that may follow.
    fn offend(&mut self, miner: &str) -> Option<Event> {
        let height = self.height;
        let param = |name: &str| self.before.params.number(name);
        let window = param("offence_window_blocks");
        let (limit, ban) = (param("offence_limit"), param("ban_blocks"));
        let record = self.miners.entry(miner.to_owned()).or_default();
        record.offences += 1;
        record.score /= 2;
        record.epoch_units /= 2;
        record.recent_offences.push(height);
        record
            .recent_offences
            .retain(|offence| offence + window > height);
        record.write(self.consensus.epochs);
        if (record.recent_offences.len() as u64) < limit {
            return None;
        }
        record.banned_until = height + ban;
        let until = record.banned_until;
        Some(event("banned", &[("miner", &miner), ("until", &until)]))
    }

    pub(super) fn report(&mut self, tx: &Tx, report: &Report) -> Result<Vec<Event>, &'static str> {
        let work = &report.receipt;
        let job = (work.client.clone(), work.job_id.clone());
        let escrow = self.escrow_of(&job, report.opened)?;
        let window = self.before.params.number("offence_window_blocks");
        if escrow
            .closed
            .is_some_and(|closed| closed + window < self.height)
        {
            return Err("report_too_late");
        }
        let id = (work.miner.clone(), work.receipt_id.clone());
        match self.receipts.get(&id).map(|receipt| receipt.status) {
            Some("paid") => return Err("receipt_already_claimed"),
            Some(_) => return Err("receipt_already_refused"),
            None => {}
        }
        let known = self.account(&work.miner).pubkey;
        let told = report.miner_key.clone();
        let key = known.or(told).ok_or("miner_key_unknown")?;
        if !signed(
            &key,
            &work.content(&self.chain_id, report.opened),
            &report.miner_sig,
        ) {
            return Err("invalid_miner_signature");
        }
        self.check_denials(escrow, report)?;
        let mut events = vec![self.refuse(work, &report.miner_sig, tx)];
        events.extend(self.offend(&work.miner));
        Ok(events)
    }

    /// So many coordinators must deny the receipt that the others cannot have it paid.
    fn check_denials(&self, escrow: &Escrow, report: &Report) -> Result<(), &'static str> {
        let params = &self.before.params;
        let mut seen = BTreeSet::new();
        for one in &report.attestations {
            let again = !seen.insert(&one.coordinator);
            if again || !self.is_rightly_signed(params, escrow, &report.receipt, one) {
                return Err("invalid_attestation");
            }
            if !one.is_damning(&report.receipt) {
                return Err("not_damning");
            }
        }
        let enough = seen.len() > escrow.named.len() - escrow.threshold;
        enough.then_some(()).ok_or("too_few_attestations")
    }

    fn escrow_of(&self, job: &Job, opened: u64) -> Result<&Escrow, &'static str> {
        let escrow = self.escrows.get(job).ok_or("escrow_not_found")?;
        let right = escrow.opened == opened;
        right.then_some(escrow).ok_or("wrong_opening")
    }

    pub(super) fn equivocation(
        &mut self,
        sender: &str,
        evidence: &Equivocation,
    ) -> Result<Vec<Event>, &'static str> {
        let escrow = self.escrow_of(&evidence.job, evidence.opened)?;
        let [(one, says), (other, also)] = &evidence.both;
        let who = &says.coordinator;
        let place = escrow.named.iter().position(|address| address == who);
        let (Some(place), true) = (place, also.coordinator == *who) else {
            return Err("not_its_coordinator");
        };
        if escrow.convicted.contains(who) {
            return Err("already_convicted");
        }
        let params = &self.before.params;
        for (work, attestation) in &evidence.both {
            if !self.is_rightly_signed(params, escrow, work, attestation) {
                return Err("invalid_attestation");
            }
        }
        let (good, also_good) = (says.is_good(one), also.is_good(other));
        let contradicts = if one == other {
            (good && also.is_damning(other)) || (also_good && says.is_damning(one))
        } else {
            good && also_good && !escrow.partial
        };
        if !contradicts {
            return Err("no_contradiction");
        }
        let key = escrow.keys[place].clone();
        let convicted = &mut self.escrows.get_mut(&evidence.job).unwrap().convicted;
        convicted.push(who.clone());
        sort_addresses(convicted);
        Ok(self.convict(sender, who, key))
    }

    fn convict(&mut self, sender: &str, who: &str, key_of_opening: String) -> Vec<Event> {
        let params = self.before.params.clone();
        let record = self.coordinators.get_mut(who).unwrap();
        let bps = params.wide("slash_coordinator_bps");
        let lost = slash(&mut record.bond, &mut record.unbonding, bps);
        let named = params.coordinator_key(who).map(str::to_owned);
        record.suspended = Some(named.unwrap_or(key_of_opening));
        let reward = lost * params.wide("informer_bps") / 10_000;
        self.burned += lost - reward;
        self.credit(sender, reward);
        let slashed = event(
            "slashed",
            &[
                ("coordinator", &who),
                ("amount", &lost),
                ("reason", &"equivocation"),
            ],
        );
        let suspended = event("coordinator_suspended", &[("coordinator", &who)]);
        let slashed = (lost > 0).then_some(slashed);
        slashed.into_iter().chain([suspended]).collect()
    }
}
