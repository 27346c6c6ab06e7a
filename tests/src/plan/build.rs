//! Owns how a plan becomes bytes on the state that it meets.

use ait_testkit::{
    actors::Actor,
    chain::CHAIN_ID,
    draft::{Draft, canonical},
    work::attestation_entry,
};
use serde_json::{Value, json};

use super::{
    Action, Amount, Does, Fee, Flaw, Front, Plan, Recipient,
    mutations::{edited, mutate},
    validators::{engine, stake_payload, unbonding},
};
use crate::model::{Engine, LIMIT, Model, treasury};

/// A block's bytes.
#[derive(Debug, Clone)]
pub struct Built {
    /// Its entries.
    pub wires: Vec<Vec<u8>>,
    /// What CometBFT says besides.
    pub engine: Engine,
    /// The transactions alone, each with the attestation that a node would have for it.
    pub candidates: Vec<(Vec<u8>, Option<Value>)>,
}

/// The bytes of a plan for the block after `model`.
pub fn build_block(model: &Model, plan: &Plan) -> Built {
    let mut builder = Builder::after(model);
    for action in &plan.actions {
        builder.act(action);
    }
    Built {
        candidates: builder.candidates(),
        wires: arrange(plan.front, builder.wires, builder.front),
        engine: engine(model, plan),
    }
}

fn arrange(front: Front, mut wires: Vec<Vec<u8>>, mut given: Vec<Value>) -> Vec<Vec<u8>> {
    let mut place = 0;
    let mut copies = 1;
    match front {
        Front::AsNeeded if given.is_empty() => return wires,
        Front::AsNeeded | Front::Always => {}
        Front::LeftOut => return wires,
        Front::OneMissing => drop(given.pop()),
        Front::OneTooMany => given.extend(given.first().cloned()),
        Front::Reversed => given.reverse(),
        Front::Twice => copies = 2,
        Front::AtTheEnd => place = wires.len(),
    }
    for _ in 0..copies {
        wires.insert(place, attestation_entry(&given));
    }
    wires
}

pub(super) struct Builder {
    /// The state as the transactions before in this block leave it.
    pub(super) now: Model,
    wires: Vec<Vec<u8>>,
    front: Vec<Value>,
    /// Which of the wires each of those in front is for.
    fronts_for: Vec<usize>,
}

impl Builder {
    /// Of the block after `model`.
    pub(super) fn after(model: &Model) -> Self {
        let mut now = model.clone();
        now.begin_block();
        Self {
            now,
            wires: Vec::new(),
            front: Vec::new(),
            fronts_for: Vec::new(),
        }
    }

    fn act(&mut self, action: &Action) {
        let by = self.sender(action);
        let (wire, in_front) = match &action.does {
            Does::Bytes(broken) => (self.broken(*broken, &by), None),
            Does::Mutated(mutations) => {
                let wires = self.examples(&by);
                let mut wire = wires[mutations.len() % wires.len()].clone();
                for mutation in mutations {
                    mutate(&mut wire, &wires, mutation);
                }
                (wire, None)
            }
            Does::Edited(edits) => (self.edited(edits, &by), None),
            does => {
                let (draft, in_front) = self.intention(does, &by, action.fee);
                (flawed(draft, action.flaw), in_front)
            }
        };
        // Only for the nonces and escrows that the next actions find.
        self.now.apply_entry(&wire, in_front.as_ref());
        let copies = if matches!(action.flaw, Flaw::Twice) {
            2
        } else {
            1
        };
        for _ in 0..copies {
            if let Some(answer) = &in_front {
                self.front.push(answer.clone());
                self.fronts_for.push(self.wires.len());
            }
            self.wires.push(wire.clone());
        }
    }

    fn candidates(&self) -> Vec<(Vec<u8>, Option<Value>)> {
        let wires = self.wires.iter().enumerate();
        let candidates = wires.map(|(place, wire)| {
            let found = self.fronts_for.iter().position(|of| *of == place);
            (wire.clone(), found.map(|found| self.front[found].clone()))
        });
        // A claim whose attestation is not there yet waits.
        candidates
            .filter(|(wire, answer)| answer.is_some() || !is_bare_claim(wire))
            .collect()
    }

    /// The example that this edit chooses, changed and then signed.
    fn edited(&self, edits: &[super::Edit], by: &Actor) -> Vec<u8> {
        let examples = self.example_drafts(by);
        let place = edits.first().map_or(0, |edit| edit.which(examples.len()));
        let draft = edited(examples[place].clone(), edits);
        self.priced(draft, by, Fee::Required).wire()
    }

    /// Transactions of some kinds, as they should be.
    pub(super) fn examples(&self, by: &Actor) -> Vec<Vec<u8>> {
        self.example_drafts(by).iter().map(Draft::wire).collect()
    }

    pub(super) fn intention(&self, does: &Does, by: &Actor, fee: Fee) -> (Draft, Option<Value>) {
        let draft = |kind: &str, payload: Value| Draft::new(CHAIN_ID, by, kind, payload);
        let priced =
            |kind: &str, payload: Value| (self.priced(draft(kind, payload), by, fee), None);
        match does {
            Does::Transfer { .. }
            | Does::Spend { .. }
            | Does::Open(_)
            | Does::TopUp { .. }
            | Does::Bond { .. }
            | Does::Stake { .. } => (self.spends(does, by, fee), None),
            Does::Claim(claim) => {
                let (payload, in_front) = self.claim(claim, by);
                let draft = self.priced(draft("RECEIPT_CLAIM", payload), by, fee);
                (draft, in_front)
            }
            Does::Report(report) => priced("RECEIPT_REPORT", self.report(report)),
            Does::Equivocation(evidence) => {
                priced("ATTESTATION_EQUIVOCATION", self.equivocation(evidence))
            }
            Does::Unbond { amount } => {
                let record = self.now.coordinators.get(&by.address().to_string());
                let bond = record.map_or(0, |record| record.bond as u64);
                priced("COORDINATOR_UNBOND", unbonding(*amount, bond))
            }
            Does::Unstake { amount } => {
                let record = self.now.validators.get(&by.address().to_string());
                let stake = record.map_or(0, |record| record.stake as u64);
                priced("UNSTAKE", unbonding(*amount, stake))
            }
            Does::Param(change) => {
                let (name, value) = self.change_json(change);
                priced("PARAM_UPDATE", json!({"key": name, "value": value}))
            }
            Does::AdminAccept => priced("ADMIN_ACCEPT", json!({})),
            Does::Unjail => priced("UNJAIL", json!({})),
            does => {
                let (kind, payload) = self.about_escrow(does);
                priced(kind, payload)
            }
        }
    }

    /// What names an amount of the sender's coins.
    fn spends(&self, does: &Does, by: &Actor, fee: Fee) -> Draft {
        let make = |uait: u64| {
            let (kind, payload) = match does {
                Does::Transfer { to, memo, .. } => {
                    let mut payload = json!({"to": self.recipient(*to), "amount": uait});
                    if *memo {
                        payload["memo"] = "naïve \u{7} 😀".into();
                    }
                    ("TRANSFER", payload)
                }
                Does::Spend { to, .. } => {
                    let payload = json!({"to": self.recipient(*to), "amount": uait});
                    ("TREASURY_SPEND", payload)
                }
                Does::Open(open) => ("ESCROW_OPEN", self.opening(open, uait)),
                Does::TopUp { job, ttl, .. } => ("ESCROW_TOPUP", self.top_up(*job, uait, *ttl)),
                Does::Bond { .. } => ("COORDINATOR_BOND", json!({ "amount": uait })),
                Does::Stake { key, .. } => ("STAKE", stake_payload(uait, *key, by)),
                other => panic!("{other:?} names no amount"),
            };
            Draft::new(CHAIN_ID, by, kind, payload)
        };
        let (Does::Transfer { amount, .. }
        | Does::Spend { amount, .. }
        | Does::TopUp { amount, .. }
        | Does::Bond { amount }
        | Does::Stake { amount, .. }
        | Does::Open(super::OpenPlan { amount, .. })) = does
        else {
            panic!("{does:?} names no amount")
        };
        self.sized(by, fee, *amount, &make)
    }

    fn recipient(&self, to: Recipient) -> String {
        match to {
            Recipient::Known(who) => who.address(),
            Recipient::Fresh(number) => {
                let actor = Actor::named(&format!("newcomer {number}"));
                actor.address().to_string()
            }
            Recipient::Treasury => treasury(),
        }
    }

    /// With the next nonce and the fee.
    pub(super) fn priced(&self, draft: Draft, by: &Actor, fee: Fee) -> Draft {
        let address = by.address().to_string();
        let account = self.now.account(&address);
        let balance = account.balance as u64;
        let required = self.now.required_fee(&draft.kind, &address, &draft.payload);
        let payable = if draft.kind == "RECEIPT_CLAIM" {
            required + balance
        } else {
            balance
        };
        let fee = match fee {
            Fee::Required => required,
            Fee::Above(more) => required + more,
            Fee::TooLow => required.saturating_sub(1),
            Fee::Everything => payable.max(required),
            Fee::Unaffordable => payable + 1,
        };
        draft.nonce(account.nonce + 1).fee(fee.min(LIMIT as u64))
    }

    /// With an amount that is measured against what the sender has after the fee.
    fn sized(&self, by: &Actor, fee: Fee, amount: Amount, make: &dyn Fn(u64) -> Draft) -> Draft {
        let balance = self.now.account(&by.address().to_string()).balance as u64;
        let fitting = |all: &dyn Fn(u64) -> u64| {
            // The fee depends on the amount's digits, so the amount is found in two steps.
            let first = self.priced(make(all(balance.max(1))), by, fee).fee;
            let left = balance.saturating_sub(first);
            let draft = self.priced(make(all(left).max(1)), by, fee);
            let left = balance.saturating_sub(draft.fee);
            self.priced(make(all(left).max(1)), by, fee)
        };
        match amount {
            Amount::Plain(uait) => self.priced(make(uait), by, fee),
            Amount::All => fitting(&|left| left),
            Amount::OneTooMuch => fitting(&|left| left + 1),
            Amount::Largest => self.priced(make(LIMIT as u64), by, fee),
        }
    }
}

fn is_bare_claim(wire: &[u8]) -> bool {
    let tx: Value = serde_json::from_slice(wire).unwrap_or_default();
    let payload = &tx["payload"];
    tx["type"] == "RECEIPT_CLAIM"
        && payload["attestation"].is_null()
        && payload["attestations"].is_null()
}

fn flawed(draft: Draft, flaw: Flaw) -> Vec<u8> {
    let nonce = draft.nonce;
    match flaw {
        Flaw::None | Flaw::Twice => draft.wire(),
        Flaw::UsedNonce => draft.nonce(nonce - 1).wire(),
        Flaw::SkippedNonce => draft.nonce(nonce + 1).wire(),
        Flaw::OtherChain => draft.for_chain("other-chain").wire(),
        Flaw::OthersKey => draft.signed_by(&Actor::named("mallory")).wire(),
        Flaw::Tampered => {
            let mut json = draft.json();
            json["nonce"] = (nonce + 1).into();
            canonical(&json)
        }
    }
}
