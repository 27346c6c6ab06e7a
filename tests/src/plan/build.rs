//! Owns how a plan becomes bytes on the state that it meets.

use serde_json::{Value, json};

use super::{
    Action, Amount, Broken, Change, Does, Fee, Flaw, Front, Job, Plan, Proposer, Start, Who,
    consensus_key,
};
use crate::{
    actors::Actor,
    chain::{CHAIN_ID, EVIDENCE_MAX_AGE, Setup, authority},
    draft::{self, Draft, canonical},
    model::{Input, LIMIT, Model},
    work::{Work, attestation_entry},
};

/// A block's bytes.
#[derive(Debug, Clone)]
pub struct Built {
    /// Its entries.
    pub inputs: Vec<Input>,
    /// The proposer's consensus key.
    pub proposer: Option<Actor>,
}

impl Start {
    /// The genesis: small amounts and short times, so that limits are met often.
    pub fn setup(&self) -> Setup {
        let mut setup = Setup::default();
        setup.accounts.clear();
        setup.initial_height = self.initial_height;
        let rich = [Who::Alice, Who::Bob, Who::Admin, Who::Coordinator];
        for who in rich {
            setup = setup.balance(&who.actor(), 100_000);
        }
        setup = setup.balance(&Who::Arbiter.actor(), 1_000);
        if let Some(room) = self.room {
            let rest = LIMIT as u64 - 401_000 - room;
            setup = setup.balance(&Actor::named("rich stranger"), rest);
        }
        let coordinators = coordinators(&[
            (Who::Coordinator, Who::Coordinator),
            (Who::Arbiter, Who::Arbiter),
        ]);
        setup
            .param("coordinators", coordinators)
            .param(
                "authorities",
                json!([authority(&Who::Validator.actor(), &consensus_key(0), 2)]),
            )
            .param("admin", Who::Admin.actor().address().to_string())
            .param("mint_per_unit", 7)
            .param("treasury_bps", 250)
            .param("max_mint_per_price", 10)
            .param("coordinator_epoch_mint_cap", 4_000)
            .param("escrow_max_ttl_blocks", 6)
            .param("epoch_blocks", 4)
            .param("offence_limit", 2)
            .param("offence_window_blocks", 6)
            .param("ban_blocks", 3)
    }

    /// The model of the same genesis.
    pub fn model(&self) -> Model {
        let Setup {
            accounts,
            params,
            initial_height,
        } = self.setup();
        Model::new(
            CHAIN_ID,
            initial_height,
            &accounts,
            &params,
            EVIDENCE_MAX_AGE,
        )
    }
}

/// The bytes of a plan for the block after `model`.
pub fn build_block(model: &Model, plan: &Plan) -> Built {
    let mut builder = Builder {
        params: model.clone(),
        now: model.clone(),
        inputs: Vec::new(),
        front: Vec::new(),
    };
    builder.now.begin_block();
    for action in &plan.actions {
        builder.act(action);
    }
    Built {
        inputs: arrange(plan.front, builder.inputs, builder.front),
        proposer: match plan.proposer {
            Proposer::Key(number) => Some(consensus_key(number)),
            Proposer::Nobody => None,
        },
    }
}

fn arrange(front: Front, mut inputs: Vec<Input>, mut given: Vec<Value>) -> Vec<Input> {
    let mut place = 0;
    let mut copies = 1;
    match front {
        Front::AsNeeded if given.is_empty() => return inputs,
        Front::AsNeeded | Front::Always => {}
        Front::LeftOut => return inputs,
        Front::OneMissing => drop(given.pop()),
        Front::OneTooMany => given.extend(given.first().cloned()),
        Front::Reversed => given.reverse(),
        Front::Twice => copies = 2,
        Front::AtTheEnd => place = inputs.len(),
    }
    for _ in 0..copies {
        let entry = Input {
            wire: attestation_entry(&given),
            malformed: None,
        };
        inputs.insert(place, entry);
    }
    inputs
}

fn coordinators(list: &[(Who, Who)]) -> Value {
    list.iter()
        .map(|(who, key)| {
            let key = key.actor().pubkey().to_string();
            (who.actor().address().to_string(), Value::from(key))
        })
        .collect()
}

pub(super) struct Builder {
    /// The state after the block before, whose params hold.
    pub(super) params: Model,
    /// The state as the transactions before in this block leave it.
    pub(super) now: Model,
    inputs: Vec<Input>,
    front: Vec<Value>,
}

impl Builder {
    fn act(&mut self, action: &Action) {
        let by = action.by.actor();
        let (input, in_front) = match &action.does {
            Does::Bytes(broken) => (self.broken(*broken, &by), None),
            does => {
                let (draft, in_front) = self.intention(does, &by, action.fee);
                let wire = self.flawed(draft, action.flaw);
                let malformed = None;
                (Input { wire, malformed }, in_front)
            }
        };
        // Only for the nonces and escrows that the next actions find.
        let attestation = in_front.as_ref();
        self.now.apply_entry(&self.params, &input, attestation);
        self.front.extend(in_front);
        self.inputs.push(input);
    }

    fn intention(&self, does: &Does, by: &Actor, fee: Fee) -> (Draft, Option<Value>) {
        let draft = |kind: &str, payload: Value| Draft::new(CHAIN_ID, by, kind, payload);
        match does {
            Does::Transfer { to, amount } => {
                let make = |uait| {
                    let payload = draft::transfer(to.actor().address(), uait);
                    draft("TRANSFER", payload)
                };
                (self.sized(by, fee, *amount, &make), None)
            }
            Does::Open {
                job,
                coordinator,
                amount,
                ttl,
            } => {
                let make = |uait| {
                    let coordinator = coordinator.actor().address();
                    let payload =
                        draft::escrow_open(&format!("job_{job}"), coordinator, uait, *ttl);
                    draft("ESCROW_OPEN", payload)
                };
                (self.sized(by, fee, *amount, &make), None)
            }
            Does::Release { job } => {
                let (client, job_id) = self.job(*job);
                let payload = json!({"client_addr": client, "job_id": job_id});
                (self.priced(draft("ESCROW_RELEASE", payload), by, fee), None)
            }
            Does::Claim(claim) => {
                let (payload, in_front) = self.claim(claim, by);
                (
                    self.priced(draft("RECEIPT_CLAIM", payload), by, fee),
                    in_front,
                )
            }
            Does::Param(change) => {
                let (name, value) = change_json(change);
                let payload = draft::param_update(name, value);
                (self.priced(draft("PARAM_UPDATE", payload), by, fee), None)
            }
            Does::Bytes(_) => panic!("bytes are no intention"),
        }
    }

    /// With the next nonce and the fee.
    fn priced(&self, draft: Draft, by: &Actor, fee: Fee) -> Draft {
        let account = self.now.account(&by.address().to_string());
        let balance = account.balance as u64;
        let required = self.params.required_fee(&draft.payload);
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

    fn flawed(&self, draft: Draft, flaw: Flaw) -> Vec<u8> {
        let nonce = draft.nonce;
        match flaw {
            Flaw::None => draft.wire(),
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

    pub(super) fn job(&self, job: Job) -> (String, String) {
        match job {
            Job::Open(number) => {
                let open = self.now.escrows.iter().filter(|(_, e)| e.status == "open");
                let keys: Vec<_> = open.map(|(key, _)| key.clone()).collect();
                let first = (Who::Alice.actor().address().to_string(), "job_0".to_owned());
                let place = usize::from(number) % keys.len().max(1);
                keys.get(place).cloned().unwrap_or(first)
            }
            Job::Of(client, number) => {
                let client = client.actor().address().to_string();
                (client, format!("job_{number}"))
            }
        }
    }

    fn broken(&self, broken: Broken, by: &Actor) -> Input {
        let payload = draft::transfer(Who::Bob.actor().address(), 1);
        let draft = self.priced(
            Draft::new(CHAIN_ID, by, "TRANSFER", payload),
            by,
            Fee::Required,
        );
        let mut json = draft.json();
        let changed = |field: &str, value: Value| draft.clone().with(field, value).wire();
        let (wire, name) = match broken {
            Broken::Empty => (Vec::new(), "malformed_json"),
            Broken::Garbage => (b"\xff\x00 no transaction".to_vec(), "malformed_json"),
            Broken::Truncated => {
                let wire = draft.wire();
                (wire[..wire.len() - 1].to_vec(), "malformed_json")
            }
            Broken::NotCanonical => {
                let wire = [draft.wire(), b"\n".to_vec()].concat();
                (wire, "not_canonical")
            }
            Broken::UnknownField => {
                json["gas"] = 1.into();
                (canonical(&json), "invalid_field")
            }
            Broken::NullFee => {
                json["fee"] = Value::Null;
                (canonical(&json), "invalid_field")
            }
            Broken::AmountZero => (changed("amount", 0.into()), "invalid_field"),
            Broken::AmountTooLarge => (changed("amount", (1_u64 << 53).into()), "invalid_field"),
            Broken::AmountAsText => (changed("amount", "1".into()), "invalid_field"),
            Broken::UnknownType => {
                json["type"] = "MINT".into();
                (canonical(&json), "unknown_type")
            }
            Broken::StakeBeforeItsTime => {
                json["type"] = "STAKE".into();
                (canonical(&json), "unknown_type")
            }
            Broken::TooLarge => (changed("memo", "x".repeat(20_000).into()), "too_large"),
            Broken::OfAnotherMiner => {
                let work = Work {
                    chain_id: CHAIN_ID.into(),
                    receipt_id: "receipt_0".into(),
                    job_id: "job_0".into(),
                    client: Who::Alice.actor().address().to_string(),
                    miner: Who::Stranger.actor().address().to_string(),
                    compute_units: 1,
                    price: 1,
                    output_hash: format!("sha256:{}", "ab".repeat(32)),
                };
                let sender = if by.name == "stranger" {
                    Who::Bob.actor()
                } else {
                    by.clone()
                };
                let payload = work.claim(&work.signed_by(&sender), None);
                let draft = Draft::new(CHAIN_ID, &sender, "RECEIPT_CLAIM", payload);
                (draft.wire(), "not_the_miner")
            }
            Broken::AttestationsWithoutType => (b"{\"attestations\":[]}".to_vec(), "invalid_field"),
        };
        Input {
            wire,
            malformed: Some(name),
        }
    }
}

fn change_json(change: &Change) -> (&'static str, Value) {
    match change {
        Change::Number(name, value) => (name, (*value).into()),
        Change::Other(name, value) => (name, value.clone()),
        Change::Coordinators(list) => ("coordinators", coordinators(list)),
        Change::Authorities(list) => {
            let list = list
                .iter()
                .map(|(who, key, power)| authority(&who.actor(), &consensus_key(*key), *power));
            ("authorities", list.collect())
        }
    }
}
