//! Owns what the mock coordinator is asked, read strictly, and how it says no.

use ait_app::{
    Refusal,
    address::Address,
    code::Code,
    identifiers::{JobId, OutputHash},
    json,
    quantity::{Positive, Uait, Units},
    receipts::terms::AttestationRequest,
};
use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

/// The largest body: a request has about 800 bytes.
pub const MAX_BODY_BYTES: usize = 16 * 1024;

/// What `POST /attest/receipt` is asked.
#[derive(Debug)]
pub enum Asked {
    /// An attestation of a receipt.
    Receipt(Box<AttestationRequest>),
    /// The facts alone, unsigned.
    Facts(FactsRequest),
}

/// A body that asks for the facts alone (PROTOCOL section 4.2).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FactsRequest {
    pub job_id: JobId,
    /// Who pays.
    pub client: Address,
    /// Who works.
    pub miner: Address,
    /// What it asks for.
    pub price: Positive<Uait>,
    /// Units of compute.
    pub compute_units: Positive<Units>,
    /// The hash of the output, which the mock believes.
    #[serde(rename = "output_hash")]
    pub _output_hash: OutputHash,
}

/// A refusal; nothing was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// The HTTP status.
    pub status: StatusCode,
    /// The stable name.
    pub code: &'static str,
    /// For people.
    pub message: String,
}

impl Denied {
    /// The request breaks a rule.
    pub fn refused(code: &'static str, message: impl Into<String>) -> Self {
        Self::with(StatusCode::BAD_REQUEST, code, message)
    }

    /// The coordinator cannot know yet, or must not say.
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::with(StatusCode::CONFLICT, code, message)
    }

    /// The coordinator's own trouble.
    pub fn trouble(code: &'static str, message: impl Into<String>) -> Self {
        Self::with(StatusCode::SERVICE_UNAVAILABLE, code, message)
    }

    fn with(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }
}

impl From<Refusal> for Denied {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal.code {
            Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            _ => StatusCode::BAD_REQUEST,
        };
        Self::with(status, refusal.code.name(), refusal.message)
    }
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        let body = json!({"error": {
            "code": self.code,
            "codespace": "coordinator",
            "message": self.message,
        }});
        (self.status, Json(body)).into_response()
    }
}

/// Reads a body of `POST /attest/receipt`.
///
/// # Errors
/// 400 with the field's name and limit.
pub fn parse(body: &[u8]) -> Result<Asked, Denied> {
    let names_a_receipt = |value: &Value| {
        let more = ["chain_id", "receipt_id", "opened_height", "miner_sig"];
        more.iter().any(|name| value.get(name).is_some())
    };
    let value: Value = json::read(body, "")?;
    Ok(if value.is_object() && !names_a_receipt(&value) {
        Asked::Facts(json::read(body, "")?)
    } else {
        Asked::Receipt(json::read(body, "")?)
    })
}

/// A failure of the coordinator itself.
pub(super) fn internal(error: impl Into<anyhow::Error>) -> Denied {
    let message = format!("{:#}", error.into());
    tracing::error!(component = "coordinator", event = "failed", %message);
    Denied::trouble("internal", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector() -> Value {
        let vectors: Value =
            serde_json::from_str(include_str!("../../../tests/vectors/protocol.json")).unwrap();
        vectors["attestations"][0]["request"].clone()
    }

    #[test]
    fn the_request_of_the_vectors_is_read() {
        let Ok(Asked::Receipt(request)) = parse(vector().to_string().as_bytes()) else {
            panic!("it asks for an attestation");
        };
        assert_eq!(request.price.get().get(), 50_000);
        assert_eq!(request.opened_height.get(), 17);
        assert_eq!(request.miner_pubkey, None);
    }

    #[test]
    fn six_fields_alone_ask_for_the_facts() {
        let mut body = vector();
        let fields = body.as_object_mut().unwrap();
        for name in ["chain_id", "receipt_id", "opened_height"] {
            fields.remove(name);
        }
        let with_signature = parse(serde_json::to_string(fields).unwrap().as_bytes());
        assert!(with_signature.is_err(), "half a receipt");
        fields.remove("miner_sig");
        let Ok(Asked::Facts(facts)) = parse(body.to_string().as_bytes()) else {
            panic!("it asks for the facts");
        };
        assert_eq!(facts.price.get().get(), 50_000);
    }

    #[test]
    fn bad_requests_are_refused_by_the_name_of_their_field() {
        for (name, value) in [
            ("price", json!(0)),
            ("price", json!("50000")),
            ("compute_units", json!(1.5)),
            ("opened_height", json!(9_007_199_254_740_992_u64)),
            ("client", json!("ait1x")),
            ("job_id", json!(".hidden")),
            ("miner_sig", json!("00")),
            ("extra", json!(1)),
            ("miner_pubkey", json!("00")),
        ] {
            let mut request = vector();
            request[name] = value;
            let denied = parse(request.to_string().as_bytes()).unwrap_err();
            assert_eq!(denied.status, StatusCode::BAD_REQUEST, "{name}");
            assert!(denied.message.contains(name), "{}", denied.message);
        }
        for bad in ["", "[]", "7", "{\"price\":1,\"price\":1}"] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
