//! Owns the table of transaction kinds: one line each, and the only dispatch over them.

use serde::{Serialize, Serializer};

use super::{
    context::Context,
    operation::{Operation, ReadPayload},
};
use crate::{
    address::Address,
    bank::{transfer::Transfer, treasury_spend::TreasurySpend},
    code::Code,
    coordinators::{
        bond::CoordinatorBond, equivocation::AttestationEquivocation, unbond::CoordinatorUnbond,
    },
    error::{Failure, InvariantViolation, Refusal},
    escrow::{
        assign::EscrowAssign, cancel::EscrowCancel, open::EscrowOpen, release::EscrowRelease,
        top_up::EscrowTopUp,
    },
    events::Event,
    params::{admin::AdminAccept, update::ParamUpdate},
    prelude::*,
    receipts::{claim_payload::ReceiptClaim, report::ReceiptReport},
    staking::{stake::Stake, unjail::Unjail, unstake::Unstake},
    state::{Key, Overlay, View},
    upgrades::record::ProtocolVersion,
};

macro_rules! kinds {
    ($($kind:ident;)+) => {
        /// What a transaction asks for (PROTOCOL section 3).
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[allow(missing_docs, reason = "each is its payload")]
        pub enum Payload { $($kind(Box<$kind>),)+ }

        impl Payload {
            /// Every `type` that users may send.
            pub const KINDS: &'static [&'static str] = &[$($kind::KIND,)+];

            /// Its `type`.
            pub fn kind(&self) -> &'static str {
                match self { $(Payload::$kind(_) => $kind::KIND,)+ }
            }

            /// Reads the payload of a kind, in any formatting.
            ///
            /// # Errors
            /// [`Code::UnknownType`], or a refusal that names the field.
            pub fn read(kind: &str, payload: &str) -> Result<Self, Refusal> {
                match kind {
                    $($kind::KIND => $kind::read(payload).map(Box::new).map(Payload::$kind),)+
                    other => {
                        let shown: String = other.chars().take(64).collect();
                        Err(Refusal::new(
                            Code::UnknownType,
                            format!("field type: {shown:?} is none of {}", Self::KINDS.join(", ")),
                        ))
                    }
                }
            }

            /// Reads the payload of a kind from its canonical bytes alone; `None` for others, and for a
            /// kind that there is not.
            pub(super) fn read_canonical(kind: &str, payload: &[u8]) -> Option<Self> {
                match kind {
                    $($kind::KIND => $kind::read_canonical(payload).map(Box::new).map(Payload::$kind),)+
                    _ => None,
                }
            }

            /// Whether its required fee comes out of an escrow.
            pub fn is_paid_by_escrow(&self) -> bool {
                match self { $(Payload::$kind(_) => $kind::PAID_BY_ESCROW,)+ }
            }

            pub(super) fn check_sender(&self, sender: &Address) -> Result<(), Refusal> {
                match self { $(Payload::$kind(payload) => payload.check_sender(sender),)+ }
            }

            pub(super) fn check_known(&self, version: ProtocolVersion) -> Result<(), Refusal> {
                match self { $(Payload::$kind(payload) => payload.check_known(version),)+ }
            }

            pub(super) fn reads(&self, sender: &Address) -> Vec<Key> {
                match self { $(Payload::$kind(payload) => payload.reads(sender),)+ }
            }

            /// Whether `record_fee` is due for it.
            ///
            /// # Errors
            /// [`InvariantViolation`].
            pub fn makes_record(&self, view: &impl View, sender: &Address) -> Result<bool, InvariantViolation> {
                match self { $(Payload::$kind(payload) => payload.makes_record(view, sender),)+ }
            }

            pub(super) fn execute<V: View>(
                &self,
                context: &Context<'_>,
                overlay: &mut Overlay<V>,
            ) -> Result<Vec<Event>, Failure> {
                match self { $(Payload::$kind(payload) => payload.execute(context, overlay),)+ }
            }

            pub(super) fn punish<V: View>(
                &self,
                context: &Context<'_>,
                overlay: &mut Overlay<V>,
                code: Code,
            ) -> Result<Vec<Event>, InvariantViolation> {
                match self { $(Payload::$kind(payload) => payload.punish(context, overlay, code),)+ }
            }
        }

        impl Serialize for Payload {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self { $(Payload::$kind(payload) => payload.serialize(serializer),)+ }
            }
        }

        $(
            impl From<$kind> for Payload {
                fn from(payload: $kind) -> Self { Payload::$kind(Box::new(payload)) }
            }
        )+
    };
}

kinds! {
    Transfer;
    EscrowOpen;
    EscrowAssign;
    EscrowTopUp;
    EscrowCancel;
    EscrowRelease;
    ReceiptClaim;
    ReceiptReport;
    CoordinatorBond;
    CoordinatorUnbond;
    AttestationEquivocation;
    ParamUpdate;
    AdminAccept;
    TreasurySpend;
    Stake;
    Unstake;
    Unjail;
}
