//! Owns refusals: the codes of the chain and of REST as one type, the HTTP status of each (PROTOCOL sections
//! 8.1 and 9.1; `docs/errors.md`), and how a refusal is answered.

use std::{collections::BTreeSet, fmt, str::FromStr};

use ait_app::Code;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

use crate::{proof::ProofBundle, schema};

macro_rules! rest_codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $status:literal, $name:literal;)+) => {
        /// What REST itself refuses; codespace `rest`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum RestCode { $($(#[doc = $doc])+ $variant,)+ }

        impl RestCode {
            /// Every code.
            pub const ALL: &'static [RestCode] = &[$(RestCode::$variant,)+];

            /// The stable name, snake_case.
            pub const fn name(self) -> &'static str {
                match self { $(RestCode::$variant => $name,)+ }
            }

            /// The HTTP status.
            pub const fn status(self) -> u16 {
                match self { $(RestCode::$variant => $status,)+ }
            }

            /// What it means, one sentence or two.
            pub const fn meaning(self) -> &'static str {
                match self { $(RestCode::$variant => concat!($($doc),+).trim_ascii(),)+ }
            }
        }
    };
}

rest_codes! {
    /// The path, the query or a header is malformed.
    InvalidRequest = 400, "invalid_request";
    /// An admin route without the right bearer token.
    Unauthorized = 401, "unauthorized";
    /// An admin route of a node without a token: it answers on a devnet, to loopback alone.
    Forbidden = 403, "forbidden";
    /// There is no such thing.
    NotFound = 404, "not_found";
    /// The header that has this height's app hash is not there yet: the next block has it.
    NotYetProvable = 404, "not_yet_provable";
    /// The path has other methods.
    MethodNotAllowed = 405, "method_not_allowed";
    /// The body did not arrive in time.
    RequestTimeout = 408, "request_timeout";
    /// The body is larger than REST reads.
    BodyTooLarge = 413, "body_too_large";
    /// Too many requests of one client.
    RateLimited = 429, "rate_limited";
    /// One address has as many connections, WebSockets or, behind a proxy, requests under way as it may; `limit` in `details`.
    AddressLimit = 429, "address_limit";
    /// A mistake of ours; the node's log says more.
    Internal = 500, "internal_error";
    /// The node was started without what this route needs.
    NotConfigured = 503, "not_configured";
    /// No block is committed yet.
    Starting = 503, "starting";
    /// The node stops.
    ShuttingDown = 503, "shutting_down";
    /// CometBFT does not answer.
    CometUnavailable = 503, "comet_unavailable";
    /// CometBFT answers, and not with what was asked.
    CometRefused = 503, "comet_refused";
    /// The coordinator does not answer.
    CoordinatorUnavailable = 503, "coordinator_unavailable";
    /// As many are connected, or ask for this, as may be.
    TooManyConnections = 503, "too_many_connections";
}

/// The HTTP status of a result code.
pub const fn status_of(code: Code) -> u16 {
    match code {
        Code::MalformedJson
        | Code::NotCanonical
        | Code::InvalidField
        | Code::UnknownType
        | Code::SenderMismatch
        | Code::InvalidSignature
        | Code::UnexpectedAttestations
        | Code::UnexpectedEnvelope => 400,

        Code::NotTheCoordinator
        | Code::NotTheClient
        | Code::NotTheMiner
        | Code::NotTheAdmin
        | Code::NotNamedAdmin => 403,

        Code::EscrowNotFound => 404,

        Code::NonceUsed
        | Code::NonceGap
        | Code::NonceTooFarAhead
        | Code::NoncePending
        | Code::ReplacementUnderpriced
        | Code::Contested
        | Code::ReceiptReplayed
        | Code::ReceiptAlreadyClaimed
        | Code::ReceiptAlreadyRefused
        | Code::AlreadyConvicted => 409,

        Code::TooLarge => 413,

        Code::PoolFull | Code::TooManyWaiting | Code::TooManyParked => 429,

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
        | Code::NotItsCoordinator => 422,
    }
}

/// A code of the chain or of REST.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// Of the chain.
    Chain(Code),
    /// Of REST.
    Rest(RestCode),
}

impl ErrorCode {
    /// Every code, the chain's by number first.
    pub fn all() -> impl Iterator<Item = ErrorCode> {
        let chain = Code::ALL.iter().copied().map(ErrorCode::Chain);
        chain.chain(RestCode::ALL.iter().copied().map(ErrorCode::Rest))
    }

    /// The stable name, snake_case.
    pub const fn name(self) -> &'static str {
        match self {
            ErrorCode::Chain(code) => code.name(),
            ErrorCode::Rest(code) => code.name(),
        }
    }

    /// The codespace; `rest` of REST's own.
    pub const fn codespace(self) -> &'static str {
        match self {
            ErrorCode::Chain(code) => code.codespace(),
            ErrorCode::Rest(_) => "rest",
        }
    }

    /// The HTTP status.
    pub const fn status(self) -> u16 {
        match self {
            ErrorCode::Chain(code) => status_of(code),
            ErrorCode::Rest(code) => code.status(),
        }
    }
}

impl From<Code> for ErrorCode {
    fn from(code: Code) -> Self {
        ErrorCode::Chain(code)
    }
}

impl From<RestCode> for ErrorCode {
    fn from(code: RestCode) -> Self {
        ErrorCode::Rest(code)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no code of this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownCode;

impl FromStr for ErrorCode {
    type Err = UnknownCode;
    fn from_str(name: &str) -> Result<Self, UnknownCode> {
        let found = ErrorCode::all().find(|code| code.name() == name);
        found.ok_or(UnknownCode)
    }
}

/// A refusal, as every route answers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Error)]
pub struct ErrorAnswer {
    /// What is refused.
    pub error: ErrorDetail,
    /// That what was asked for is absent, where a proof was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub proof: Option<ProofBundle>,
}

/// What is refused, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorDetail {
    /// Stable, snake_case. A text here: a node of a later version may have more.
    #[schema(value_type = CodeName)]
    pub code: String,
    /// The part of the chain that refuses, or `rest`.
    #[serde(default)]
    #[schema(value_type = Codespace, required = true)]
    pub codespace: String,
    /// For people.
    #[serde(default)]
    #[schema(required = true)]
    pub message: String,
    /// For programs: `field` or `param` that is wrong; `limit`, `limit_bytes` or `limit_param` that was passed;
    /// `retry_after_seconds`.
    #[serde(default)]
    #[schema(value_type = Object, additional_properties = true)]
    pub details: Map<String, Value>,
}

/// What a coordinator refuses, in its own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PassedOn {
    /// What it says of it.
    #[schema(value_type = Object)]
    pub error: Map<String, Value>,
}

impl PassedOn {
    /// The HTTP statuses that are passed on; any other is [`RestCode::CoordinatorUnavailable`].
    pub const STATUSES: [u16; 5] = [400, 403, 404, 409, 422];
}

/// The names of all codes.
pub enum CodeName {}

impl PartialSchema for CodeName {
    fn schema() -> RefOr<Schema> {
        schema::words(ErrorCode::all().map(ErrorCode::name)).into()
    }
}

impl ToSchema for CodeName {}

/// The names of all codespaces.
pub enum Codespace {}

impl PartialSchema for Codespace {
    fn schema() -> RefOr<Schema> {
        let names: BTreeSet<&str> = ErrorCode::all().map(ErrorCode::codespace).collect();
        schema::words(names.into_iter()).into()
    }
}

impl ToSchema for Codespace {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_found_by_its_name() {
        for code in ErrorCode::all() {
            assert_eq!(code.name().parse(), Ok(code));
        }
        assert_eq!("no_such_code".parse::<ErrorCode>(), Err(UnknownCode));
    }
}
