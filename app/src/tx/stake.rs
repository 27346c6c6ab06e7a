//! Owns `STAKE` (SPEC sections 3 and 6): bonds coins; the first one gives the account its validator
//! key, for ever. Anybody may send it. Codes: `stake`, `bank`. Event: `staked`.

use std::collections::BTreeMap;

use super::{Context, execute::afford};
use crate::{
    address::Address,
    amount,
    code::Code,
    crypto::{PublicKey, Signature, sha256},
    error::{Failure, Refusal, refuse},
    events::Event,
    identifiers::ChainId,
    json::{Fields, Json},
    state::{
        overlay::{Overlay, View},
        records::Validator,
    },
    validators,
};

/// The payload of `STAKE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stake {
    /// uait to bond, above 0.
    pub amount: u64,
    /// The account's validator key; the first `STAKE` must name it, a later one may repeat it.
    pub validator: Option<ValidatorKey>,
}

/// A CometBFT consensus key, and the proof that the sender holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValidatorKey {
    /// The key.
    pub pubkey: PublicKey,
    /// By this key over [`possession_bytes`].
    pub sig: Signature,
}

/// What a validator key signs to prove that it is the sender's: sha256 of
/// `AIT-VALIDATOR|chain_id|sender|validator_pubkey` (SPEC section 3).
pub fn possession_bytes(chain_id: &ChainId, sender: &Address, pubkey: &PublicKey) -> [u8; 32] {
    sha256(format!("AIT-VALIDATOR|{chain_id}|{sender}|{pubkey}").as_bytes())
}

impl Stake {
    pub(super) fn parse(json: &Json) -> Result<Self, Refusal> {
        let optional = ["validator_pubkey", "validator_sig"];
        let fields = Fields::open(json, "payload", &["amount"], &optional)?;
        let amount = fields.integer("amount", 1..=amount::MAX)?;
        let [has_key, has_proof] = optional.map(|name| fields.has(name));
        if has_key && !has_proof {
            return Err(fields.refuse("validator_sig", "is missing: it proves validator_pubkey"));
        }
        if has_proof && !has_key {
            return Err(fields.refuse("validator_pubkey", "is missing: validator_sig is by it"));
        }
        let validator = if has_key {
            Some(ValidatorKey {
                pubkey: fields.parsed("validator_pubkey")?,
                sig: fields.parsed("validator_sig")?,
            })
        } else {
            None
        };
        Ok(Self { amount, validator })
    }

    pub(super) fn to_json(&self) -> Json {
        let mut fields = BTreeMap::from([("amount".into(), Json::Integer(self.amount))]);
        if let Some(ValidatorKey { pubkey, sig }) = &self.validator {
            let text = |text: String| Json::String(text);
            fields.insert("validator_pubkey".into(), text(pubkey.to_string()));
            fields.insert("validator_sig".into(), text(sig.to_string()));
        }
        Json::Object(fields)
    }

    pub(super) fn execute<V: View>(
        &self,
        context: &Context<'_>,
        overlay: &mut Overlay<'_, V>,
    ) -> Result<Vec<Event>, Failure> {
        let sender = context.verified.tx.sender;
        let mut record = self.record(context, overlay)?;
        afford(overlay, context, self.amount)?;
        overlay.debit(&sender, self.amount)?;
        record.stake = amount::add(record.stake, self.amount)?;
        overlay.put_validator(&record)?;
        Ok(vec![
            Event::new("staked")
                .id("validator", sender)
                .amount("amount", self.amount)
                .amount("stake", record.stake),
        ])
    }

    /// The sender's record, with its validator key in it.
    fn record<V: View>(
        &self,
        context: &Context<'_>,
        overlay: &Overlay<'_, V>,
    ) -> Result<Validator, Failure> {
        let sender = context.verified.tx.sender;
        let known = overlay.validator(&sender)?;
        let fixed = known.as_ref().and_then(|record| record.stake_pubkey);
        let Some(ValidatorKey { pubkey, sig }) = &self.validator else {
            return match known.filter(|_| fixed.is_some()) {
                Some(record) => Ok(record),
                None => refuse(
                    Code::ValidatorKeyMissing,
                    format!(
                        "the first STAKE of {sender} must have the fields \
                         payload.validator_pubkey and payload.validator_sig"
                    ),
                ),
            };
        };
        let signed = possession_bytes(context.chain_id, &sender, pubkey);
        if !pubkey.verifies(&signed, sig) {
            return refuse(
                Code::InvalidValidatorSignature,
                "field payload.validator_sig does not verify for payload.validator_pubkey, this \
                 sender and this chain",
            );
        }
        if let Some(fixed) = fixed
            && fixed != *pubkey
        {
            return refuse(
                Code::ValidatorKeyFixed,
                format!("field payload.validator_pubkey: {sender} validates with {fixed} for ever"),
            );
        }
        let mut record = match validators::with_key(overlay, sender, *pubkey)? {
            Ok(record) => record,
            Err(owner) => {
                return refuse(
                    Code::ValidatorKeyTaken,
                    format!("field payload.validator_pubkey belongs to {owner} for ever"),
                );
            }
        };
        record.stake_pubkey = Some(*pubkey);
        if record.power == 0 {
            record.pubkey = *pubkey;
        }
        Ok(record)
    }
}
