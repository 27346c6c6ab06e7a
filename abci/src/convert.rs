//! Owns the translation between the state machine's words and CometBFT's protobuf messages.

use ait_app::{
    Refusal, crypto::PublicKey, events::Event, tx::TxResult, validators::ValidatorUpdate,
};
use tendermint_proto::v0_38::{
    abci::{
        Event as ProtoEvent, EventAttribute, ExecTxResult, ResponseCheckTx,
        ValidatorUpdate as ProtoUpdate,
    },
    crypto::{PublicKey as ProtoKey, public_key::Sum},
};

/// Events as CometBFT indexes them.
pub fn events(events: &[Event]) -> Vec<ProtoEvent> {
    events
        .iter()
        .map(|event| ProtoEvent {
            r#type: event.kind.clone(),
            attributes: event
                .attributes
                .iter()
                .map(|attribute| EventAttribute {
                    key: attribute.key.clone(),
                    value: attribute.value.clone(),
                    index: attribute.index,
                })
                .collect(),
        })
        .collect()
}

/// The result of a transaction in a block. Gas stays 0: it is hashed into the header, and fees are
/// this chain's measure.
pub fn tx_result(result: &TxResult) -> ExecTxResult {
    ExecTxResult {
        code: result.code,
        codespace: result.codespace.clone(),
        log: result.log.clone(),
        events: events(&result.events),
        ..ExecTxResult::default()
    }
}

/// CheckTx's yes, with a remark for people.
pub fn accepted(log: &str) -> ResponseCheckTx {
    ResponseCheckTx {
        log: log.to_owned(),
        ..ResponseCheckTx::default()
    }
}

/// CheckTx's no.
pub fn refused(refusal: &Refusal) -> ResponseCheckTx {
    ResponseCheckTx {
        code: refusal.code.number(),
        codespace: refusal.code.codespace().to_owned(),
        log: refusal.message.clone(),
        ..ResponseCheckTx::default()
    }
}

/// A change of the validator set. Powers are at most 10^9, so they fit.
pub fn validator_update(pubkey: &PublicKey, power: u64) -> ProtoUpdate {
    ProtoUpdate {
        pub_key: Some(ProtoKey {
            sum: Some(Sum::Ed25519(pubkey.as_bytes().to_vec())),
        }),
        power: i64::try_from(power).unwrap_or(i64::MAX),
    }
}

/// All changes of a block.
pub fn validator_updates(updates: &[ValidatorUpdate]) -> Vec<ProtoUpdate> {
    updates
        .iter()
        .map(|update| validator_update(&update.pubkey, update.power))
        .collect()
}
