//! Owns what the mock coordinator is asked, read strictly, and how it says no.

use ait_app::{
    Refusal, amount,
    code::Code,
    crypto::PublicKey,
    json::{Fields, Json},
    receipts::AttestationRequest,
};
use axum::{
    Json as AxumJson,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::attest::MINER_PUBKEY;

/// The largest body: a request has about 700 bytes.
pub const MAX_BODY_BYTES: usize = 16 * 1024;

/// What is asked, and the key to check it with, where the asker sent it along.
#[derive(Debug)]
pub struct Asked {
    /// The request of SPEC section 4.
    pub request: AttestationRequest,
    /// The miner's key.
    pub miner_pubkey: Option<PublicKey>,
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
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            code,
            message: message.into(),
        }
    }

    /// The coordinator cannot know yet.
    pub fn too_early(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::CONFLICT,
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
        Self {
            status,
            code: refusal.code.name(),
            message: refusal.message,
        }
    }
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        let body = json!({"error": {
            "code": self.code,
            "codespace": "coordinator",
            "message": self.message,
        }});
        (self.status, AxumJson(body)).into_response()
    }
}

/// Reads a request.
///
/// # Errors
/// 400 with the field's name and limit.
pub fn parse(body: &[u8]) -> Result<Asked, Denied> {
    let json = Json::parse(body)?;
    let names = [
        "chain_id",
        "receipt_id",
        "job_id",
        "client",
        "miner",
        "compute_units",
        "price",
        "output_hash",
        "opened_height",
        "miner_sig",
    ];
    let fields = Fields::open(&json, "", &names, &[MINER_PUBKEY])?;
    let miner_pubkey = if fields.has(MINER_PUBKEY) {
        Some(fields.parsed(MINER_PUBKEY)?)
    } else {
        None
    };
    Ok(Asked {
        request: AttestationRequest {
            chain_id: fields.parsed("chain_id")?,
            receipt_id: fields.parsed("receipt_id")?,
            job_id: fields.parsed("job_id")?,
            client: fields.parsed("client")?,
            miner: fields.parsed("miner")?,
            compute_units: fields.integer("compute_units", 1..=amount::MAX)?,
            price: fields.integer("price", 1..=amount::MAX)?,
            output_hash: fields.parsed("output_hash")?,
            opened_height: fields.integer("opened_height", 1..=amount::MAX)?,
            miner_sig: fields.parsed("miner_sig")?,
        },
        miner_pubkey,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector() -> serde_json::Value {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/vectors/protocol.json")).unwrap();
        vectors["attestations"][0]["request"].clone()
    }

    #[test]
    fn the_request_of_the_vectors_is_read() {
        let asked = parse(vector().to_string().as_bytes()).unwrap();
        assert_eq!(asked.request.price, 50_000);
        assert_eq!(asked.request.opened_height, 17);
        assert_eq!(asked.miner_pubkey, None);
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
        for bad in ["", "[]", "{\"price\":1,\"price\":1}"] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
