//! Owns making a refusal an answer (PROTOCOL section 9.1): its status, its headers, and what it tells
//! programs.

mod details;

use ait_api::{
    error::{ErrorAnswer, ErrorCode, ErrorDetail},
    proof::ProofBundle,
    tx::SentOrRefused,
};
use ait_app::{Failure, InvariantViolation, Refusal};
use ait_node::{SubmitError, Unanswered, comet::CometError};
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value};

/// What REST itself refuses.
pub use ait_api::error::RestCode;

/// A refusal on its way to the user.
#[derive(Debug, Clone)]
pub struct ApiError(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    code: ErrorCode,
    message: String,
    /// For programs: the field that is wrong, the limit that was passed.
    details: Map<String, Value>,
    proof: Option<ProofBundle>,
    retry_after_seconds: Option<u64>,
}

impl ApiError {
    /// A refusal of REST itself.
    pub fn new(code: RestCode, message: impl Into<String>) -> Self {
        Self::of(code.into(), message.into(), Map::new())
    }

    fn of(code: ErrorCode, message: String, details: Map<String, Value>) -> Self {
        Self(Box::new(Parts {
            code,
            message,
            details,
            proof: None,
            retry_after_seconds: None,
        }))
    }

    /// A mistake of ours: the cause goes to the log, not to the user.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        tracing::error!(component = "rest", event = "internal_error", %cause);
        Self::new(
            RestCode::Internal,
            "internal error; the node's log says more",
        )
    }

    /// Adds a detail for programs.
    #[must_use]
    pub fn detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.details.insert(name.to_owned(), value.into());
        self
    }

    /// Adds the proof that what was asked for is absent.
    #[must_use]
    pub fn with_proof(mut self, proof: Option<ProofBundle>) -> Self {
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
        self.0.code == RestCode::CometUnavailable.into()
    }

    /// Whether what was asked for is not there.
    pub fn is_not_found(&self) -> bool {
        self.0.code == RestCode::NotFound.into()
    }

    /// As it is shown.
    pub fn answer(self) -> ErrorAnswer {
        let parts = *self.0;
        ErrorAnswer {
            error: ErrorDetail {
                code: parts.code.name().to_owned(),
                codespace: parts.code.codespace().to_owned(),
                message: parts.message,
                details: parts.details,
            },
            proof: parts.proof,
        }
    }
}

impl From<ApiError> for SentOrRefused {
    fn from(error: ApiError) -> Self {
        SentOrRefused::Refused(Box::new(error.answer()))
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.code.status());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = self.0.retry_after_seconds;
        let mut response = (status, Json(self.answer())).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer");
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let details = details::of(&refusal);
        let code = ErrorCode::from(refusal.code);
        let error = Self::of(code, refusal.message, details);
        if code.status() == StatusCode::TOO_MANY_REQUESTS.as_u16() {
            // The next block makes room, or takes the place of what waited.
            return error.retry_after(1);
        }
        error
    }
}

impl From<InvariantViolation> for ApiError {
    fn from(violation: InvariantViolation) -> Self {
        Self::internal(violation)
    }
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(refusal) | Failure::Offence(refusal) => refusal.into(),
            Failure::Violation(violation) => violation.into(),
        }
    }
}

impl From<CometError> for ApiError {
    fn from(error: CometError) -> Self {
        let reason = match error {
            CometError::Unreachable(_) => RestCode::CometUnavailable,
            CometError::Refused { .. } | CometError::Malformed(_) => RestCode::CometRefused,
        };
        Self::new(reason, error.to_string())
    }
}

impl From<Unanswered> for ApiError {
    fn from(error: Unanswered) -> Self {
        match error {
            Unanswered::Stopped => Self::new(
                RestCode::ShuttingDown,
                "the node stops; what it took it keeps",
            ),
            Unanswered::Stopping(stopping) => {
                Self::new(RestCode::ShuttingDown, stopping.to_string())
            }
            Unanswered::Store(_) | Unanswered::Task(_) => Self::internal(error),
        }
    }
}

impl From<SubmitError> for ApiError {
    fn from(error: SubmitError) -> Self {
        let message = error.to_string();
        match error {
            SubmitError::Refused(refusal) => refusal.into(),
            SubmitError::Comet(error) => error.into(),
            SubmitError::Unanswered(error) => error.into(),
            SubmitError::UnknownCode { .. } => Self::new(RestCode::CometRefused, message),
            SubmitError::Remembered => Self::new(RestCode::CometRefused, message).retry_after(5),
        }
    }
}
