//! Owns the life of an escrow but for what claims do to it.

use super::{
    Event, Model,
    crypto::address_bytes,
    event,
    payload::{Job, Opening},
    state::Escrow,
};

impl Model {
    /// Whether a new escrow could name these coordinators.
    fn check_coordinators(&self, named: &[String]) -> Result<(), &'static str> {
        let params = &self.before.params;
        let key = |address: &String| params.coordinator_key(address);
        if named.iter().any(|address| key(address).is_none()) {
            return Err("unknown_coordinator");
        }
        let record = |address: &String| self.coordinators.get(address).cloned().unwrap_or_default();
        let is_suspended = |address: &String| {
            let suspended = record(address).suspended;
            suspended.is_some_and(|suspended| key(address) == Some(&suspended))
        };
        if named.iter().any(is_suspended) {
            return Err("coordinator_suspended");
        }
        let least = params.wide("coordinator_min_bond");
        if named.iter().any(|address| record(address).bond < least) {
            return Err("bond_too_small");
        }
        Ok(())
    }

    fn check_ttl(&self, ttl: u64) -> Result<(), &'static str> {
        let fits = ttl <= self.before.params.number("escrow_max_ttl_blocks");
        fits.then_some(()).ok_or("ttl_too_long")
    }

    pub(super) fn escrow_open(
        &mut self,
        sender: &str,
        opening: &Opening,
    ) -> Result<Vec<Event>, &'static str> {
        self.check_coordinators(&opening.named)?;
        self.check_ttl(opening.ttl)?;
        if opening.amount < self.before.params.number("min_escrow_amount") {
            return Err("escrow_too_low");
        }
        let key = (sender.to_owned(), opening.job_id.clone());
        let mut overdue = 0;
        if let Some(escrow) = self.escrows.get(&key) {
            if escrow.status == "settled" {
                return Err("escrow_already_settled");
            }
            if escrow.is_open(self.height) {
                return Err("escrow_already_open");
            }
            if escrow.opened == self.height {
                return Err("opened_in_this_block");
            }
            overdue = escrow.remaining;
        }
        // What an overdue one still holds comes back first.
        if self.account(sender).balance + overdue < u128::from(opening.amount) {
            return Err("insufficient_balance");
        }
        let mut events = Vec::new();
        if self
            .escrows
            .get(&key)
            .is_some_and(|escrow| escrow.status == "open")
        {
            events.push(self.end_overdue(&key));
        }
        self.debit(sender, opening.amount);
        let escrow = self.opened(opening);
        events.push(opened_event(&key, &escrow));
        for address in &escrow.named {
            let record = self.coordinators.entry(address.clone()).or_default();
            record.counts.opened += 1;
        }
        self.escrows.insert(key, escrow);
        Ok(events)
    }

    fn opened(&self, opening: &Opening) -> Escrow {
        let params = &self.before.params;
        let key = |address: &String| params.coordinator_key(address).unwrap().to_owned();
        Escrow {
            keys: opening.named.iter().map(key).collect(),
            named: opening.named.clone(),
            threshold: opening.threshold,
            amount: opening.amount.into(),
            remaining: opening.amount.into(),
            paid: 0,
            claims: 0,
            partial: opening.partial,
            miner: opening.miner.clone(),
            assigned: false,
            cancelled: false,
            convicted: Vec::new(),
            status: "open",
            reason: None,
            opened: self.height,
            due: self.height + opening.ttl,
            closed: None,
            deleted: None,
            last_receipt: None,
        }
    }

    /// The escrow, where it can still be claimed.
    pub(super) fn open_escrow(&self, key: &Job) -> Result<&Escrow, &'static str> {
        let escrow = self.escrows.get(key).ok_or("escrow_not_found")?;
        escrow
            .is_open(self.height)
            .then_some(escrow)
            .ok_or("escrow_closed")
    }

    pub(super) fn escrow_assign(
        &mut self,
        sender: &str,
        key: &Job,
        miner: &str,
    ) -> Result<Vec<Event>, &'static str> {
        let escrow = self.open_escrow(key)?;
        if escrow.coordinator() != sender {
            return Err("not_the_coordinator");
        }
        let named_by_client = escrow.miner.is_some() && !escrow.assigned;
        if named_by_client || (escrow.assigned && escrow.threshold > 1) {
            return Err("miner_fixed");
        }
        let escrow = self.escrows.get_mut(key).unwrap();
        escrow.miner = Some(miner.to_owned());
        escrow.assigned = true;
        Ok(vec![event(
            "escrow_assigned",
            &[
                ("job_id", &key.1),
                ("client", &key.0),
                ("coordinator", &sender),
                ("miner", &miner),
            ],
        )])
    }

    pub(super) fn escrow_topup(
        &mut self,
        sender: &str,
        key: &Job,
        amount: u64,
        ttl: Option<u64>,
    ) -> Result<Vec<Event>, &'static str> {
        let escrow = self.open_escrow(key)?;
        if let Some(ttl) = ttl {
            if sender != key.0 {
                return Err("not_the_client");
            }
            self.check_coordinators(&escrow.named)?;
            self.check_ttl(ttl)?;
        }
        self.check_balance(sender, amount)?;
        self.debit(sender, amount);
        let height = self.height;
        let escrow = self.escrows.get_mut(key).unwrap();
        escrow.amount += u128::from(amount);
        escrow.remaining += u128::from(amount);
        let later = ttl.map(|ttl| height + ttl).filter(|due| *due > escrow.due);
        if let Some(due) = later {
            escrow.due = due;
            escrow.cancelled = false;
        }
        Ok(vec![event(
            "escrow_topped_up",
            &[
                ("job_id", &key.1),
                ("client", &key.0),
                ("sender", &sender),
                ("amount", &amount),
                ("remaining", &escrow.remaining),
                ("expires_height", &escrow.due),
            ],
        )])
    }

    pub(super) fn escrow_cancel(
        &mut self,
        sender: &str,
        job_id: &str,
    ) -> Result<Vec<Event>, &'static str> {
        let key = (sender.to_owned(), job_id.to_owned());
        if self.open_escrow(&key)?.miner.is_some() {
            return Err("miner_bound");
        }
        let sooner = self.height + self.before.params.number("cancel_notice_blocks");
        let escrow = self.escrows.get_mut(&key).unwrap();
        if sooner < escrow.due {
            escrow.due = sooner;
            escrow.cancelled = true;
        }
        Ok(vec![event(
            "escrow_cancelled",
            &[
                ("job_id", &job_id),
                ("client", &sender),
                ("coordinator", &escrow.coordinator()),
                ("expires_height", &escrow.due),
            ],
        )])
    }

    pub(super) fn escrow_release(
        &mut self,
        sender: &str,
        key: &Job,
    ) -> Result<Vec<Event>, &'static str> {
        let escrow = self.open_escrow(key)?;
        if escrow.coordinator() != sender {
            return Err("not_the_coordinator");
        }
        if escrow.miner.is_some() && escrow.threshold > 1 {
            return Err("miner_bound");
        }
        Ok(vec![self.refund(key, "released")])
    }

    /// One whose time is over goes back to the client.
    pub(super) fn end_overdue(&mut self, key: &Job) -> Event {
        let cancelled = self.escrows[key].cancelled;
        self.refund(key, if cancelled { "cancelled" } else { "expired" })
    }

    fn refund(&mut self, key: &Job, reason: &'static str) -> Event {
        let kept = self.before.params.number("escrow_max_ttl_blocks");
        let escrow = self.escrows.get_mut(key).unwrap();
        escrow.status = "refunded";
        escrow.deleted = Some(self.height + kept);
        let amount = self.close(key, reason);
        event(
            "escrow_refunded",
            &[
                ("job_id", &key.1),
                ("client", &key.0),
                ("coordinator", &self.escrows[key].coordinator()),
                ("amount", &amount),
                ("reason", &reason),
            ],
        )
    }

    /// Gives what remains back to the client, counts the end for every coordinator that the escrow
    /// names, and says how much came back.
    pub(super) fn close(&mut self, key: &Job, reason: &'static str) -> u128 {
        let escrow = self.escrows.get_mut(key).unwrap();
        escrow.reason = Some(reason);
        escrow.cancelled = reason == "cancelled";
        escrow.closed = Some(self.height);
        let amount = std::mem::take(&mut escrow.remaining);
        for address in &escrow.named {
            let counts = &mut self.coordinators.get_mut(address).unwrap().counts;
            *match reason {
                "settled" => &mut counts.settled,
                "released" => &mut counts.released,
                "cancelled" => &mut counts.cancelled,
                _ => &mut counts.expired,
            } += 1;
        }
        self.credit(&key.0, amount);
        amount
    }
}

fn opened_event((client, job): &Job, escrow: &Escrow) -> Event {
    let coordinator = escrow.coordinator();
    let mut attributes: Vec<(&str, &dyn std::fmt::Display)> = vec![
        ("job_id", job),
        ("client", client),
        ("coordinator", &coordinator),
    ];
    if let Some(miner) = &escrow.miner {
        attributes.push(("miner", miner));
    }
    attributes.push(("amount", &escrow.amount));
    event("escrow_opened", &attributes)
}

/// In the order of their addresses' bytes.
pub(super) fn sort_addresses(addresses: &mut [String]) {
    addresses.sort_by_key(|address| address_bytes(address).unwrap());
}
