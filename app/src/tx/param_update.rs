//! Owns `PARAM_UPDATE`: gives a param a whole new value, which holds from the next block.
//! Only the `admin` account may send it. Codes: `params`. Event: `param_updated`.

use std::collections::BTreeMap;

use super::Context;
use crate::{
    amount,
    code::Code,
    error::{Failure, Refusal},
    events::Event,
    json::{Fields, Json},
    state::{
        Key,
        overlay::{Overlay, View},
    },
    validators,
};

/// The payload of `PARAM_UPDATE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParamUpdate {
    /// The param's name.
    pub key: String,
    /// Its whole new value.
    pub value: Json,
}

impl ParamUpdate {
    pub(super) fn parse(json: &Json) -> Result<Self, Refusal> {
        let fields = Fields::open(json, "payload", &["key", "value"], &[])?;
        if let Some(what) = fields.json("value")?.unsupported() {
            let why = format!("holds {what}, not an integer 0..={}", amount::MAX);
            return Err(fields.refuse("value", &why));
        }
        Ok(Self {
            key: fields.string("key")?.to_owned(),
            value: fields.json("value")?.clone(),
        })
    }

    pub(super) fn to_json(&self) -> Json {
        Json::Object(BTreeMap::from([
            ("key".into(), Json::String(self.key.clone())),
            ("value".into(), self.value.clone()),
        ]))
    }

    pub(super) fn execute<V: View>(
        &self,
        context: &Context<'_>,
        overlay: &mut Overlay<'_, V>,
    ) -> Result<Vec<Event>, Failure> {
        let admin = context.params.admin;
        if context.verified.tx.sender != admin {
            return Err(Failure::Refused(Refusal::new(
                Code::NotTheAdmin,
                format!("only the admin {admin} may change params"),
            )));
        }
        let mut params = context.params.clone();
        params.set(&self.key, &self.value)?;
        if self.key == "authorities" {
            validators::register_keys(overlay, &params.authorities)?;
        }
        overlay.put(&Key::Param(self.key.clone()), &self.value)?;
        Ok(vec![Event::new("param_updated").id("key", &self.key)])
    }
}
