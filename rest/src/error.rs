//! Owns how a refusal looks to users of REST: `{"error":{"code","codespace","message","details"}}` with
//! a fitting status (PROTOCOL section 9). The tables here are the only places where codes become
//! statuses.

mod details;

use ait_app::{Broken, Code, Failure, Refusal};
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use crate::comet::CometError;

/// The HTTP status of a result code (`docs/errors.md`).
pub const fn status_of(code: Code) -> StatusCode {
    match code {
        Code::MalformedJson
        | Code::NotCanonical
        | Code::InvalidField
        | Code::UnknownType
        | Code::SenderMismatch
        | Code::InvalidSignature
        | Code::UnexpectedAttestations
        | Code::UnexpectedEnvelope => StatusCode::BAD_REQUEST,

        Code::NotTheCoordinator
        | Code::NotTheClient
        | Code::NotTheMiner
        | Code::NotTheAdmin
        | Code::NotNamedAdmin => StatusCode::FORBIDDEN,

        Code::EscrowNotFound => StatusCode::NOT_FOUND,

        Code::NonceUsed
        | Code::NonceGap
        | Code::NonceTooFarAhead
        | Code::ReplacementUnderpriced
        | Code::Contested
        | Code::ReceiptReplayed
        | Code::ReceiptAlreadyClaimed
        | Code::ReceiptAlreadyRefused
        | Code::AlreadyConvicted => StatusCode::CONFLICT,

        Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,

        Code::PoolFull | Code::TooManyWaiting | Code::TooManyParked => {
            StatusCode::TOO_MANY_REQUESTS
        }

        Code::FeeTooLow
        | Code::FeeNotAffordable
        | Code::Dropped
        | Code::InsufficientBalance
        | Code::SelfTransfer
        | Code::BelowMinBalance
        | Code::UnknownCoordinator
        | Code::TtlTooLong
        | Code::EscrowAlreadyOpen
        | Code::EscrowAlreadySettled
        | Code::EscrowClosed
        | Code::EscrowTooLow
        | Code::CoordinatorSuspended
        | Code::BondTooSmall
        | Code::MinerBound
        | Code::MinerFixed
        | Code::OpenedInThisBlock
        | Code::MinerBanned
        | Code::InvalidMinerSignature
        | Code::AttestationMissing
        | Code::InvalidAttestation
        | Code::AttestationNegative
        | Code::EscrowTooSmall
        | Code::WrongOpening
        | Code::BoundToAnotherMiner
        | Code::FinalNotAllowed
        | Code::NotDamning
        | Code::ReportTooLate
        | Code::MinerKeyUnknown
        | Code::TooFewAttestations
        | Code::UnknownParam
        | Code::ParamFixed
        | Code::InvalidParamValue
        | Code::ConsensusKeyTaken
        | Code::ParamConflict
        | Code::InvalidAuthorityProof
        | Code::AuthoritiesNotProven
        | Code::ValidatorKeyMissing
        | Code::InvalidValidatorSignature
        | Code::ValidatorKeyTaken
        | Code::ValidatorKeyFixed
        | Code::NeverStaked
        | Code::StakeTooSmall
        | Code::TooManyUnbondings
        | Code::NotJailed
        | Code::JailedForGood
        | Code::JailedStill
        | Code::BondInsufficient
        | Code::TooManyBondUnbondings
        | Code::NoContradiction
        | Code::NotItsCoordinator => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// What REST itself refuses; codespace `rest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The path, the query or a header is malformed.
    InvalidRequest,
    /// An admin route without the right token.
    Unauthorized,
    /// An admin route that answers to others only.
    Forbidden,
    /// There is no such thing.
    NotFound,
    /// The path has other methods.
    MethodNotAllowed,
    /// The body did not arrive in time.
    RequestTimeout,
    /// The body is larger than REST reads.
    BodyTooLarge,
    /// Too many requests of one client.
    RateLimited,
    /// A mistake of ours; the log says more.
    Internal,
    /// The node was started without what this route needs.
    NotConfigured,
    /// No block is committed yet.
    Starting,
    /// The node stops.
    ShuttingDown,
    /// CometBFT does not answer.
    CometUnavailable,
    /// CometBFT answers, and not with what was asked.
    CometRefused,
    /// The coordinator does not answer.
    CoordinatorUnavailable,
    /// As many are connected as may be.
    TooManyConnections,
}

impl Reason {
    const fn parts(self) -> (&'static str, StatusCode) {
        match self {
            Reason::InvalidRequest => ("invalid_request", StatusCode::BAD_REQUEST),
            Reason::Unauthorized => ("unauthorized", StatusCode::UNAUTHORIZED),
            Reason::Forbidden => ("forbidden", StatusCode::FORBIDDEN),
            Reason::NotFound => ("not_found", StatusCode::NOT_FOUND),
            Reason::MethodNotAllowed => ("method_not_allowed", StatusCode::METHOD_NOT_ALLOWED),
            Reason::RequestTimeout => ("request_timeout", StatusCode::REQUEST_TIMEOUT),
            Reason::BodyTooLarge => ("body_too_large", StatusCode::PAYLOAD_TOO_LARGE),
            Reason::RateLimited => ("rate_limited", StatusCode::TOO_MANY_REQUESTS),
            Reason::Internal => ("internal_error", StatusCode::INTERNAL_SERVER_ERROR),
            Reason::NotConfigured => ("not_configured", StatusCode::SERVICE_UNAVAILABLE),
            Reason::Starting => ("starting", StatusCode::SERVICE_UNAVAILABLE),
            Reason::ShuttingDown => ("shutting_down", StatusCode::SERVICE_UNAVAILABLE),
            Reason::CometUnavailable => ("comet_unavailable", StatusCode::SERVICE_UNAVAILABLE),
            Reason::CometRefused => ("comet_refused", StatusCode::SERVICE_UNAVAILABLE),
            Reason::CoordinatorUnavailable => {
                ("coordinator_unavailable", StatusCode::SERVICE_UNAVAILABLE)
            }
            Reason::TooManyConnections => ("too_many_connections", StatusCode::SERVICE_UNAVAILABLE),
        }
    }
}

/// A refusal on its way to the user.
#[derive(Debug, Clone)]
pub struct ApiError(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    status: StatusCode,
    code: &'static str,
    codespace: &'static str,
    message: String,
    /// For programs: the field that is wrong, the limit that was passed.
    details: Map<String, Value>,
    proof: Option<Value>,
    retry_after_seconds: Option<u64>,
}

impl ApiError {
    /// A refusal of REST itself.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        let (code, status) = reason.parts();
        Self(Box::new(Parts {
            status,
            code,
            codespace: "rest",
            message: message.into(),
            details: Map::new(),
            proof: None,
            retry_after_seconds: None,
        }))
    }

    /// A mistake of ours: the cause goes to the log, not to the user.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        tracing::error!(component = "rest", event = "internal_error", %cause);
        Self::new(Reason::Internal, "internal error; the node's log says more")
    }

    /// Adds a detail for programs.
    #[must_use]
    pub fn detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.details.insert(name.to_owned(), value.into());
        self
    }

    /// Adds the proof that what was asked for is absent.
    #[must_use]
    pub fn with_proof(mut self, proof: Option<Value>) -> Self {
        self.0.proof = proof;
        self
    }

    /// Says when to come again (RFC 9110 section 10.2.3).
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after_seconds = Some(seconds);
        self.detail("retry_after_seconds", seconds)
    }

    /// Whether CometBFT does not answer: nor will it for what else a request holds.
    pub fn is_comet_away(&self) -> bool {
        self.0.code == Reason::CometUnavailable.parts().0
    }

    /// `{"error":{…}}`, as it is shown.
    pub fn body(&self) -> Value {
        json!({"error": {
            "code": self.0.code,
            "codespace": self.0.codespace,
            "message": self.0.message,
            "details": self.0.details,
        }})
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut body = self.body();
        if let (Some(proof), Some(object)) = (self.0.proof, body.as_object_mut()) {
            object.insert("proof".into(), proof);
        }
        let mut response = (self.0.status, Json(body)).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.0.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.0.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer");
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let status = status_of(refusal.code);
        let error = Self(Box::new(Parts {
            status,
            code: refusal.code.name(),
            codespace: refusal.code.codespace(),
            details: details::of(&refusal),
            message: refusal.message,
            proof: None,
            retry_after_seconds: None,
        }));
        if status == StatusCode::TOO_MANY_REQUESTS {
            // The next block makes room, or takes the place of what waited.
            return error.retry_after(1);
        }
        error
    }
}

impl From<Broken> for ApiError {
    fn from(broken: Broken) -> Self {
        Self::internal(broken)
    }
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(refusal) | Failure::Offence(refusal) => refusal.into(),
            Failure::Broken(broken) => broken.into(),
        }
    }
}

impl From<CometError> for ApiError {
    fn from(error: CometError) -> Self {
        let reason = match error {
            CometError::Unreachable(_) => Reason::CometUnavailable,
            CometError::Refused { .. } | CometError::Malformed(_) => Reason::CometRefused,
        };
        Self::new(reason, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_the_status_of_its_kind() {
        for code in Code::ALL.iter().copied() {
            let expected = match code.name() {
                "too_large" => 413,
                "escrow_not_found" => 404,
                "pool_full" | "too_many_waiting" | "too_many_parked" => 429,
                name if name.contains("nonce") => 409,
                "replacement_underpriced" | "contested" | "receipt_replayed" => 409,
                "receipt_already_claimed" | "receipt_already_refused" | "already_convicted" => 409,
                name if name.starts_with("not_the_") || name == "not_named_admin" => 403,
                "fee_too_low" | "fee_not_affordable" | "dropped" => 422,
                _ if code.codespace() == "auth" => 400,
                _ => 422,
            };
            assert_eq!(status_of(code).as_u16(), expected, "{}", code.name());
        }
    }

    #[test]
    fn names_of_rest_and_of_the_chain_do_not_clash() {
        let own = [
            Reason::InvalidRequest,
            Reason::NotFound,
            Reason::RateLimited,
            Reason::BodyTooLarge,
        ];
        for reason in own {
            let (name, _) = reason.parts();
            assert!(Code::ALL.iter().all(|code| code.name() != name), "{name}");
        }
    }
}
