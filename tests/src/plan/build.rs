//! Owns how a plan becomes bytes on the state that it meets.

use ait_app::{genesis::Genesis, identifiers::ChainId};
use serde_json::{Value, json};

use super::{
    Action, Amount, Change, Does, Fee, Flaw, Front, Job, Plan, Start, Who, consensus_key,
    validators::engine,
};
use crate::{
    actors::Actor,
    chain::{CHAIN_ID, Chain, Setup, authority},
    draft::{self, Draft, canonical},
    model::{Engine, Input, LIMIT, Model},
    work::attestation_entry,
};

/// A block's bytes.
#[derive(Debug, Clone)]
pub struct Built {
    /// Its entries.
    pub inputs: Vec<Input>,
    /// What CometBFT says besides.
    pub engine: Engine,
}

/// CometBFT's `evidence.max_age_num_blocks` of the plans' genesis: so few that unbonding, which takes
/// at least as many blocks, comes to its end.
const EVIDENCE_MAX_AGE: u64 = 3;

impl Start {
    /// The genesis: small amounts and short times, so that limits are met often.
    pub fn setup(&self) -> Setup {
        let mut setup = Setup::default();
        setup.accounts.clear();
        setup.initial_height = self.initial_height;
        let rich = [
            Who::Alice,
            Who::Bob,
            Who::Admin,
            Who::Coordinator,
            Who::Validator,
        ];
        for who in rich {
            setup = setup.balance(&who.actor(), 100_000);
        }
        for who in [Who::Arbiter, Who::Miner, Who::Digger] {
            setup = setup.balance(&who.actor(), 10_000);
        }
        if let Some(room) = self.room {
            let given: u64 = setup.accounts.values().sum();
            let rest = LIMIT as u64 - given - room;
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
            .param("min_stake", 1_000)
            .param("unbonding_blocks", 4)
            .param("downtime_window", 3)
            .param("jail_blocks", 2)
            .param("max_validators", self.seats)
            .param("work_weight_bps", self.work_weight)
            .param("slash_downtime_bps", 100)
    }

    /// The chain before its first block.
    pub fn chain(&self) -> Chain {
        let setup = self.setup();
        let genesis = Genesis::parse(&setup.app_state(), EVIDENCE_MAX_AGE).unwrap();
        let chain_id: ChainId = CHAIN_ID.parse().unwrap();
        Chain {
            state: genesis.state(chain_id, setup.initial_height).unwrap(),
            proposer: None,
            last_commit: Vec::new(),
            misbehaviour: Vec::new(),
        }
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
        engine: engine(model, plan),
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
            Does::Stake { amount, key } => (self.stake(*amount, *key, by, fee), None),
            Does::Unstake { amount } => (self.unstake(*amount, by, fee), None),
            Does::Unjail => (self.priced(draft("UNJAIL", json!({})), by, fee), None),
            Does::Bytes(_) => panic!("bytes are no intention"),
        }
    }

    /// With the next nonce and the fee.
    pub(super) fn priced(&self, draft: Draft, by: &Actor, fee: Fee) -> Draft {
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
    pub(super) fn sized(
        &self,
        by: &Actor,
        fee: Fee,
        amount: Amount,
        make: &dyn Fn(u64) -> Draft,
    ) -> Draft {
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
