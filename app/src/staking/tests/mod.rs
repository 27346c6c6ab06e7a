//! Owns what the tests of staking share: a chain of blocks without transactions' bytes, and a model of
//! what CometBFT does with validator updates, as strict as CometBFT itself.

mod blocks;
mod histories;
mod modes;

use std::sync::LazyLock;

use crate::{
    address::Address,
    bank::books,
    crypto::{PublicKey, SecretKey, Signature},
    engine::{BlockInput, CommitVote, ConsensusAddress, ValidatorUpdate},
    error::Failure,
    events::Event,
    genesis::Genesis,
    params::{ParamKey, ParamValue, Params},
    prelude::*,
    quantity::{Height, Positive, Uait, Units},
    receipts::record::Miner,
    staking::{
        end_block::end_block,
        record::Validator,
        stake::{Stake, ValidatorKey},
        unjail::Unjail,
        unstake::Unstake,
    },
    state::{Overlay, State, View, base::Base},
    tx::{
        context::{BlockContext, Context, Signatures},
        hash::TxHash,
        operation::Operation,
    },
};

/// CometBFT refuses more power than this.
const MOST_POWER: u64 = i64::MAX as u64 / 8;

/// Signatures inside payloads are not what these tests are about.
struct Trusting;

impl Signatures for Trusting {
    fn hold(&self, _: &PublicKey, _: &[u8; 32], _: &Signature) -> bool {
        true
    }
}

static ACCOUNTS: LazyLock<Vec<Address>> = LazyLock::new(|| {
    let mut all: Vec<Address> = (0..64)
        .map(|i| Address::module(&format!("account {i}")))
        .collect();
    all.sort();
    all
});

static KEYS: LazyLock<Vec<PublicKey>> = LazyLock::new(|| {
    let keys = (0..64).map(|i| SecretKey::from_seed([i + 1; 32]).public_key());
    keys.collect()
});

/// Account `number`; by address ascending, so that ties go to the lower number.
fn account(number: usize) -> Address {
    ACCOUNTS[number]
}

/// Account `number`'s consensus key.
fn key(number: usize) -> PublicKey {
    KEYS[number]
}

/// What a block does besides votes.
#[derive(Debug, Clone)]
enum Act {
    Stake(usize, u64),
    StakeWith(usize, u64, usize),
    Unstake(usize, u64),
    Unjail(usize),
    Score(usize, u64),
    Ban(usize, u64),
    Param(ParamKey, ParamValue),
    Equivocate(usize),
}

type CometSet = BTreeMap<PublicKey, u64>;

/// A chain and the validator sets that CometBFT has for its blocks.
struct Chain {
    state: State,
    sets: BTreeMap<u64, CometSet>,
}

fn param(name: &str, value: &str) -> (ParamKey, ParamValue) {
    let key = ParamKey::named(name).unwrap();
    (key, ParamValue::read(key, value.as_bytes()).unwrap())
}

fn set_param(name: &str, value: &str) -> Act {
    let (key, value) = param(name, value);
    Act::Param(key, value)
}

/// The param `authorities` of accounts with a power each; `key_of` says whose key each has.
fn authorities(list: &[(usize, usize, u64)]) -> String {
    let entries: Vec<String> = list
        .iter()
        .map(|(number, key_of, power)| {
            format!(
                "{{\"address\":\"{}\",\"power\":{power},\"pubkey\":\"{}\"}}",
                account(*number),
                key(*key_of)
            )
        })
        .collect();
    format!("[{}]", entries.join(","))
}

impl Chain {
    /// A chain of these authorities, where everybody is rich.
    fn new(list: &[(usize, usize, u64)], params_of_it: &[(&str, &str)]) -> Self {
        let mut params = Params::new(account(63), Height::constant(10));
        let list = authorities(list);
        for (name, value) in [("authorities", list.as_str())].iter().chain(params_of_it) {
            let (key, value) = param(name, value);
            params.set(key, value);
        }
        let accounts = (0..64)
            .map(|i| (account(i), Uait::constant(1 << 46)))
            .collect();
        let genesis = Genesis { accounts, params };
        let state = genesis.state("test".parse().unwrap(), 1).unwrap();
        let first = comet_set_of(&state);
        let sets = BTreeMap::from([(1, first.clone()), (2, first)]);
        Self { state, sets }
    }

    /// Runs a block whose last commit lacks those for whom `signs` says so. Gives its events and
    /// updates, both checked.
    fn block(
        &mut self,
        acts: &[Act],
        signs: impl Fn(&PublicKey) -> bool,
    ) -> (Vec<Event>, Vec<ValidatorUpdate>) {
        let context = BlockContext::after(&self.state, &Trusting).unwrap();
        let height = context.height.get();
        let mut input = BlockInput::default();
        if let Some(set) = self.sets.get(&(height - 1)).filter(|_| height > 1) {
            input.last_commit = set
                .keys()
                .map(|key| CommitVote {
                    validator: ConsensusAddress::of(key),
                    signed: signs(key),
                })
                .collect();
        }
        let mut overlay = Overlay::new(Base::new(&self.state));
        for act in acts {
            let _ = apply(&mut overlay, &context, &mut input, act);
        }
        let (updates, events) = end_block(&mut overlay, &context, &input).unwrap();
        books::settle(&mut overlay).unwrap();
        let (next, _) = self
            .state
            .updated(overlay.changes(), overlay.below(), context.height)
            .unwrap();
        self.tell_comet(height, &updates);
        self.state = next;
        self.check(height);
        (events, updates)
    }

    /// Runs empty blocks that everybody signs until block `height` is the last one.
    fn run_to(&mut self, height: u64) {
        while self.state.height().get() < height {
            self.block(&[], |_| true);
        }
    }

    fn tell_comet(&mut self, height: u64, updates: &[ValidatorUpdate]) {
        let mut set = self.sets[&(height + 1)].clone();
        let mut seen = BTreeSet::new();
        for ValidatorUpdate { pubkey, power } in updates {
            assert!(seen.insert(*pubkey), "{pubkey} twice in block {height}");
            if power.is_zero() {
                assert!(
                    set.remove(pubkey).is_some(),
                    "{pubkey} is not there to remove"
                );
            } else {
                let before = set.insert(*pubkey, power.get());
                assert_ne!(before, Some(power.get()), "no change of {pubkey}");
            }
        }
        assert!(!set.is_empty(), "block {height} leaves no validator");
        assert!(set.values().sum::<u64>() <= MOST_POWER);
        self.sets.insert(height + 2, set);
    }

    /// The records say what CometBFT was told, and of those without power that nothing is proven.
    fn check(&self, height: u64) {
        assert_eq!(comet_set_of(&self.state), self.sets[&(height + 2)]);
        for number in 0..64 {
            if let Some(record) = self.record(number) {
                assert!(!record.proven || !record.power.is_zero(), "{record:?}");
                assert!(record.keys.contains(&record.pubkey), "{record:?}");
            }
        }
    }

    fn record(&self, number: usize) -> Option<Validator> {
        self.state.get(&account(number)).unwrap()
    }

    /// Powers by account number.
    fn powers(&self) -> BTreeMap<usize, u64> {
        let powers = (0..64).filter_map(|i| Some((i, self.record(i)?.power.get())));
        powers.filter(|(_, power)| *power > 0).collect()
    }
}

fn comet_set_of(state: &State) -> CometSet {
    let sent = state.sent_validators().iter();
    sent.map(|(key, validator)| (*key, validator.power.get()))
        .collect()
}

fn apply(
    overlay: &mut Overlay<Base<'_>>,
    block: &BlockContext<'_>,
    input: &mut BlockInput,
    act: &Act,
) -> Result<Vec<Event>, Failure> {
    let uait = |amount: u64| Positive::new(Uait::constant(amount)).unwrap();
    match act {
        Act::Stake(number, amount) => apply(
            overlay,
            block,
            input,
            &Act::StakeWith(*number, *amount, *number),
        ),
        Act::StakeWith(number, amount, key_of) => {
            let validator = ValidatorKey {
                pubkey: key(*key_of),
                sig: Signature::from_bytes([0; 64]),
            };
            let stake = Stake {
                amount: uait(*amount),
                validator: Some(validator),
            };
            run(overlay, block, *number, &stake)
        }
        Act::Unstake(number, amount) => {
            let amount = uait(*amount);
            run(overlay, block, *number, &Unstake { amount })
        }
        Act::Unjail(number) => run(overlay, block, *number, &Unjail {}),
        Act::Score(number, score) => {
            change_miner(overlay, *number, |miner| {
                miner.score = Units::constant(*score)
            });
            Ok(Vec::new())
        }
        Act::Ban(number, until) => {
            let until = Some(Height::constant(*until));
            change_miner(overlay, *number, |miner| miner.banned_until = until);
            Ok(Vec::new())
        }
        Act::Param(key, value) => {
            overlay.put(key, value.clone());
            Ok(Vec::new())
        }
        Act::Equivocate(number) => {
            input.misbehaviour.push(ConsensusAddress::of(&key(*number)));
            Ok(Vec::new())
        }
    }
}

fn change_miner(overlay: &mut Overlay<Base<'_>>, number: usize, change: impl Fn(&mut Miner)) {
    let address = account(number);
    let consensus = overlay.consensus().unwrap();
    let known: Option<Miner> = overlay.get(&address).unwrap();
    let mut miner = known.unwrap_or_else(|| Miner::new(address, consensus.epochs));
    miner.roll(consensus.epochs, &consensus.decays);
    change(&mut miner);
    overlay.put(&address, miner);
}

/// A transaction that keeps what it wrote where it succeeds.
fn run(
    overlay: &mut Overlay<Base<'_>>,
    block: &BlockContext<'_>,
    number: usize,
    operation: &impl Operation,
) -> Result<Vec<Event>, Failure> {
    let context = Context {
        block,
        sender: account(number),
        pubkey: key(number),
        fee: Uait::ZERO,
        required_fee: Uait::ZERO,
        tx_hash: TxHash::of(b""),
        attestation: None,
    };
    let mut above = Overlay::new(&*overlay);
    let events = operation.execute(&context, &mut above)?;
    let changes = above.into_changes();
    overlay.absorb(changes);
    Ok(events)
}

const AIT: u64 = 1_000_000;

/// Four authorities with a stake each and a mode that shall be `cbp`: it is from block 10 on.
fn four(stakes: [u64; 4], params: &[(&str, &str)]) -> Chain {
    let list: Vec<_> = (0..4).map(|i| (i, i, 10)).collect();
    let mut chain = Chain::new(&list, params);
    let mut acts: Vec<Act> = (0..4).map(|i| Act::Stake(i, stakes[i])).collect();
    acts.push(set_param("consensus_mode", "\"cbp\""));
    chain.block(&acts, |_| true);
    chain.run_to(10);
    chain
}

fn kinds(events: &[Event]) -> Vec<String> {
    let name = |event: &Event| match event.get("reason") {
        Some(reason) => format!("{} {reason}", event.kind),
        None => event.kind.clone(),
    };
    events.iter().map(name).collect()
}

fn everybody(_: &PublicKey) -> bool {
    true
}

fn all_but(numbers: &[usize]) -> impl Fn(&PublicKey) -> bool {
    let absent: Vec<PublicKey> = numbers.iter().map(|number| key(*number)).collect();
    move |key| !absent.contains(key)
}
