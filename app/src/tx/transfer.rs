//! Owns `TRANSFER`: moves uait from the sender to another account.
//! Anyone may send it. Codes: `bank`. Event: `transfer`.

use std::collections::BTreeMap;

use super::{Context, execute::afford};
use crate::{
    address::Address,
    amount,
    code::Code,
    error::{Failure, Refusal},
    events::Event,
    json::{Fields, Json},
    state::overlay::{Overlay, View},
};

/// The longest memo, in bytes of UTF-8.
pub const MAX_MEMO_BYTES: usize = 256;

/// The payload of `TRANSFER`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// Who receives.
    pub to: Address,
    /// uait, > 0.
    pub amount: u64,
    /// A note, at most [`MAX_MEMO_BYTES`]; may be empty.
    pub memo: Option<String>,
}

impl Transfer {
    pub(super) fn parse(json: &Json) -> Result<Self, Refusal> {
        let fields = Fields::open(json, "payload", &["to", "amount"], &["memo"])?;
        let memo = if fields.has("memo") {
            let memo = fields.string("memo")?;
            if memo.len() > MAX_MEMO_BYTES {
                let why = format!("has {} bytes, more than {MAX_MEMO_BYTES}", memo.len());
                return Err(fields.refuse("memo", &why));
            }
            Some(memo.to_owned())
        } else {
            None
        };
        Ok(Self {
            to: fields.parsed("to")?,
            amount: fields.integer("amount", 1..=amount::MAX)?,
            memo,
        })
    }

    pub(super) fn to_json(&self) -> Json {
        let mut fields = BTreeMap::from([
            ("to".into(), Json::String(self.to.to_string())),
            ("amount".into(), Json::Integer(self.amount)),
        ]);
        if let Some(memo) = &self.memo {
            fields.insert("memo".into(), Json::String(memo.clone()));
        }
        Json::Object(fields)
    }

    pub(super) fn execute<V: View>(
        &self,
        context: &Context<'_>,
        overlay: &mut Overlay<'_, V>,
    ) -> Result<Vec<Event>, Failure> {
        let sender = context.verified.tx.sender;
        if self.to == sender {
            return Err(Failure::Refused(Refusal::new(
                Code::SelfTransfer,
                "field payload.to is the sender itself",
            )));
        }
        afford(overlay, context, self.amount)?;
        overlay.debit(&sender, self.amount)?;
        overlay.credit(&self.to, self.amount)?;
        Ok(vec![
            Event::new("transfer")
                .id("sender", sender)
                .id("recipient", self.to)
                .amount("amount", self.amount),
        ])
    }
}
