//! Owns bytes that are no transaction, and the examples that random changes begin with.

use ait_testkit::{
    actors::Actor,
    chain::{CHAIN_ID, first_stake},
    draft::{self, Draft, canonical},
};
use serde_json::{Value, json};

use super::{
    Amount, Answer, Broken, Change, Claim, Does, Equivocation, Fee, Form, Job, MinerKey, MinerSig,
    OpenPlan, Opening, Place, Price, Proof, Recipient, Report, Saying, Signing, SigningKey,
    StakeKey, Terms, Who, build::Builder, consensus_key,
};
use crate::model::Model;

/// A transaction of every kind, as this one would send it after `model`: none of them fails to be read.
pub fn examples(model: &Model, by: Who) -> Vec<Draft> {
    Builder::after(model).example_drafts(&by.actor())
}

fn good() -> Answer {
    Answer {
        says: Saying::Good,
        signing: Signing::Right,
    }
}

fn a_claim() -> Claim {
    Claim {
        job: Job::Open(0),
        receipt: 0,
        terms: Terms::Of {
            units: 3,
            price: Price::Plain(40),
        },
        answers: vec![good()],
        first: 0,
        form: Form::Fitting,
        place: Place::Inline,
        miner_sig: MinerSig::Own,
        last: true,
        opening: Opening::Right,
    }
}

fn of_receipts() -> Vec<Does> {
    let claim = a_claim();
    let bad = Answer {
        says: Saying::Unknown,
        ..good()
    };
    vec![
        Does::Claim(claim.clone()),
        Does::Claim(Claim {
            form: Form::OtherField,
            ..claim
        }),
        Does::Report(Report {
            job: Job::Open(0),
            miner: Who::Miner,
            receipt: 1,
            terms: Terms::Usual,
            answers: vec![bad],
            first: 0,
            form: Form::Fitting,
            miner_sig: MinerSig::Own,
            key: MinerKey::Right,
            opening: Opening::Right,
        }),
        Does::Equivocation(Equivocation {
            job: Job::Open(0),
            miner: Who::Miner,
            receipts: [0, 1],
            answers: [good(), bad],
            first: 0,
            two: false,
            opening: Opening::Right,
        }),
    ]
}

fn of_escrows() -> Vec<Does> {
    let job = Job::Open(0);
    vec![
        Does::Open(OpenPlan {
            job: 7,
            named: vec![Who::Coordinator, Who::Arbiter, Who::Witness],
            threshold: Some(2),
            miner: Some(Who::Miner),
            partial: true,
            amount: Amount::Plain(500),
            ttl: 5,
        }),
        Does::Assign {
            job,
            miner: Who::Digger,
        },
        Does::TopUp {
            job,
            amount: Amount::Plain(5),
            ttl: Some(4),
        },
        Does::Cancel { job },
        Does::Release { job },
    ]
}

fn of_params() -> Vec<Does> {
    let own = |who| (who, SigningKey::Own(who));
    let changes = [
        Change::Number("base_fee", 3),
        Change::Other("consensus_mode", json!("cbp")),
        Change::Admin(Who::Bob),
        Change::Coordinators(vec![own(Who::Coordinator), own(Who::Arbiter)]),
        Change::Revoked(vec![SigningKey::Spare(0), SigningKey::Spare(1)]),
        Change::Authorities(vec![
            (Who::Validator, 0, 4, Proof::Missing),
            (Who::Bob, 2, 1, Proof::Right),
        ]),
    ];
    changes.into_iter().map(Does::Param).collect()
}

fn of_coins() -> Vec<Does> {
    let amount = Amount::Plain(60);
    let to = Recipient::Known(Who::Digger);
    vec![
        Does::Transfer {
            to,
            amount,
            memo: true,
        },
        Does::Spend { to, amount },
        Does::Bond { amount },
        Does::Unbond { amount },
        Does::Stake {
            amount,
            key: StakeKey::Own,
        },
        Does::Unstake { amount },
        Does::AdminAccept,
        Does::Unjail,
    ]
}

impl Builder {
    pub(super) fn example_drafts(&self, by: &Actor) -> Vec<Draft> {
        let all = [of_receipts(), of_escrows(), of_params(), of_coins()].concat();
        let drafts = all.iter();
        drafts
            .map(|does| self.intention(does, by, Fee::Required).0)
            .collect()
    }

    pub(super) fn broken(&self, broken: Broken, by: &Actor) -> Vec<u8> {
        let payload = draft::transfer(Who::Bob.actor().address(), 1);
        let of = |kind: &str, payload: Value| {
            let draft = Draft::new(CHAIN_ID, by, kind, payload);
            self.priced(draft, by, Fee::Required)
        };
        let draft = of("TRANSFER", payload);
        let mut json = draft.json();
        let changed = |field: &str, value: Value| draft.clone().with(field, value).wire();
        let replaced = |from: &str, to: &str| {
            let text = String::from_utf8(draft.wire()).unwrap();
            text.replacen(from, to, 1).into_bytes()
        };
        match broken {
            Broken::Empty => Vec::new(),
            Broken::Garbage => b"\xff\x00 no transaction".to_vec(),
            Broken::Truncated => {
                let wire = draft.wire();
                wire[..wire.len() - 1].to_vec()
            }
            Broken::NotCanonical => [draft.wire(), b"\n".to_vec()].concat(),
            Broken::RepeatedField => replaced("\"amount\":", "\"amount\":2,\"amount\":"),
            Broken::HugeNumber => replaced("\"amount\":1", "\"amount\":1e999"),
            Broken::Envelope => [b"AIT-ENVELOPE/1\n", &draft.wire()[..]].concat(),
            Broken::UnknownField => {
                json["gas"] = 1.into();
                canonical(&json)
            }
            Broken::NullFee => {
                json["fee"] = Value::Null;
                canonical(&json)
            }
            Broken::AmountZero => changed("amount", 0.into()),
            Broken::AmountTooLarge => changed("amount", (1_u64 << 53).into()),
            Broken::AmountAsText => changed("amount", "1".into()),
            Broken::UnknownType => of("MINT", draft.payload.clone()).wire(),
            Broken::PayloadOfAnotherKind => of("STAKE", draft.payload.clone()).wire(),
            Broken::TooLarge => changed("memo", "x".repeat(20_000).into()),
            Broken::UnjailWithField => of("UNJAIL", json!({"amount": 1})).wire(),
            Broken::AttestationsWithoutType => b"{\"attestations\":[]}".to_vec(),
            Broken::StakeWithoutProof => {
                let mut payload = first_stake(CHAIN_ID, by, &consensus_key(1), 1_000);
                payload.as_object_mut().unwrap().remove("validator_sig");
                of("STAKE", payload).wire()
            }
            Broken::WeakKey => {
                json["pubkey"] = format!("01{}", "00".repeat(31)).into();
                canonical(&json)
            }
            other => self.of_another_form(other, by),
        }
    }

    /// Payloads that are wrong in themselves.
    fn of_another_form(&self, broken: Broken, by: &Actor) -> Vec<u8> {
        let does = match broken {
            Broken::OthersMinerKey => of_receipts().swap_remove(2),
            Broken::OfAnotherMiner | Broken::BothFormsOfAttestations => Does::Claim(a_claim()),
            _ => of_escrows().swap_remove(0),
        };
        let mut draft = self.intention(&does, by, Fee::Required).0;
        let payload = &mut draft.payload;
        match broken {
            Broken::OfAnotherMiner => {
                let other = Actor::named("mallory").address().to_string();
                payload["miner_addr"] = other.into();
            }
            Broken::OthersMinerKey => {
                let key = Actor::named("mallory").pubkey().to_string();
                payload["miner_pubkey"] = key.into();
            }
            Broken::BothFormsOfAttestations => {
                let one = payload
                    .get("attestation")
                    .or_else(|| payload["attestations"].get(0));
                let one = one.cloned().unwrap();
                payload["attestation"] = one.clone();
                payload["attestations"] = vec![one].into();
            }
            Broken::ThresholdWithoutAttesters => {
                payload.as_object_mut().unwrap().remove("attesters");
            }
            Broken::PartialFalse => payload["partial"] = false.into(),
            other => panic!("{other:?} is made elsewhere"),
        }
        self.priced(draft, by, Fee::Required).wire()
    }
}
