//! Owns what an administrator asks for: `paramSet`, `peers/add`, `mintFaucet`.

use ait_app::{
    address::Address,
    quantity::{Positive, Uait},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::schema;

/// A param and its whole new value, of the param's own kind.
pub type ParamSet = crate::payloads::ParamUpdate;

/// Who gets how much of the faucet.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MintFaucet {
    /// Who.
    #[schema(value_type = schema::Address)]
    pub address: Address,
    /// How much.
    #[schema(value_type = schema::PositiveAmount)]
    pub amount: Positive<Uait>,
}

/// Which peer to dial.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddPeer {
    /// `id@host:port`.
    #[schema(value_type = schema::PeerAddress)]
    pub addr: String,
}

/// That CometBFT dials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Dialing {
    /// Whom.
    pub addr: String,
    /// `dialing`.
    pub status: String,
}
