//! Owns what a refusal of the chain says to programs: the field or param that is wrong, and the limit
//! that was passed; where that is a param, its name in `getParams`.

use ait_app::{
    Code, Refusal, params::table::ParamKey, tx::MAX_WIRE_BYTES, unbonding::record::MAX_UNBONDINGS,
};
use serde_json::{Map, Value};

/// What is known of a refusal besides its code and message.
pub(super) fn of(refusal: &Refusal) -> Map<String, Value> {
    let mut details = Map::new();
    // Messages of the state machine begin with what they are about, as its `Refusal` promises.
    for what in ["field", "param"] {
        if let Some(name) = named(&refusal.message, what) {
            details.insert(what.into(), name.into());
        }
    }
    if let Some((name, value)) = limit(refusal.code) {
        details.insert(name.into(), value.into());
    }
    if let Some(param) = limiting_param(refusal.code) {
        details.insert("limit_param".into(), param.name().into());
    }
    details
}

/// The name in a message that begins with `field` or `param` and a name.
fn named<'a>(message: &'a str, what: &str) -> Option<&'a str> {
    let rest = message.strip_prefix(what)?.strip_prefix(' ')?;
    let end = rest.find([' ', ':']).unwrap_or(rest.len());
    let name = rest.get(..end)?;
    let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'[' | b']');
    (!name.is_empty() && name.bytes().all(is_name)).then_some(name)
}

/// The name of a limit of the protocol, and the limit.
fn limit(code: Code) -> Option<(&'static str, usize)> {
    match code {
        Code::TooLarge => Some(("limit_bytes", MAX_WIRE_BYTES)),
        Code::TooManyUnbondings | Code::TooManyBondUnbondings => Some(("limit", MAX_UNBONDINGS)),
        _ => None,
    }
}

/// The param that is the limit.
const fn limiting_param(code: Code) -> Option<ParamKey> {
    match code {
        Code::BelowMinBalance => Some(ParamKey::MinAccountBalance),
        Code::EscrowTooLow => Some(ParamKey::MinEscrowAmount),
        Code::TtlTooLong => Some(ParamKey::EscrowMaxTtlBlocks),
        Code::BondTooSmall => Some(ParamKey::CoordinatorMinBond),
        Code::ReportTooLate => Some(ParamKey::OffenceWindowBlocks),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn details(code: Code, message: &str) -> Value {
        Value::Object(of(&Refusal::new(code, message)))
    }

    #[test]
    fn the_field_that_a_message_names_is_told() {
        let cases = [
            (
                "field payload.amount: must be an integer 1..=9, not 0",
                "payload.amount",
            ),
            ("field pubkey is missing", "pubkey"),
            ("field payload.attesters[1]: bad", "payload.attesters[1]"),
        ];
        for (message, field) in cases {
            let told = details(Code::InvalidField, message);
            assert_eq!(told, serde_json::json!({"field": field}), "{message}");
        }
        for message in [
            "fields differ",
            "field ",
            "field",
            "field (the whole): bad",
            "address x",
        ] {
            let told = details(Code::InvalidField, message);
            assert_eq!(told, serde_json::json!({}), "{message}");
        }
        let told = details(Code::InvalidParamValue, "param base_fee must be an integer");
        assert_eq!(told, serde_json::json!({"param": "base_fee"}));
    }

    #[test]
    fn limits_of_the_protocol_are_told() {
        let told = details(Code::TooLarge, "the transaction has 16385 bytes");
        assert_eq!(told, serde_json::json!({"limit_bytes": 16_384}));
        let told = details(Code::EscrowTooLow, "field payload.amount is 5 uait");
        let expected = serde_json::json!({
            "field": "payload.amount", "limit_param": "min_escrow_amount",
        });
        assert_eq!(told, expected);
    }
}
