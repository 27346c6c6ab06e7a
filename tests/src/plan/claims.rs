//! Owns how a planned claim becomes a receipt, its signature and a coordinator's answer.

use serde_json::Value;

use super::{Answer, Claim, MinerSig, Place, Price, Who, build::Builder};
use crate::{
    actors::Actor,
    chain::CHAIN_ID,
    model::LIMIT,
    work::{Says, Work},
};

impl Builder {
    pub(super) fn claim(&self, claim: &Claim, by: &Actor) -> (Value, Option<Value>) {
        let key = self.job(claim.job);
        let escrow = self.now.escrows.get(&key);
        let opened = escrow.map_or(self.now.height, |escrow| escrow.opened);
        let fallback = Who::Coordinator.actor().address().to_string();
        let coordinator = escrow.map_or(fallback, |escrow| escrow.coordinator.clone());
        let mut work = Work {
            chain_id: CHAIN_ID.into(),
            receipt_id: format!("receipt_{}", claim.receipt),
            job_id: key.1.clone(),
            client: key.0.clone(),
            miner: by.address().to_string(),
            compute_units: claim.units,
            price: 1,
            output_hash: format!("sha256:{}", "ab".repeat(32)),
        };
        let make = |work: &Work| self.claim_payload(claim, work, by, &coordinator, opened);
        let room = escrow.map_or(0, |escrow| escrow.amount as u64);
        match claim.price {
            Price::Plain(uait) => work.price = uait,
            Price::WholeEscrow | Price::OneTooMuch => {
                // The fee depends on the price's digits.
                work.price = room.max(1);
                for _ in 0..2 {
                    let required = self.params.required_fee(&make(&work).0);
                    work.price = room.saturating_sub(required).max(1);
                }
                work.price += u64::from(matches!(claim.price, Price::OneTooMuch));
            }
        }
        make(&work)
    }

    fn claim_payload(
        &self,
        claim: &Claim,
        work: &Work,
        by: &Actor,
        coordinator: &str,
        opened: u64,
    ) -> (Value, Option<Value>) {
        let other = work.named("receipt_of_another_time");
        let miner_sig = match claim.miner_sig {
            MinerSig::Own => work.signed_by(by),
            MinerSig::UnderOther => other.signed_by(by),
            MinerSig::OfAnother => work.signed_by(&Actor::named("mallory")),
            MinerSig::ForOtherChain => elsewhere(work).signed_by(by),
        };
        let answer = answer(claim.answer, work, coordinator, opened);
        match claim.place {
            Place::Inline => (work.claim(&miner_sig, Some(&answer)), None),
            Place::InFront => (work.claim(&miner_sig, None), Some(answer)),
            Place::Nowhere => (work.claim(&miner_sig, None), None),
        }
    }
}

fn elsewhere(work: &Work) -> Work {
    Work {
        chain_id: "other-chain".into(),
        ..work.clone()
    }
}

fn answer(answer: Answer, work: &Work, coordinator: &str, opened: u64) -> Value {
    let candidates = [Who::Coordinator, Who::Arbiter, Who::Bob];
    let find = |wanted: bool| {
        let mut actors = candidates.iter().map(|who| who.actor());
        actors
            .find(|actor| (actor.address().to_string() == coordinator) == wanted)
            .unwrap_or_else(|| Who::Coordinator.actor())
    };
    let own = find(true);
    let praise = work.praise();
    let says = |says| work.answered_by(&own, opened, says);
    let mut good = work.attested_by(&own, opened);
    match answer {
        Answer::Good => good,
        Answer::Generous => says(Says {
            quote_price: praise.quote_price + 1_000,
            quote_units: LIMIT as u64,
            ..praise
        }),
        Answer::NotPaid => says(Says {
            paid: false,
            ..praise
        }),
        Answer::Unknown => says(Says {
            exists: false,
            ..praise
        }),
        Answer::DoubleSpent => says(Says {
            not_double_spent: false,
            ..praise
        }),
        Answer::TooDear => says(Says {
            quote_price: praise.quote_price - 1,
            ..praise
        }),
        Answer::TooMany => says(Says {
            quote_units: praise.quote_units - 1,
            ..praise
        }),
        Answer::Forged => {
            good["sig"] = work.attested_by(&Actor::named("mallory"), opened)["sig"].clone();
            good
        }
        Answer::Misnamed => {
            good["coordinator"] = find(false).address().to_string().into();
            good
        }
        Answer::OfAnother => work.attested_by(&find(false), opened),
        Answer::ForOtherReceipt => work.named("another").attested_by(&own, opened),
        Answer::ForOtherChain => elsewhere(work).attested_by(&own, opened),
        Answer::ForOlderEscrow => work.attested_by(&own, opened.saturating_sub(1)),
        Answer::Tampered => {
            good["quote"]["price"] = (praise.quote_price + 1).into();
            good
        }
    }
}
