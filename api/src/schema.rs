//! Owns how single values look in JSON: the names, patterns and ranges that the document gives them. Each type
//! here stands for one kind of value and is never made; the values themselves are `ait_app`'s.

use std::borrow::Cow;

use ait_app::{quantity::MAX, tx::Payload};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr, Schema,
        schema::{Object, ObjectBuilder, SchemaType, Type},
    },
};

macro_rules! texts {
    ($($(#[doc = $doc:literal])+ $name:ident: $pattern:literal;)+) => {$(
        $(#[doc = $doc])+
        pub enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let pattern = Some($pattern);
                of(Type::String, concat!($($doc),+)).pattern(pattern).build().into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                stringify!($name).into()
            }
        }
    )+};
}

macro_rules! numbers {
    ($($(#[doc = $doc:literal])+ $name:ident: $least:literal;)+) => {$(
        $(#[doc = $doc])+
        pub enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let number = of(Type::Integer, concat!($($doc),+));
                number.minimum(Some($least)).maximum(Some(MAX)).build().into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                stringify!($name).into()
            }
        }
    )+};
}

fn of(kind: Type, description: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(kind))
        .description(Some(description.trim()))
}

texts! {
    /// An account: BIP-173 bech32, lower case.
    Address: "^ait1[02-9ac-hj-np-z]{38}$";
    /// The hash of a transaction or a block.
    Hash: "^[0-9A-F]{64}$";
    /// The hash of a block, or nothing before the first.
    ParentHash: "^([0-9A-F]{64})?$";
    /// The app hash after a block.
    AppHash: "^[0-9a-f]{64}$";
    /// An ed25519 public key.
    PublicKey: "^[0-9a-f]{64}$";
    /// An ed25519 signature.
    Signature: "^[0-9a-f]{128}$";
    /// The hash of a job's output.
    OutputHash: "^sha256:[0-9a-f]{64}$";
    /// A client's name for a job, or a miner's for a receipt.
    Id: "^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$";
    /// The chain that signatures are for.
    ChainId: "^[a-z0-9-]{1,50}$";
    /// A CometBFT peer.
    PeerAddress: "^[0-9a-f]{40}@.+:[0-9]{1,5}$";
}

numbers! {
    /// A count of uait; 1 AIT is 1,000,000 uait.
    Amount: 0;
    /// A count of uait, at least 1.
    PositiveAmount: 1;
    /// A block's height.
    Height: 0;
    /// The number of a sender's transaction: its last one's + 1.
    Nonce: 0;
    /// Units of compute.
    Units: 0;
    /// Units of compute, at least 1.
    PositiveUnits: 1;
    /// How many.
    Count: 0;
    /// Voting power.
    Power: 0;
    /// Blocks from the present one on, at least 1.
    Blocks: 1;
}

/// What a transaction asks for.
pub enum TxType {}

impl PartialSchema for TxType {
    fn schema() -> RefOr<Schema> {
        words(Payload::KINDS.iter().copied()).into()
    }
}

impl ToSchema for TxType {
    fn name() -> Cow<'static, str> {
        "TxType".into()
    }
}

/// A text that is one of these words.
pub(crate) fn words<'a>(words: impl Iterator<Item = &'a str>) -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .enum_values(Some(words.map(str::to_owned)))
        .build()
}

/// What CometBFT says of a block in `commit`.
pub enum SignedHeader {}

impl PartialSchema for SignedHeader {
    fn schema() -> RefOr<Schema> {
        let part = |description: &str| of(Type::Object, description);
        of(
            Type::Object,
            "A header and its commit, as CometBFT's RPC has them in `commit`",
        )
        .property("header", part("The header"))
        .property("commit", part("Who signed it"))
        .required("header")
        .required("commit")
        .into()
    }
}

impl ToSchema for SignedHeader {
    fn name() -> Cow<'static, str> {
        "SignedHeader".into()
    }
}
