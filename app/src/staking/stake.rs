//! Owns `STAKE` (PROTOCOL sections 3 and 6): bonds coins; the first one names the account's validator
//! key, for ever. Anybody may send it. Codes: `stake`, `bank`. Event: `staked`.

use serde::{Deserialize, Serialize};

use crate::{
    address::Address,
    bank::payments::take_from_sender,
    code::Code,
    crypto::{PublicKey, Signature},
    error::{Failure, InvariantViolation, refuse},
    events::Event,
    json,
    params::values::possession_bytes,
    prelude::*,
    quantity::{Positive, Uait},
    staking::{
        events::StakingEvent,
        keys::{KeyGrant, with_key},
        record::Validator,
    },
    state::{Overlay, View},
    tx::{context::Context, operation::Operation},
};

/// The payload of `STAKE`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Fields", try_from = "Fields")]
pub struct Stake {
    /// uait to bond.
    pub amount: Positive<Uait>,
    /// The account's validator key; the first `STAKE` must name it, a later one may repeat it.
    pub validator: Option<ValidatorKey>,
}

/// A CometBFT consensus key, and the proof that the sender holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValidatorKey {
    /// The key.
    pub pubkey: PublicKey,
    /// By this key over [`possession_bytes`] of the sender.
    pub sig: Signature,
}

/// The fields as they are written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    amount: Positive<Uait>,
    #[serde(
        default,
        deserialize_with = "json::present",
        skip_serializing_if = "Option::is_none"
    )]
    validator_pubkey: Option<PublicKey>,
    #[serde(
        default,
        deserialize_with = "json::present",
        skip_serializing_if = "Option::is_none"
    )]
    validator_sig: Option<Signature>,
}

impl From<Stake> for Fields {
    fn from(stake: Stake) -> Self {
        Self {
            amount: stake.amount,
            validator_pubkey: stake.validator.map(|validator| validator.pubkey),
            validator_sig: stake.validator.map(|validator| validator.sig),
        }
    }
}

impl TryFrom<Fields> for Stake {
    type Error = &'static str;

    fn try_from(fields: Fields) -> Result<Self, &'static str> {
        let validator = match (fields.validator_pubkey, fields.validator_sig) {
            (Some(pubkey), Some(sig)) => Some(ValidatorKey { pubkey, sig }),
            (None, None) => None,
            (Some(_), None) => {
                return Err("validator_sig is missing: it proves validator_pubkey");
            }
            (None, Some(_)) => {
                return Err("validator_pubkey is missing: validator_sig is by it");
            }
        };
        Ok(Self {
            amount: fields.amount,
            validator,
        })
    }
}

impl Operation for Stake {
    const KIND: &'static str = "STAKE";

    fn makes_record(&self, view: &impl View, sender: &Address) -> Result<bool, InvariantViolation> {
        Ok(!view.has::<Validator>(sender)?)
    }

    fn execute<V: View>(
        &self,
        context: &Context<'_>,
        overlay: &mut Overlay<V>,
    ) -> Result<Vec<Event>, Failure> {
        let (sender, amount) = (context.sender, self.amount.get());
        let mut record = match &self.validator {
            Some(validator) => with_validator_key(context, overlay, validator)?,
            None => with_known_key(overlay, &sender)?,
        };
        take_from_sender(context, overlay, amount)?;
        record.stake = record.stake.plus(amount)?;
        let stake = record.stake;
        overlay.put(&sender, record);
        let staked = StakingEvent::Staked {
            validator: sender,
            amount,
            stake,
        };
        Ok(vec![staked.into()])
    }
}

/// The sender's record, whose validator key is known.
fn with_known_key<V: View>(overlay: &Overlay<V>, sender: &Address) -> Result<Validator, Failure> {
    let known = overlay.get::<Validator>(sender)?;
    match known.filter(|record| record.stake_pubkey.is_some()) {
        Some(mut record) => {
            use_stake_key(&mut record);
            Ok(record)
        }
        None => refuse(
            Code::ValidatorKeyMissing,
            format!(
                "the first STAKE of {sender} must have the fields payload.validator_pubkey and \
                 payload.validator_sig"
            ),
        ),
    }
}

/// The sender's record with the named validator key.
fn with_validator_key<V: View>(
    context: &Context<'_>,
    overlay: &Overlay<V>,
    ValidatorKey { pubkey, sig }: &ValidatorKey,
) -> Result<Validator, Failure> {
    let sender = context.sender;
    let digest = possession_bytes(context.block.chain_id, &sender, pubkey);
    if !context.block.signatures.hold(pubkey, &digest, sig) {
        return refuse(
            Code::InvalidValidatorSignature,
            "field payload.validator_sig does not verify for payload.validator_pubkey, this sender \
             and this chain",
        );
    }
    let known = overlay.get::<Validator>(&sender)?;
    if let Some(fixed) = known.and_then(|record| record.stake_pubkey)
        && fixed != *pubkey
    {
        return refuse(
            Code::ValidatorKeyFixed,
            format!("field payload.validator_pubkey: {sender} validates with {fixed} for ever"),
        );
    }
    match with_key(overlay, sender, *pubkey)? {
        KeyGrant::Granted(mut record) => {
            record.stake_pubkey = Some(*pubkey);
            use_stake_key(&mut record);
            Ok(record)
        }
        KeyGrant::TakenBy(owner) => refuse(
            Code::ValidatorKeyTaken,
            format!("field payload.validator_pubkey belongs to {owner} for ever"),
        ),
    }
}

/// Who is not in the set validates next with its stake key.
fn use_stake_key(record: &mut Validator) {
    if let Some(key) = record.stake_pubkey
        && record.power.is_zero()
    {
        record.pubkey = key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyed(amount: u64) -> (String, String) {
        let key = crate::crypto::SecretKey::from_seed([7; 32]);
        let (pubkey, sig) = (key.public_key(), key.sign(&[0; 32]));
        let whole = format!(
            "{{\"amount\":{amount},\"validator_pubkey\":\"{pubkey}\",\"validator_sig\":\"{sig}\"}}"
        );
        (whole, pubkey.to_string())
    }

    #[test]
    fn the_key_comes_with_its_proof_or_not_at_all() {
        let (whole, pubkey) = keyed(5);
        let stake: Stake = json::read_canonical(whole.as_bytes(), "payload").unwrap();
        assert_eq!(stake.validator.unwrap().pubkey.to_string(), pubkey);
        let plain: Stake = json::read_canonical(b"{\"amount\":5}", "payload").unwrap();
        assert_eq!(plain.validator, None);
        let no_sig = format!("{{\"amount\":5,\"validator_pubkey\":\"{pubkey}\"}}");
        let sig = stake.validator.unwrap().sig;
        let no_key = format!("{{\"amount\":5,\"validator_sig\":\"{sig}\"}}");
        for (bad, missing) in [(no_sig, "validator_sig"), (no_key, "validator_pubkey")] {
            let refusal = json::read::<Stake>(bad.as_bytes(), "payload").unwrap_err();
            assert_eq!(refusal.code, Code::InvalidField);
            assert!(
                refusal.message.contains(&format!("{missing} is missing")),
                "{refusal}"
            );
        }
    }

    #[test]
    fn nothing_else_is_a_payload() {
        let (whole, pubkey) = keyed(0);
        let null =
            format!("{{\"amount\":1,\"validator_pubkey\":\"{pubkey}\",\"validator_sig\":null}}");
        let twice = "{\"amount\":1,\"amount\":1}";
        let unknown = "{\"amount\":1,\"memo\":\"\"}";
        for bad in [
            whole.as_str(),
            null.as_str(),
            twice,
            unknown,
            "{}",
            "{\"amount\":0}",
        ] {
            assert!(
                json::read::<Stake>(bad.as_bytes(), "payload").is_err(),
                "{bad}"
            );
        }
    }
}
