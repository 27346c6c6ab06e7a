//! Owns how planned receipts become claims, reports and evidence, with their signatures and
//! coordinators' answers.

use ait_testkit::{
    actors::Actor,
    chain::CHAIN_ID,
    work::{Says, Work},
};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    Job, SigningKey, Who,
    build::Builder,
    receipts::{
        Answer, Claim, Equivocation, Form, MinerKey, MinerSig, Opening, Place, Price, Report,
        Saying, Signing, Terms,
    },
};
use crate::model::{Escrow, LIMIT};

/// The escrow that something is about.
struct Scene {
    key: (String, String),
    /// Its coordinators and their keys.
    named: Vec<(String, String)>,
    threshold: usize,
    opened: u64,
    remaining: u64,
}

impl Builder {
    fn scene(&self, job: Job) -> Scene {
        let key = self.job(job);
        match self.now.escrows.get(&key) {
            Some(escrow) => Scene {
                key,
                named: escrow.named.iter().cloned().zip(keys(escrow)).collect(),
                threshold: escrow.threshold,
                opened: escrow.opened,
                remaining: escrow.remaining as u64,
            },
            None => {
                let coordinator = Who::Coordinator.actor();
                let pubkey = coordinator.pubkey().to_string();
                Scene {
                    key,
                    named: vec![(coordinator.address().to_string(), pubkey)],
                    threshold: 1,
                    opened: self.now.height,
                    remaining: 1_000,
                }
            }
        }
    }

    fn work(&self, scene: &Scene, miner: &Actor, receipt: u8, terms: Terms) -> Work {
        let number = u64::from(receipt) + 1;
        let (units, price) = match terms {
            Terms::Usual => (number * 20, number * 100),
            Terms::Of { units, price } => {
                let price = match price {
                    Price::Plain(uait) => uait,
                    Price::All => scene.remaining,
                    // The fee depends on the whole claim and is taken off later.
                    Price::AllButTheFee => scene.remaining,
                    Price::OneTooMuch => scene.remaining + 1,
                    Price::Half => scene.remaining / 2,
                };
                (units, price.clamp(1, LIMIT as u64))
            }
        };
        Work {
            chain_id: CHAIN_ID.into(),
            receipt_id: format!("receipt_{receipt}"),
            job_id: scene.key.1.clone(),
            client: scene.key.0.clone(),
            miner: miner.address().to_string(),
            compute_units: units,
            price,
            output_hash: format!("sha256:{}", "ab".repeat(32)),
            opened_height: scene.opened,
        }
    }

    /// The payload, and what is to stand in front of the block.
    pub(super) fn claim(&self, claim: &Claim, by: &Actor) -> (Value, Option<Value>) {
        let scene = self.scene(claim.job);
        let mut work = self.work(&scene, by, claim.receipt, claim.terms);
        let relative = matches!(
            claim.terms,
            Terms::Of {
                price: Price::AllButTheFee,
                ..
            }
        );
        if relative {
            // The fee depends on the price's digits.
            for _ in 0..2 {
                let payload = self.claim_payload(claim, &work, by, &scene).0;
                let fee = self
                    .now
                    .required_fee("RECEIPT_CLAIM", &work.miner, &payload);
                work.price = scene.remaining.saturating_sub(fee).max(1);
            }
        }
        self.claim_payload(claim, &work, by, &scene)
    }

    fn claim_payload(
        &self,
        claim: &Claim,
        work: &Work,
        by: &Actor,
        scene: &Scene,
    ) -> (Value, Option<Value>) {
        let mut payload = work.claim(&miner_sig(claim.miner_sig, work, by), None);
        if claim.last {
            payload["final"] = true.into();
        }
        match claim.opening {
            Opening::Unnamed => {}
            Opening::Right => payload["opened_height"] = scene.opened.into(),
            Opening::Wrong => payload["opened_height"] = (scene.opened + 1).into(),
        }
        let needed = scene.threshold;
        let places = places(scene, needed, claim.first, claim.form);
        let answers = self.answers(scene, work, &claim.answers, &places);
        match claim.place {
            Place::Nowhere => (payload, None),
            Place::InFront => (payload, answers.into_iter().next()),
            Place::Inline => {
                let one = (needed == 1) != (claim.form == Form::OtherField);
                if one {
                    payload["attestation"] = answers[0].clone();
                } else {
                    payload["attestations"] = answers.into();
                }
                (payload, None)
            }
        }
    }

    pub(super) fn report(&self, report: &Report) -> Value {
        let scene = self.scene(report.job);
        let miner = report.miner.actor();
        let work = self.work(&scene, &miner, report.receipt, report.terms);
        let needed = scene.named.len() - scene.threshold + 1;
        let places = places(&scene, needed, report.first, report.form);
        let answers = self.answers(&scene, &work, &report.answers, &places);
        let sig = miner_sig(report.miner_sig, &work, &miner);
        let mut payload = work.report(&sig, &answers);
        if let MinerKey::Right = report.key {
            payload["miner_pubkey"] = miner.pubkey().to_string().into();
        }
        if let Opening::Wrong = report.opening {
            payload["opened_height"] = (scene.opened + 1).into();
        }
        payload
    }

    pub(super) fn equivocation(&self, plan: &Equivocation) -> Value {
        let scene = self.scene(plan.job);
        let miner = plan.miner.actor();
        let place = usize::from(plan.first) % scene.named.len();
        let other = (place + usize::from(plan.two)) % scene.named.len();
        let [a, b] = plan
            .receipts
            .map(|n| self.work(&scene, &miner, n, Terms::Usual));
        let one = self.answer(&scene, &a, plan.answers[0], place);
        let two = self.answer(&scene, &b, plan.answers[1], other);
        let mut payload = a.equivocation(&one, &b, &two);
        if let Opening::Wrong = plan.opening {
            payload["opened_height"] = (scene.opened + 1).into();
        }
        payload
    }

    fn answers(
        &self,
        scene: &Scene,
        work: &Work,
        answers: &[Answer],
        places: &[usize],
    ) -> Vec<Value> {
        let answers = answers.iter().cycle();
        let pairs = answers.zip(places);
        pairs
            .map(|(answer, place)| self.answer(scene, work, *answer, *place))
            .collect()
    }

    fn answer(&self, scene: &Scene, work: &Work, answer: Answer, place: usize) -> Value {
        let (address, key) = &scene.named[place];
        let own = Who::of(address).actor();
        let kept = key_holder(key);
        let revoked = self.now.params["revoked_keys"].as_array().unwrap();
        let is_revoked = revoked.iter().any(|one| one == key);
        let judged = if is_revoked { &own } else { &kept };
        let says = facts(answer.says, work);
        let sign = |key: &Actor, work: &Work| signed_answer(work, address, key, says);
        match answer.signing {
            Signing::Right => sign(judged, work),
            Signing::OfTheOpening => sign(&kept, work),
            Signing::OfTheAccount => sign(&own, work),
            Signing::Forged => sign(&Actor::named("mallory"), work),
            Signing::OtherReceipt => sign(judged, &work.named("another")),
            Signing::OtherChain => sign(judged, &elsewhere(work)),
            Signing::OlderOpening => sign(judged, &older(work)),
            Signing::Misnamed => {
                let mut value = sign(judged, work);
                let other = if Who::of(address) == Who::Arbiter {
                    Who::Coordinator
                } else {
                    Who::Arbiter
                };
                value["coordinator"] = other.address().into();
                value
            }
            Signing::Tampered => {
                let mut value = sign(judged, work);
                value["quote"]["price"] = (says.quote_price + 1).into();
                value
            }
        }
    }
}

fn keys(escrow: &Escrow) -> impl Iterator<Item = String> + '_ {
    escrow.keys.iter().cloned()
}

/// Who holds a key with which coordinators of the plans sign; somebody without one where it is none.
pub fn key_holder(pubkey: &str) -> Actor {
    let mut all = SigningKey::all().map(SigningKey::actor);
    let found = all.find(|actor| actor.pubkey().to_string() == pubkey);
    found.unwrap_or_else(|| Actor::named("mallory"))
}

/// Which of the escrow's coordinators answer, in their order.
fn places(scene: &Scene, needed: usize, first: u8, form: Form) -> Vec<usize> {
    let all = scene.named.len();
    let first = usize::from(first) % all;
    let number = match form {
        Form::OneFewer => needed.saturating_sub(1).max(1),
        Form::OneMore => (needed + 1).min(all.max(2)),
        _ => needed,
    };
    let mut places: Vec<usize> = (0..number).map(|n| (first + n) % all).collect();
    places.sort_unstable();
    match form {
        Form::Reversed => places.reverse(),
        Form::Doubled => {
            places.push(places[0]);
            places.sort_unstable();
            places.truncate(needed.max(2));
        }
        _ => {}
    }
    places
}

fn facts(saying: Saying, work: &Work) -> Says {
    let praise = work.praise();
    match saying {
        Saying::Good => praise,
        Saying::Generous => Says {
            quote_price: (praise.quote_price + 1_000).min(LIMIT as u64 - 1),
            quote_units: LIMIT as u64,
            ..praise
        },
        Saying::NotPaid => Says {
            paid: false,
            ..praise
        },
        Saying::DoubleSpent => Says {
            not_double_spent: false,
            ..praise
        },
        Saying::Unknown => work.denial(),
        Saying::TooDear => Says {
            quote_price: praise.quote_price - 1,
            ..praise
        },
        Saying::TooMany => Says {
            quote_units: praise.quote_units - 1,
            ..praise
        },
    }
}

fn miner_sig(sig: MinerSig, work: &Work, miner: &Actor) -> String {
    match sig {
        MinerSig::Own => work.signed_by(miner),
        MinerSig::UnderOther => work.named("receipt_of_another_time").signed_by(miner),
        MinerSig::OfAnother => work.signed_by(&Actor::named("mallory")),
        MinerSig::ForOtherChain => elsewhere(work).signed_by(miner),
        MinerSig::ForOlderOpening => older(work).signed_by(miner),
    }
}

fn elsewhere(work: &Work) -> Work {
    Work {
        chain_id: "other-chain".into(),
        ..work.clone()
    }
}

fn older(work: &Work) -> Work {
    work.opened_in(work.opened_height.saturating_sub(1))
}

/// An answer in the name of an account, signed with any key.
pub fn signed_answer(work: &Work, coordinator: &str, key: &Actor, says: Says) -> Value {
    let mut answer = work.answered_by(key, work.opened_height, says);
    let text = format!(
        "AIT-ATTEST|{}|{coordinator}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}",
        work.chain_id,
        work.receipt_id,
        work.job_id,
        work.client,
        work.miner,
        work.compute_units,
        work.price,
        work.output_hash,
        work.opened_height,
        says.exists,
        says.paid,
        says.not_double_spent,
        says.quote_price,
        says.quote_units
    );
    answer["coordinator"] = coordinator.into();
    let sig = key.key.sign(&Sha256::digest(text).into());
    answer["sig"] = sig.to_string().into();
    answer
}
