//! Owns the list of records: which type stands under which key. A record is its canonical JSON in
//! the tree; in a block it is a decoded [`Value`], so that it is read and written at most once.

use serde::Serialize;

use super::key::Key;
use crate::{
    address::Address,
    bank::record::{Account, Supply},
    coordinators::record::Coordinator,
    error::InvariantViolation,
    escrow::record::Escrow,
    identifiers::{JobId, ReceiptId},
    json,
    params::table::{ParamKey, ParamValue},
    prelude::*,
    receipts::record::{Miner, Receipt},
    staking::record::{Consensus, Validator},
    upgrades::record::Protocol,
};

/// A type that is a record, and what its key is made of.
pub trait Record: Sized + Clone {
    /// What tells it from the others of its type.
    type Id;
    /// Its key.
    fn key(id: &Self::Id) -> Key;
    /// It among all records.
    fn into_value(self) -> Value;
    /// The record of this type in a value; `None` for another type's.
    fn from_value(value: &Value) -> Option<&Self>;
}

macro_rules! records {
    ($($record:ident($id:ty) = |$name:pat_param| $key:expr;)+) => {
        /// A decoded record.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[allow(missing_docs, reason = "each is its record")]
        pub enum Value { $($record($record),)+ }

        $(
            impl Record for $record {
                type Id = $id;
                fn key($name: &$id) -> Key { $key }
                fn into_value(self) -> Value { Value::$record(self) }
                fn from_value(value: &Value) -> Option<&Self> {
                    match value {
                        Value::$record(record) => Some(record),
                        _ => None,
                    }
                }
            }
        )+

        impl Serialize for Value {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self { $(Value::$record(record) => record.serialize(serializer),)+ }
            }
        }
    };
}

records! {
    Account(Address) = |address| Key::Account(*address);
    Consensus(()) = |()| Key::Consensus;
    Coordinator(Address) = |address| Key::Coordinator(*address);
    Escrow((Address, JobId)) = |(client, job)| Key::Escrow(*client, job.clone());
    Miner(Address) = |address| Key::Miner(*address);
    ParamValue(ParamKey) = |key| Key::Param(*key);
    Protocol(()) = |()| Key::Protocol;
    Receipt((Address, ReceiptId)) = |(miner, id)| Key::Receipt(*miner, id.clone());
    Supply(()) = |()| Key::Supply;
    Validator(Address) = |address| Key::Validator(*address);
}

impl Value {
    /// Its canonical bytes.
    ///
    /// # Errors
    /// [`InvariantViolation`]: our own records always serialise.
    pub fn encode(&self) -> Result<Vec<u8>, InvariantViolation> {
        json::canonical(self)
    }

    /// Reads the record under `key` from its stored bytes.
    ///
    /// # Errors
    /// [`InvariantViolation`] when they are unreadable.
    pub fn decode(key: &Key, bytes: &[u8]) -> Result<Self, InvariantViolation> {
        fn read<T: serde::de::DeserializeOwned + Record>(
            key: &Key,
            bytes: &[u8],
        ) -> Result<Value, InvariantViolation> {
            serde_json::from_slice::<T>(bytes)
                .map(Record::into_value)
                .map_err(|error| {
                    InvariantViolation::new(format!("the record {key} is unreadable: {error}"))
                })
        }
        match key {
            Key::Account(_) => read::<Account>(key, bytes),
            Key::Consensus => read::<Consensus>(key, bytes),
            Key::Coordinator(_) => read::<Coordinator>(key, bytes),
            Key::Escrow(..) => read::<Escrow>(key, bytes),
            Key::Miner(_) => read::<Miner>(key, bytes),
            Key::Param(param) => ParamValue::read(*param, bytes)
                .map(Record::into_value)
                .map_err(|refusal| InvariantViolation::new(format!("the record {key}: {refusal}"))),
            Key::Protocol => read::<Protocol>(key, bytes),
            Key::Receipt(..) => read::<Receipt>(key, bytes),
            Key::Supply => read::<Supply>(key, bytes),
            Key::Validator(_) => read::<Validator>(key, bytes),
        }
    }
}
