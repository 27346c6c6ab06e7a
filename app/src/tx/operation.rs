//! Owns what a kind of transaction must say of itself; `kinds` is the table of them.

use serde::{Serialize, de::DeserializeOwned};

use super::context::Context;
use crate::{
    address::Address,
    code::Code,
    error::{Failure, InvariantViolation, Refusal},
    events::Event,
    json,
    prelude::*,
    state::{Key, Overlay, View},
    upgrades::record::ProtocolVersion,
};

/// How a payload is read: its type says all that it may be. One whose fields depend on each other has
/// functions of its own by these names.
pub(super) trait ReadPayload: DeserializeOwned {
    /// Reads it, in any formatting.
    ///
    /// # Errors
    /// A refusal that names the field.
    fn read(payload: &str) -> Result<Self, Refusal> {
        json::read(payload.as_bytes(), "payload")
    }

    /// Reads it from its canonical bytes alone; `None` for any others.
    fn read_canonical(payload: &[u8]) -> Option<Self> {
        json::canonical::read(payload)
    }
}

impl<T: DeserializeOwned> ReadPayload for T {}

/// The payload of one kind of transaction.
pub trait Operation: Serialize + Sized {
    /// `type`.
    const KIND: &'static str;

    /// Whether its required fee comes out of an escrow, not of the sender's balance.
    const PAID_BY_ESCROW: bool = false;

    /// What must hold between it and its sender, whatever the state.
    ///
    /// # Errors
    /// A refusal that names the field.
    fn check_sender(&self, _sender: &Address) -> Result<(), Refusal> {
        Ok(())
    }

    /// Whether a version of the protocol has all that it names. Where it has not, the transaction is what it
    /// was for the programs of that version: nothing that could be read.
    ///
    /// # Errors
    /// What it was refused with then.
    fn check_known(&self, _version: ProtocolVersion) -> Result<(), Refusal> {
        Ok(())
    }

    /// Keys of records that it will read besides its sender's account. Nothing depends on them but how soon
    /// they are read from disk.
    fn reads(&self, _sender: &Address) -> Vec<Key> {
        Vec::new()
    }

    /// Whether it makes a lasting record of the sender's choice, which `record_fee` is for.
    ///
    /// # Errors
    /// [`InvariantViolation`].
    fn makes_record(
        &self,
        _view: &impl View,
        _sender: &Address,
    ) -> Result<bool, InvariantViolation> {
        Ok(false)
    }

    /// Checks it and does what it says.
    ///
    /// # Errors
    /// The first thing that is wrong; what it wrote until then is thrown away.
    fn execute<V: View>(
        &self,
        context: &Context<'_>,
        overlay: &mut Overlay<V>,
    ) -> Result<Vec<Event>, Failure>;

    /// What an offence costs its sender; `code` is what it failed with.
    ///
    /// # Errors
    /// [`InvariantViolation`].
    fn punish<V: View>(
        &self,
        _context: &Context<'_>,
        _overlay: &mut Overlay<V>,
        _code: Code,
    ) -> Result<Vec<Event>, InvariantViolation> {
        Ok(Vec::new())
    }
}
