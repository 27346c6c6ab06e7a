//! Owns the params: `getParams`. Their names and ranges are the chain's own table (PROTOCOL section 5.1).

use std::{borrow::Cow, collections::BTreeMap};

use ait_app::{
    params::table::{ParamKey, ParamValue},
    upgrades::record::ProtocolVersion,
};
use serde::Serialize;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Ref, RefOr, Schema,
        schema::{AdditionalProperties, ArrayBuilder, ObjectBuilder, SchemaType, Type},
    },
};

use crate::{
    proof::{Proof, SignedBlock},
    schema,
    validators::Mode,
};

/// Every param by its name, as it holds in the next block.
#[derive(Debug, Clone, Serialize)]
pub struct Params {
    /// By name ascending.
    #[serde(flatten)]
    pub values: BTreeMap<String, ParamValue>,
    /// One of each, in the same order, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proofs: Option<Vec<Proof>>,
    /// The block of the proofs' `height` + 1: with it and `"format": 1` each proof makes a `ProofBundle`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_block: Option<SignedBlock>,
}

impl PartialSchema for Params {
    fn schema() -> RefOr<Schema> {
        let proofs = ArrayBuilder::new().items(Ref::from_schema_name(Proof::name()));
        let mut object = ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::Object))
            .description(Some(
                "Every param by its name, as it holds in the next block",
            ))
            .property(
                "proofs",
                proofs.description(Some("One of each, by name ascending")),
            )
            .property("signed_block", Ref::from_schema_name(SignedBlock::name()));
        for key in ParamKey::ALL {
            object = object.property(key.name(), of(*key));
            if key.since() == ProtocolVersion::V2 {
                object = object.required(key.name());
            }
        }
        object.build().into()
    }
}

impl ToSchema for Params {
    fn name() -> Cow<'static, str> {
        "Params".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        note::<Proof>(schemas);
        note::<SignedBlock>(schemas);
        note::<Mode>(schemas);
        note::<Authority>(schemas);
        note::<schema::Address>(schemas);
        note::<schema::PublicKey>(schemas);
    }
}

fn note<T: ToSchema>(schemas: &mut Vec<(String, RefOr<Schema>)>) {
    schemas.push((T::name().into_owned(), T::schema()));
    T::schemas(schemas);
}

fn of(key: ParamKey) -> RefOr<Schema> {
    if let Some((least, most)) = key.range() {
        let number = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Integer));
        return number.minimum(Some(least)).maximum(Some(most)).into();
    }
    let of_key = || Ref::from_schema_name(schema::PublicKey::name());
    match key {
        ParamKey::Admin => Ref::from_schema_name(schema::Address::name()).into(),
        ParamKey::ConsensusMode => Ref::from_schema_name(Mode::name()).into(),
        ParamKey::Authorities => {
            let items = Ref::from_schema_name(Authority::name());
            ArrayBuilder::new().items(items).into()
        }
        ParamKey::RevokedKeys => ArrayBuilder::new().items(of_key()).into(),
        _ => ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::Object))
            .description(Some("Attestation keys by their coordinators' addresses"))
            .additional_properties(Some(AdditionalProperties::<Schema>::from(of_key())))
            .into(),
    }
}

/// A validator under proof of authority.
#[derive(ToSchema)]
#[allow(dead_code, reason = "read by the schema derive alone")]
pub struct Authority {
    /// The account that earns its fees.
    address: schema::Address,
    /// Its voting power.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    power: u32,
    /// Its CometBFT key.
    pubkey: schema::PublicKey,
}
