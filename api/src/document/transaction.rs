//! Owns how a transaction is described: one of its kinds, each with its own payload.

use ait_app::tx::Payload;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::operation::{Schemas, note};
use crate::{payloads, schema};

/// A signed transaction.
pub(super) const SIGNED: &str = "Transaction";
/// One that may lack what a node can find.
pub(super) const DRAFT: &str = "TransactionDraft";
/// What would be sent.
pub(super) const INTENT: &str = "Intent";

/// Adds the schemas of transactions.
pub(super) fn describe(schemas: &mut Schemas) {
    note::<schema::TxType>(schemas);
    let address = note::<schema::Address>(schemas);
    let shared = json!({
        "sender": address,
        "nonce": note::<schema::Nonce>(schemas),
        "fee": note::<schema::Amount>(schemas),
        "pubkey": note::<schema::PublicKey>(schemas),
        "sig": note::<schema::Signature>(schemas),
    });
    let intent = json!({"sender": address});
    let forms = [
        (SIGNED, &shared, &["sender", "nonce", "fee", "sig"][..]),
        (DRAFT, &shared, &["sender"][..]),
        (INTENT, &intent, &[][..]),
    ];
    for (form, properties, required) in forms {
        let mut kinds = Vec::new();
        for kind in Payload::KINDS {
            let Some(payload) = payload(kind, schemas) else {
                continue;
            };
            let mut required: Vec<&str> = required.to_vec();
            required.extend(["type", "payload"]);
            let mut one = json!({"type": "object", "required": required, "properties": properties});
            one["properties"]["type"] = json!({"type": "string", "const": kind});
            one["properties"]["payload"] = payload;
            kinds.push(one);
        }
        schemas.insert(
            form.into(),
            json!({"oneOf": kinds, "description": said(form)}),
        );
    }
}

fn said(form: &str) -> &'static str {
    match form {
        SIGNED => {
            "A signed transaction, in any formatting; `pubkey` may be missing once the sender's key is on the chain"
        }
        DRAFT => "A transaction; nonce, fee, pubkey and sig may be missing",
        _ => "What would be sent; without a sender, as by one without records",
    }
}

/// The payload of a kind; `None` where it is not described, which a test would find.
fn payload(kind: &str, schemas: &mut Schemas) -> Option<Value> {
    fn of<T: ToSchema>(schemas: &mut Schemas) -> Option<Value> {
        Some(note::<T>(schemas))
    }
    match kind {
        "TRANSFER" => of::<payloads::Transfer>(schemas),
        "ESCROW_OPEN" => of::<payloads::EscrowOpen>(schemas),
        "ESCROW_ASSIGN" => of::<payloads::EscrowAssign>(schemas),
        "ESCROW_TOPUP" => of::<payloads::EscrowTopUp>(schemas),
        "ESCROW_CANCEL" => of::<payloads::EscrowCancel>(schemas),
        "ESCROW_RELEASE" => of::<payloads::EscrowRelease>(schemas),
        "RECEIPT_CLAIM" => of::<payloads::ReceiptClaim>(schemas),
        "RECEIPT_REPORT" => of::<payloads::ReceiptReport>(schemas),
        "COORDINATOR_BOND" => of::<payloads::CoordinatorBond>(schemas),
        "COORDINATOR_UNBOND" => of::<payloads::CoordinatorUnbond>(schemas),
        "ATTESTATION_EQUIVOCATION" => of::<payloads::AttestationEquivocation>(schemas),
        "PARAM_UPDATE" => of::<payloads::ParamUpdate>(schemas),
        "ADMIN_ACCEPT" => of::<payloads::AdminAccept>(schemas),
        "TREASURY_SPEND" => of::<payloads::TreasurySpend>(schemas),
        "STAKE" => of::<payloads::Stake>(schemas),
        "UNSTAKE" => of::<payloads::Unstake>(schemas),
        "UNJAIL" => of::<payloads::Unjail>(schemas),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_described() {
        let mut schemas = Schemas::new();
        for kind in Payload::KINDS {
            assert!(payload(kind, &mut schemas).is_some(), "{kind}");
        }
    }
}
