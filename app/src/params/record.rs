//! Owns how params are read back from the state: all of them, as a view has them.

use super::table::{ParamKey, ParamValue, Params};
use crate::{
    address::Address, error::InvariantViolation, prelude::*, quantity::Height, state::view::View,
};

impl Params {
    /// Every param as a view has it; those that its version of the protocol does not have are at their defaults.
    ///
    /// # Errors
    /// [`InvariantViolation`] where one is missing: a state has all of them.
    pub fn of(view: &impl View) -> Result<Self, InvariantViolation> {
        let mut params = Self::new(Address::treasury(), Height::ZERO);
        for key in ParamKey::all_of(view.protocol()?.version) {
            let value: ParamValue = view.get::<ParamValue>(&key)?.ok_or_else(|| {
                InvariantViolation::new(format!("the param {key} is missing in the state"))
            })?;
            params.set(key, value);
        }
        Ok(params)
    }
}
