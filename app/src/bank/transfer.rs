//! Owns `TRANSFER`: moves coins between accounts. Anyone may send it.
//! Codes: `bank`. Event: `transfer`.

use serde::{Deserialize, Deserializer, Serialize};

use super::{
    events::BankEvent,
    payments::{check_recipient, take_from_sender},
};
use crate::{
    address::Address,
    code::Code,
    error::{Failure, refuse},
    events::Event,
    json,
    prelude::*,
    quantity::{Positive, Uait},
    state::{Key, Overlay, View},
    tx::{context::Context, operation::Operation},
};

/// The payload of `TRANSFER`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    /// How much.
    pub amount: Positive<Uait>,
    /// What it is for.
    #[serde(
        default,
        deserialize_with = "json::present",
        skip_serializing_if = "Option::is_none"
    )]
    pub memo: Option<Memo>,
    /// To whom.
    pub to: Address,
}

/// At most 256 bytes of UTF-8, maybe none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Memo(String);

impl Memo {
    /// The most bytes.
    pub const MAX_BYTES: usize = 256;

    /// A memo; `None` above 256 bytes.
    pub fn new(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        (text.len() <= Self::MAX_BYTES).then_some(Self(text))
    }
}

impl<'de> Deserialize<'de> for Memo {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = text.len();
        Self::new(text).ok_or_else(|| {
            serde::de::Error::custom(format_args!("has {bytes} bytes, more than 256"))
        })
    }
}

impl Operation for Transfer {
    const KIND: &'static str = "TRANSFER";

    fn reads(&self, _sender: &Address) -> Vec<Key> {
        vec![Key::Account(self.to)]
    }

    fn execute<V: View>(
        &self,
        context: &Context<'_>,
        overlay: &mut Overlay<V>,
    ) -> Result<Vec<Event>, Failure> {
        let (sender, recipient, amount) = (context.sender, self.to, self.amount.get());
        if sender == recipient {
            return refuse(
                Code::SelfTransfer,
                "field payload.to is the sender's own account",
            );
        }
        check_recipient(context, overlay, &recipient, amount)?;
        take_from_sender(context, overlay, amount)?;
        overlay.credit(&recipient, amount)?;
        Ok(vec![
            BankEvent::Transferred {
                sender,
                recipient,
                amount,
            }
            .into(),
        ])
    }
}
