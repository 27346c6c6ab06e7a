//! Owns the form in which an escrow is stored and shown (PROTOCOL sections 7 and 9): flat fields,
//! in canonical order, that say what [`Escrow`]'s types say.

use serde::{Deserialize, Serialize};

use super::record::{Attester, Binding, Escrow, EscrowStatus, LastReceipt, Reason};
use crate::{
    address::Address,
    crypto::PublicKey,
    identifiers::JobId,
    prelude::*,
    quantity::{Count, Height, Uait},
};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Open,
    Settled,
    Refunded,
}

/// The fields of the record.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    amount: Uait,
    assigned: bool,
    attesters: Vec<Address>,
    cancelled: bool,
    claims: Count,
    client: Address,
    closed_height: Option<Height>,
    convicted: BTreeSet<Address>,
    coordinator: Address,
    deleted_height: Option<Height>,
    expires_height: Height,
    job_id: JobId,
    #[serde(deserialize_with = "crate::crypto::stored_keys")]
    keys: Vec<PublicKey>,
    last_receipt: Option<LastReceipt>,
    miner: Option<Address>,
    opened_height: Height,
    paid: Uait,
    partial: bool,
    reason: Option<Reason>,
    remaining: Uait,
    status: Word,
    threshold: usize,
}

impl From<Escrow> for Form {
    fn from(escrow: Escrow) -> Self {
        let (status, reason, deleted_height) = match escrow.status {
            EscrowStatus::Open { .. } => (Word::Open, None, None),
            EscrowStatus::Settled { .. } => (Word::Settled, Some(Reason::Settled), None),
            EscrowStatus::Refunded {
                deleted_height,
                reason,
                ..
            } => (Word::Refunded, Some(reason), Some(deleted_height)),
        };
        let cancelled = match escrow.status {
            EscrowStatus::Open { cancelled, .. } => cancelled,
            EscrowStatus::Settled { .. } => false,
            EscrowStatus::Refunded { reason, .. } => reason == Reason::Cancelled,
        };
        Self {
            remaining: escrow.locked(),
            closed_height: escrow.closed_height(),
            coordinator: escrow.coordinator(),
            attesters: escrow.attesters.iter().skip(1).map(|a| a.address).collect(),
            keys: escrow.attesters.iter().map(|a| a.key).collect(),
            miner: escrow.binding.miner(),
            assigned: matches!(escrow.binding, Binding::Assigned(_)),
            amount: escrow.amount,
            cancelled,
            claims: escrow.claims,
            client: escrow.client,
            convicted: escrow.convicted,
            deleted_height,
            expires_height: escrow.expires_height,
            job_id: escrow.job_id,
            last_receipt: escrow.last_receipt,
            opened_height: escrow.opened_height,
            paid: escrow.paid,
            partial: escrow.partial,
            reason,
            status,
            threshold: escrow.threshold,
        }
    }
}

/// A stored escrow that says what no escrow can be.
#[derive(Debug, thiserror::Error)]
#[error("the fields of the escrow contradict each other")]
pub(super) struct Contradiction;

impl Form {
    fn status(&self) -> Result<EscrowStatus, Contradiction> {
        match (
            &self.status,
            self.closed_height,
            self.deleted_height,
            self.reason,
        ) {
            (Word::Open, None, None, None) => Ok(EscrowStatus::Open {
                remaining: self.remaining,
                cancelled: self.cancelled,
            }),
            (Word::Settled, Some(closed_height), None, Some(Reason::Settled)) => {
                Ok(EscrowStatus::Settled { closed_height })
            }
            (Word::Refunded, Some(closed_height), Some(deleted_height), Some(reason))
                if reason != Reason::Settled =>
            {
                Ok(EscrowStatus::Refunded {
                    closed_height,
                    deleted_height,
                    reason,
                })
            }
            _ => Err(Contradiction),
        }
    }

    fn binding(&self) -> Result<Binding, Contradiction> {
        match (self.miner, self.assigned) {
            (None, false) => Ok(Binding::Unbound),
            (Some(miner), false) => Ok(Binding::Named(miner)),
            (Some(miner), true) => Ok(Binding::Assigned(miner)),
            (None, true) => Err(Contradiction),
        }
    }
}

impl TryFrom<Form> for Escrow {
    type Error = Contradiction;

    fn try_from(form: Form) -> Result<Self, Contradiction> {
        let (status, binding) = (form.status()?, form.binding()?);
        let addresses = core::iter::once(form.coordinator).chain(form.attesters);
        let attesters: Vec<Attester> = addresses
            .zip(&form.keys)
            .map(|(address, key)| Attester { address, key: *key })
            .collect();
        if attesters.len() != form.keys.len() || !(1..=attesters.len()).contains(&form.threshold) {
            return Err(Contradiction);
        }
        Ok(Self {
            client: form.client,
            job_id: form.job_id,
            attesters,
            threshold: form.threshold,
            binding,
            partial: form.partial,
            amount: form.amount,
            paid: form.paid,
            claims: form.claims,
            last_receipt: form.last_receipt,
            opened_height: form.opened_height,
            expires_height: form.expires_height,
            status,
            convicted: form.convicted,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SecretKey;

    fn stored() -> serde_json::Value {
        let key = SecretKey::from_seed([7; 32]).public_key();
        serde_json::json!({
            "amount": 5, "assigned": false, "attesters": [], "cancelled": false, "claims": 0,
            "client": Address::of(&key), "closed_height": null, "convicted": [],
            "coordinator": Address::of(&key), "deleted_height": null, "expires_height": 9,
            "job_id": "job", "keys": [key], "last_receipt": null, "miner": null, "opened_height": 3,
            "paid": 0, "partial": false, "reason": null, "remaining": 5, "status": "open",
            "threshold": 1,
        })
    }

    #[test]
    fn a_record_whose_keys_or_threshold_fit_no_coordinators_is_no_escrow() {
        let read = |record| serde_json::from_value::<Escrow>(record);
        assert!(read(stored()).is_ok());
        let key = stored()["keys"][0].clone();
        let mut without_a_key = stored();
        without_a_key["keys"] = serde_json::json!([]);
        let mut with_a_key_more = stored();
        with_a_key_more["keys"] = serde_json::json!([key, key]);
        let mut of_nobody = stored();
        of_nobody["threshold"] = 0.into();
        let mut of_too_many = stored();
        of_too_many["threshold"] = 6.into();
        for bad in [without_a_key, with_a_key_more, of_nobody, of_too_many] {
            assert!(read(bad.clone()).is_err(), "{bad}");
        }
    }
}
