//! Owns blocks: `getBlock`, `getHead`.

use ait_app::address::Address;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Ref, RefOr, Schema,
        schema::{AdditionalProperties, ObjectBuilder, OneOfBuilder, SchemaType, Type},
    },
};

use crate::{proof::Signer, schema};

/// The latest committed block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Head {
    /// Its height.
    #[schema(value_type = schema::Height)]
    pub height: u64,
    /// Its hash.
    #[schema(value_type = schema::Hash)]
    pub hash: String,
    /// Its time, Unix seconds.
    pub timestamp: i64,
    /// The app hash after it.
    #[serde(rename = "stateRoot")]
    #[schema(value_type = schema::AppHash)]
    pub state_root: String,
}

/// A block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Block {
    /// Its hash.
    #[schema(value_type = schema::Hash)]
    pub hash: String,
    /// The hash of the block before; empty for the first.
    #[schema(value_type = schema::ParentHash)]
    pub parent: String,
    /// Its height.
    #[schema(value_type = schema::Height)]
    pub height: u64,
    /// Its time, Unix seconds.
    pub timestamp: i64,
    /// The account that its fees went to.
    #[schema(value_type = schema::Address)]
    pub proposer: Address,
    /// Its transactions in their order: hashes or, with `txs=full`, objects with their own fields and `hash`.
    #[schema(value_type = Vec<BlockEntry>)]
    pub txs: Vec<Value>,
    /// The app hash after it.
    #[serde(rename = "stateRoot")]
    #[schema(value_type = schema::AppHash)]
    pub state_root: String,
    /// The proposer's commit signature; null where the commit has none, or there is no next block yet.
    #[schema(value_type = Option<schema::Signature>, required = true)]
    pub sig: Option<String>,
}

/// A transaction in a block's list: its hash, or its own fields and its hash.
pub enum BlockEntry {}

impl PartialSchema for BlockEntry {
    fn schema() -> RefOr<Schema> {
        let full = ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::Object))
            .property("hash", Ref::from_schema_name(schema::Hash::name()))
            .required("hash")
            .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(true)))
            .description(Some("The transaction's own fields, and its hash"));
        let either = OneOfBuilder::new()
            .item(Ref::from_schema_name(schema::Hash::name()))
            .item(full)
            .build();
        RefOr::T(Schema::OneOf(either))
    }
}

impl ToSchema for BlockEntry {}

/// A block's header and who signed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignedHeaderAnswer {
    /// `header` and `commit`, as CometBFT's RPC has them in `commit`.
    #[schema(value_type = schema::SignedHeader)]
    pub signed_header: Value,
}

/// The validators that sign a block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ValidatorSet {
    /// Which block.
    #[schema(value_type = schema::Height)]
    pub height: u64,
    /// The whole set, in CometBFT's order.
    pub validators: Vec<Signer>,
}
