//! Owns the kinds of planned keys, proofs and values of params.

use serde_json::Value;

use super::{SigningKey, Who};

/// Which validator key a `STAKE` names, and what proves it.
#[derive(Debug, Clone, Copy)]
pub enum StakeKey {
    /// The one that the sender calls its own.
    Own,
    /// None.
    Unnamed,
    /// This, rightly proven.
    Number(u8),
    /// Its own, proven for another account.
    ProvenForAnother,
    /// Its own, proven for another chain.
    ProvenElsewhere,
    /// Its own, with another key's signature.
    Forged,
}

/// What proves that an authority holds its key.
#[derive(Debug, Clone, Copy)]
pub enum Proof {
    /// Its signature.
    Right,
    /// Nothing.
    Missing,
    /// Its signature for somebody else.
    ForAnother,
}

/// A new value of a param.
#[derive(Debug, Clone)]
pub enum Change {
    /// Of one that is a number.
    Number(&'static str, u64),
    /// Any JSON under any name.
    Other(&'static str, Value),
    /// The upgrade that there is, for so many blocks later; `None` takes it back.
    Upgrade(Option<u64>),
    /// Who is to be the next admin.
    Admin(Who),
    /// Registered coordinators and their keys.
    Coordinators(Vec<(Who, SigningKey)>),
    /// Keys that are worth nothing.
    Revoked(Vec<SigningKey>),
    /// Accounts, consensus keys and powers.
    Authorities(Vec<(Who, u8, u64, Proof)>),
    /// So many authorities with fresh keys beside the first.
    ManyAuthorities(u8),
}
