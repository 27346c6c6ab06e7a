//! Owns what receipts and attestations say, whose signatures count, and the rule for the entry in front
//! of a block.

use serde_json::Value;

use super::{
    Model, Params,
    crypto::signed,
    payload::{Claim, Given, Kind},
    state::Escrow,
    wire::{Entry, address, boolean, integer, object, signature},
};

/// Work that a miner says it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Receipt {
    pub(super) receipt_id: String,
    pub(super) job_id: String,
    pub(super) client: String,
    pub(super) miner: String,
    pub(super) units: u64,
    pub(super) price: u64,
    pub(super) output_hash: String,
}

impl Receipt {
    /// What the miner signs.
    pub(super) fn content(&self, chain_id: &str, opened: u64) -> String {
        let Self {
            receipt_id,
            job_id,
            client,
            miner,
            units,
            price,
            output_hash,
        } = self;
        format!(
            "AIT-RECEIPT|{chain_id}|{receipt_id}|{job_id}|{client}|{miner}|{opened}|{units}|{price}|{output_hash}"
        )
    }
}

/// What a coordinator says of a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attestation {
    exists: bool,
    paid: bool,
    not_double_spent: bool,
    quote_price: u64,
    quote_units: u64,
    pub(super) coordinator: String,
    sig: String,
}

impl Attestation {
    pub(super) fn read(value: &Value) -> Result<Self, &'static str> {
        let names = [
            "exists",
            "paid",
            "not_double_spent",
            "quote",
            "coordinator",
            "sig",
        ];
        let fields = object(value, &names, &[])?;
        let quote = object(&fields["quote"], &["price", "compute_units"], &[])?;
        Ok(Self {
            exists: boolean(fields, "exists")?,
            paid: boolean(fields, "paid")?,
            not_double_spent: boolean(fields, "not_double_spent")?,
            quote_price: integer(quote, "price", 0)?,
            quote_units: integer(quote, "compute_units", 0)?,
            coordinator: address(fields, "coordinator")?,
            sig: signature(fields, "sig")?,
        })
    }

    /// What the coordinator signs.
    pub(super) fn content(&self, chain_id: &str, receipt: &Receipt, opened: u64) -> String {
        let Receipt {
            receipt_id,
            job_id,
            client,
            miner,
            units,
            price,
            output_hash,
        } = receipt;
        let Self {
            exists,
            paid,
            not_double_spent,
            quote_price,
            quote_units,
            coordinator,
            ..
        } = self;
        format!(
            "AIT-ATTEST|{chain_id}|{coordinator}|{receipt_id}|{job_id}|{client}|{miner}|{units}|{price}|{output_hash}|{opened}|{exists}|{paid}|{not_double_spent}|{quote_price}|{quote_units}"
        )
    }

    fn asks_no_more(&self, receipt: &Receipt) -> bool {
        receipt.price <= self.quote_price && receipt.units <= self.quote_units
    }

    pub(super) fn is_good(&self, receipt: &Receipt) -> bool {
        self.exists && self.paid && self.not_double_spent && self.asks_no_more(receipt)
    }

    /// What is in the miner's hands is wrong.
    pub(super) fn is_damning(&self, receipt: &Receipt) -> bool {
        !self.exists || !self.asks_no_more(receipt)
    }
}

impl Model {
    /// Whether the coordinator that the attestation names is one of the escrow's and signed it for this
    /// receipt of this opening. The account keys are those of the state as it is.
    pub(super) fn is_rightly_signed(
        &self,
        params: &Params,
        escrow: &Escrow,
        receipt: &Receipt,
        attestation: &Attestation,
    ) -> bool {
        let mut named = escrow.named.iter().zip(&escrow.keys);
        let found = named.find(|(address, _)| **address == attestation.coordinator);
        let Some((address, key)) = found else {
            return false;
        };
        let content = attestation.content(&self.chain_id, receipt, escrow.opened);
        let key = self.judging_key(params, address, key);
        key.is_some_and(|key| signed(key, &content, &attestation.sig))
    }

    /// The key of the opening; or, where that is revoked, the key of the coordinator's own account.
    fn judging_key<'a>(
        &'a self,
        params: &Params,
        coordinator: &str,
        key: &'a str,
    ) -> Option<&'a str> {
        if !params.is_revoked(key) {
            return Some(key);
        }
        let own = self.accounts.get(coordinator)?.pubkey.as_deref()?;
        (own != key && !params.is_revoked(own)).then_some(own)
    }

    /// The attestation in front of the block for each entry, judged on this state, which is that before
    /// the block; an error where the block breaks the rule.
    pub(super) fn entry_rule(
        &self,
        entries: &[Result<Entry, &'static str>],
    ) -> Result<Vec<Option<Attestation>>, ()> {
        let mut given = Vec::new();
        let mut front = false;
        for (place, entry) in entries.iter().enumerate() {
            if let Ok(Entry::Attestations(list)) = entry {
                if place > 0 {
                    return Err(());
                }
                front = true;
                given.clone_from(list);
            }
        }
        let mut left = given.into_iter();
        let mut assigned = Vec::new();
        for entry in entries {
            let attestation = match bare_claim(entry) {
                Some(_) => Some(left.next().ok_or(())?),
                None => None,
            };
            if let (Some(claim), Some(attestation)) = (bare_claim(entry), &attestation)
                && !self.may_stand_in_front(claim, attestation)
            {
                return Err(());
            }
            assigned.push(attestation);
        }
        let needless = front && assigned.iter().all(Option::is_none);
        if needless || left.next().is_some() {
            return Err(());
        }
        Ok(assigned)
    }

    fn may_stand_in_front(&self, claim: &Claim, attestation: &Attestation) -> bool {
        let receipt = &claim.receipt;
        let key = (receipt.client.clone(), receipt.job_id.clone());
        self.escrows.get(&key).is_some_and(|escrow| {
            escrow.status == "open"
                && claim.opened.is_none_or(|opened| opened == escrow.opened)
                && escrow.named.len() == 1
                && self.is_rightly_signed(&self.params, escrow, receipt, attestation)
        })
    }
}

/// A claim that carries no attestation.
fn bare_claim<'a>(entry: &'a Result<Entry, &'static str>) -> Option<&'a Claim> {
    let Ok(Entry::Tx(tx)) = entry else {
        return None;
    };
    match &tx.kind {
        Kind::Claim(claim) if matches!(claim.given, Given::None) => Some(claim),
        _ => None,
    }
}
