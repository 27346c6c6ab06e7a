//! Owns what becomes of one entry: authentication, fees, and which rules a transaction goes by.

use super::{
    Account, EntryResult, Event, Model,
    attest::Attestation,
    codes::code,
    event, json,
    offences::Offence,
    payload::Kind,
    upgrades::since,
    wire::{Entry, Tx},
};

/// Why a transaction doesn't do what it is for.
pub(super) struct Refusal {
    pub(super) name: &'static str,
    pub(super) offence: Option<Offence>,
}

impl From<&'static str> for Refusal {
    fn from(name: &'static str) -> Self {
        Self {
            name,
            offence: None,
        }
    }
}

impl Model {
    /// Applies one entry to a block in the making, for tests that build a block step by step.
    /// `attestation` is the one that the entry in front of the block has for it, as JSON.
    pub fn apply_entry(
        &mut self,
        wire: &[u8],
        attestation: Option<&serde_json::Value>,
    ) -> EntryResult {
        let attestation = attestation.and_then(|json| Attestation::read(json).ok());
        let entry = super::wire::read(wire, &self.chain_id);
        self.apply(&entry, attestation.as_ref(), false).0
    }

    /// What becomes of an entry, and whether an honest proposer may put it into a block.
    pub(super) fn apply(
        &mut self,
        entry: &Result<Entry, &'static str>,
        attestation: Option<&Attestation>,
        broken: bool,
    ) -> (EntryResult, bool) {
        let without_effect = |name: &str| EntryResult {
            code: code(name),
            ..EntryResult::default()
        };
        match entry {
            Err(name) => (without_effect(name), false),
            Ok(Entry::Attestations(_)) if broken => {
                (without_effect("unexpected_attestations"), false)
            }
            Ok(Entry::Attestations(_)) => (EntryResult::default(), true),
            Ok(Entry::Tx(tx)) => match self.apply_tx(tx, attestation) {
                Ok(result) => (result, true),
                Err(name) => (without_effect(name), false),
            },
        }
    }

    /// An error is the code of a transaction that has no effect at all.
    ///
    /// Whatever a transaction is for checks everything before it changes anything, so a failure has
    /// only the fee to undo.
    fn apply_tx(
        &mut self,
        tx: &Tx,
        attestation: Option<&Attestation>,
    ) -> Result<EntryResult, &'static str> {
        // To whom knows this version alone, it says nothing.
        if let Kind::Param { name, .. } = &tx.kind
            && since(name) > self.protocol.version
        {
            return Err("unknown_param");
        }
        let required = self.required_of(tx);
        let is_claim = matches!(tx.kind, Kind::Claim(_));
        // The escrow pays what a claim needs.
        let own_part = if is_claim {
            tx.fee.saturating_sub(required)
        } else {
            tx.fee
        };
        self.authenticate(tx, required, own_part)?;
        let earlier = self.accounts.get(&tx.sender).cloned();
        self.pay(tx, own_part);
        match self.effect(tx, required, attestation) {
            Ok(events) => Ok(EntryResult {
                code: 0,
                fee: tx.fee,
                events,
            }),
            Err(refusal) => {
                match earlier {
                    Some(earlier) => self.accounts.insert(tx.sender.clone(), earlier),
                    None => self.accounts.remove(&tx.sender),
                };
                if is_claim && self.account(&tx.sender).balance < u128::from(required) {
                    return Err(refusal.name);
                }
                self.pay(tx, required);
                let offence = refusal.offence;
                let events = offence.map_or(Vec::new(), |offence| self.punish(tx, offence));
                Ok(EntryResult {
                    code: code(refusal.name),
                    fee: required,
                    events,
                })
            }
        }
    }

    fn authenticate(&self, tx: &Tx, required: u64, own_part: u64) -> Result<(), &'static str> {
        let Account { balance, nonce, .. } = self.account(&tx.sender);
        if tx.nonce <= nonce {
            return Err("nonce_used");
        }
        if tx.nonce > nonce + 1 {
            return Err("nonce_gap");
        }
        if tx.fee < required {
            return Err("fee_too_low");
        }
        if balance < u128::from(own_part) {
            return Err("fee_not_affordable");
        }
        Ok(())
    }

    fn pay(&mut self, tx: &Tx, uait: u64) {
        let account = self.accounts.entry(tx.sender.clone()).or_default();
        account.balance -= u128::from(uait);
        account.nonce = tx.nonce;
        account.pubkey = Some(tx.pubkey.clone());
    }

    fn required_of(&self, tx: &Tx) -> u64 {
        let lasting = match &tx.kind {
            Kind::Open(opening) => {
                let key = (tx.sender.clone(), opening.job_id.clone());
                !self.escrows.contains_key(&key)
            }
            Kind::Report(_) => true,
            Kind::Bond { .. } => !self.coordinators.contains_key(&tx.sender),
            Kind::Stake { .. } => !self.validators.contains_key(&tx.sender),
            _ => false,
        };
        self.fee_for(tx.payload_bytes, lasting)
    }

    fn fee_for(&self, payload_bytes: usize, lasting: bool) -> u64 {
        let number = |name: &str| self.before.params.number(name);
        let by_size = (number("fee_per_kib") * payload_bytes as u64).div_ceil(1024);
        let record_fee = if lasting { number("record_fee") } else { 0 };
        number("base_fee") + by_size + record_fee
    }

    /// The fee that a transaction needs now.
    pub fn required_fee(&self, kind: &str, sender: &str, payload: &serde_json::Value) -> u64 {
        let lasting = match kind {
            "ESCROW_OPEN" => {
                let job = payload["job_id"].as_str().unwrap_or_default();
                let key = (sender.to_owned(), job.to_owned());
                !self.escrows.contains_key(&key)
            }
            "RECEIPT_REPORT" => true,
            "COORDINATOR_BOND" => !self.coordinators.contains_key(sender),
            "STAKE" => !self.validators.contains_key(sender),
            _ => false,
        };
        self.fee_for(json::canonical(payload).len(), lasting)
    }

    fn effect(
        &mut self,
        tx: &Tx,
        required: u64,
        attestation: Option<&Attestation>,
    ) -> Result<Vec<Event>, Refusal> {
        let sender = &*tx.sender;
        let done = match &tx.kind {
            Kind::Transfer { to, amount } => self.transfer(sender, to, *amount),
            Kind::Open(opening) => self.escrow_open(sender, opening),
            Kind::Assign { job, miner } => self.escrow_assign(sender, job, miner),
            Kind::TopUp { job, amount, ttl } => self.escrow_topup(sender, job, *amount, *ttl),
            Kind::Cancel { job_id } => self.escrow_cancel(sender, job_id),
            Kind::Release { job } => self.escrow_release(sender, job),
            Kind::Claim(claim) => return self.claim(tx, claim, required, attestation),
            Kind::Report(report) => self.report(tx, report),
            Kind::Equivocation(evidence) => self.equivocation(sender, evidence),
            Kind::Bond { amount } => self.bond(sender, *amount),
            Kind::Unbond { amount } => self.unbond(sender, *amount),
            Kind::Param { name, value } => self.param_update(sender, name, value),
            Kind::AdminAccept => self.admin_accept(sender),
            Kind::TreasurySpend { to, amount } => self.treasury_spend(sender, to, *amount),
            Kind::Stake { amount, key } => self.stake(sender, *amount, key.as_ref()),
            Kind::Unstake { amount } => self.unstake(sender, *amount),
            Kind::Unjail => self.unjail(sender),
        };
        Ok(done?)
    }

    /// Whether the account has so much; what it then loses is up to the caller.
    pub(super) fn check_balance(&self, address: &str, uait: u64) -> Result<(), &'static str> {
        let enough = self.account(address).balance >= u128::from(uait);
        enough.then_some(()).ok_or("insufficient_balance")
    }

    pub(super) fn debit(&mut self, address: &str, uait: u64) {
        let account = self.accounts.get_mut(address).unwrap();
        account.balance -= u128::from(uait);
    }

    /// An account that has no record yet is not made for less than it costs others.
    fn check_recipient(&self, to: &str, amount: u64) -> Result<(), &'static str> {
        let least = self.before.params.number("min_account_balance");
        let fits = self.accounts.contains_key(to) || amount >= least;
        fits.then_some(()).ok_or("below_min_balance")
    }

    fn transfer(
        &mut self,
        sender: &str,
        to: &str,
        amount: u64,
    ) -> Result<Vec<Event>, &'static str> {
        if to == sender {
            return Err("self_transfer");
        }
        self.check_recipient(to, amount)?;
        self.check_balance(sender, amount)?;
        self.debit(sender, amount);
        self.credit(to, u128::from(amount));
        Ok(vec![event(
            "transfer",
            &[("sender", &sender), ("recipient", &to), ("amount", &amount)],
        )])
    }

    fn treasury_spend(
        &mut self,
        sender: &str,
        to: &str,
        amount: u64,
    ) -> Result<Vec<Event>, &'static str> {
        if self.before.params["admin"] != sender {
            return Err("not_the_admin");
        }
        let treasury = super::treasury();
        self.check_balance(&treasury, amount)?;
        self.check_recipient(to, amount)?;
        self.debit(&treasury, amount);
        self.credit(to, u128::from(amount));
        Ok(vec![event(
            "treasury_spent",
            &[("recipient", &to), ("amount", &amount)],
        )])
    }
}
