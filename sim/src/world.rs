//! Owns a world: a chain, its nodes, and what happens at each height. `rounds` decides blocks, `happenings` is
//! what befalls nodes, `join` how a lost one comes back; all of them act on what is here.

use std::path::PathBuf;

use ait_app::tx::TxHash;
use ait_testkit::chain::{CHAIN_ID, Setup, records};
use ait_tests::{
    model::Model,
    plan::{Built, EVIDENCE_MAX_AGE, Start, build_block},
};
use serde_json::json;
use tempfile::TempDir;
use tendermint_proto::v0_38::{
    abci::RequestInitChain,
    types::{BlockParams, ConsensusParams, EvidenceParams, ValidatorParams},
};

use crate::{
    dice::Dice,
    engine::Watch,
    load::Load,
    log::Log,
    node::{Node, Settings, Stop},
    run::Options,
    sabotage::Sabotage,
    tally::Tally,
    trace::Trace,
};

/// `block.max_bytes` of the genesis: small, so that proposals above it cost little to make.
pub const MAX_BLOCK_BYTES: usize = 64 * 1024;

/// Committed transactions that are looked for later.
const REMEMBERED: usize = 200;

/// A chain of some nodes.
pub struct World {
    pub dice: Dice,
    pub trace: Trace,
    pub tally: Tally,
    pub nodes: Vec<Node>,
    pub log: Log,
    /// The state after the last decided block.
    pub model: Model,
    pub genesis: RequestInitChain,
    pub watch: Watch,
    pub load: Load,
    /// Committed transactions, with their heights.
    pub committed: Vec<(TxHash, u64)>,
    /// Removed with the world.
    _folder: TempDir,
}

impl World {
    /// The world of a seed, before its first block.
    ///
    /// # Errors
    /// What no node may do.
    pub fn begin(seed: u64, options: &Options) -> Result<Self, Stop> {
        let mut dice = Dice::new(seed);
        let (load, start) = Load::begin(&mut dice, options.quiet)?;
        let setup = setup(&mut dice, &start);
        let genesis = genesis(&setup);
        let folder = folder()?;
        let count = options.nodes.unwrap_or_else(|| dice.pick(4, &[4, 5, 6, 7]));
        let nodes = (0..count).map(|number| {
            let settings = settings(&mut dice, folder.path().join(number.to_string()));
            let sabotage = options.sabotage.and_then(|fault| fault.of(number, count));
            Ok(Node::new(number, settings?, sabotage))
        });
        let nodes = nodes.collect::<Result<Vec<_>, Stop>>()?;
        let mut world = Self {
            model: model(&setup, options.sabotage),
            log: Log::default(),
            trace: Trace::new(options.trace),
            tally: Tally::default(),
            watch: Watch::new(),
            committed: Vec::new(),
            _folder: folder,
            dice,
            nodes,
            genesis,
            load,
        };
        world.start_all(setup.initial_height)?;
        Ok(world)
    }

    fn start_all(&mut self, first: u64) -> Result<(), Stop> {
        let genesis = &self.genesis;
        for node in &mut self.nodes {
            node.start(None)?;
            if self.log.tip() == 0 && node.number == 0 {
                let answer = node.app()?.consensus().init_chain(genesis);
                let answer = answer.map_err(|fatal| format!("InitChain: {fatal}"))?;
                self.log = Log::new(first, answer);
                node.kill();
                node.start(None)?;
            }
            node.shake_hands(genesis, &self.log)?;
        }
        Ok(())
    }

    /// One height.
    ///
    /// # Errors
    /// What no node may do.
    pub fn step(&mut self) -> Result<(), Stop> {
        self.happen()?;
        self.gather()?;
        let plan = self.load.next(&mut self.dice)?;
        let built = plan.map(|plan| build_block(&self.model, &plan));
        if let Some(built) = &built {
            self.send(built)?;
        }
        self.gossip()?;
        self.agree(built)?;
        let mut order: Vec<usize> = (0..self.nodes.len()).collect();
        if self.dice.one_in(4) {
            self.dice.shuffle(&mut order);
        }
        for number in order {
            self.advance(number)?;
        }
        self.note_block();
        self.look_back()
    }

    /// Brings everybody to the last block, and compares them once more.
    ///
    /// # Errors
    /// What no node may do.
    pub fn finish(&mut self) -> Result<(), Stop> {
        for number in 0..self.nodes.len() {
            self.bring_up(number)?;
        }
        self.compare(0)
    }

    /// The nodes that run and have the last block.
    pub fn synced(&self) -> Vec<usize> {
        let tip = self.log.tip();
        let synced = self.nodes.iter();
        let synced = synced.filter(|node| node.is_up() && node.applied == tip);
        synced.map(|node| node.number).collect()
    }

    /// How many transactions wait in all mempools.
    pub fn waiting(&self) -> usize {
        self.nodes.iter().map(|node| node.mempool.len()).sum()
    }

    fn note_block(&mut self) {
        let height = self.log.tip();
        self.tally.decided = self.tally.decided.saturating_add(1);
        let Some(app_hash) = self.log.app_hash(height) else {
            // Everybody who was to execute it died before: who comes next does.
            return;
        };
        self.trace.note("block", &[height]);
        self.trace.note_bytes(&app_hash);
        let txs = self.log.txs(height);
        if txs.is_empty() {
            return;
        }
        self.tally.with_entries = self.tally.with_entries.saturating_add(1);
        for (wire, code) in txs.iter().zip(self.log.codes(height)) {
            self.tally.count_entry(kind_of(wire), code);
            self.trace.note_bytes(wire);
            if self.committed.len() >= REMEMBERED {
                let place = self.dice.place(REMEMBERED);
                self.committed.swap_remove(place);
            }
            self.committed.push((TxHash::of(wire), height));
        }
    }

    /// Holds the whole state against the model now and then, and looks for a transaction committed earlier.
    fn look_back(&mut self) -> Result<(), Stop> {
        let had_entries = !self.log.txs(self.log.tip()).is_empty();
        if self.dice.one_in(if had_entries { 8 } else { 150 }) {
            let synced = self.synced();
            if let Some(number) = synced.get(self.dice.place(synced.len())) {
                self.compare(*number)?;
            }
        }
        if self.dice.one_in(8) {
            let node = self.nodes.get(self.dice.place(self.nodes.len()));
            let tx = self.committed.get(self.dice.place(self.committed.len()));
            if let (Some(node), Some((hash, height))) = (node, tx) {
                is_still_there(node, hash, *height)?;
            }
        }
        Ok(())
    }

    fn compare(&mut self, number: usize) -> Result<(), Stop> {
        let Some(node) = self.nodes.get(number) else {
            return Ok(());
        };
        let Some(newest) = node.app()?.reader().newest() else {
            return Ok(());
        };
        self.tally.compared = self.tally.compared.saturating_add(1);
        let differences = self.model.differences(&records(&newest.state));
        if differences.is_empty() {
            return Ok(());
        }
        Err(Stop::Wrong(format!(
            "its records are not those of the reference model: {}",
            differences.join("; ")
        )))
    }

    /// The transactions of a plan, with the attestations that coordinators would send.
    fn send(&mut self, built: &Built) -> Result<(), Stop> {
        for (wire, _) in &built.candidates {
            let wire = wire.clone().into();
            let copies = 1 + self.dice.below(2);
            for _ in 0..copies {
                let number = self.dice.place(self.nodes.len());
                if let Some(node) = self.nodes.get_mut(number).filter(|node| node.is_up()) {
                    node.receive(&wire)?;
                }
            }
        }
        Ok(())
    }
}

/// A transaction that was committed stays so, on whoever executed its block and did not prune it.
fn is_still_there(node: &Node, hash: &TxHash, height: u64) -> Result<(), Stop> {
    let executed = node.is_up() && node.applied >= height && node.oldest <= height;
    if !executed {
        return Ok(());
    }
    let found = node.app()?.reader().transaction(hash)?;
    if found.is_some_and(|record| record.height >= height) {
        return Ok(());
    }
    let hash = hex::encode(hash.0);
    let why = format!("it lost transaction {hash} of block {height}");
    Err(Stop::Wrong(why))
}

/// The `type` of canonical bytes; what is none is called by what it is.
fn kind_of(wire: &[u8]) -> &str {
    let text = std::str::from_utf8(wire).unwrap_or_default();
    let Some((_, kind)) = text.rsplit_once("\"type\":\"") else {
        return "garbage";
    };
    kind.split('"').next().unwrap_or_default()
}

/// Files in memory where the system has some, so that syncing them takes no time.
fn folder() -> Result<TempDir, String> {
    let in_memory = PathBuf::from("/dev/shm");
    let mut builder = tempfile::Builder::new();
    builder.prefix("ait-sim-");
    let made = match in_memory.is_dir() {
        true => builder.tempdir_in(in_memory),
        false => builder.tempdir(),
    };
    made.map_err(|error| format!("a temporary folder: {error}"))
}

fn settings(dice: &mut Dice, snapshots: PathBuf) -> Result<Settings, Stop> {
    let chain_id = CHAIN_ID.parse();
    // Some read everything from disk again and again, which takes its time.
    let cache_bytes = match dice.below(30) {
        0 => 0,
        1 => 20_000,
        _ => 1 << 20,
    };
    Ok(Settings {
        chain_id: chain_id.map_err(|_| "the chain id is none".to_owned())?,
        cache_bytes,
        keep_blocks: dice.pick(0, &[0, 1, 40]),
        snapshots,
    })
}

fn setup(dice: &mut Dice, start: &Start) -> Setup {
    let epoch = dice.pick(4, &[10, 50, 100]);
    start
        .setup()
        .param("epoch_blocks", epoch)
        .param("unbonding_blocks", epoch + 3)
}

fn model(setup: &Setup, sabotage: Option<Sabotage>) -> Model {
    let app_state = json!({"accounts": setup.accounts, "params": setup.params});
    let mut model = Model::new(CHAIN_ID, setup.initial_height, &app_state, EVIDENCE_MAX_AGE);
    model.max_block_bytes = u64::try_from(MAX_BLOCK_BYTES).unwrap_or(u64::MAX);
    if sabotage == Some(Sabotage::OtherRecord)
        && let Some(mut account) = model.accounts.first_entry()
    {
        account.get_mut().balance += 1;
        model.genesis += 1;
    }
    model
}

fn genesis(setup: &Setup) -> RequestInitChain {
    let params = ConsensusParams {
        block: Some(BlockParams {
            max_bytes: i64::try_from(MAX_BLOCK_BYTES).unwrap_or(-1),
            max_gas: -1,
        }),
        evidence: Some(EvidenceParams {
            max_age_num_blocks: i64::try_from(EVIDENCE_MAX_AGE).unwrap_or(1),
            max_age_duration: None,
            max_bytes: 1_048_576,
        }),
        validator: Some(ValidatorParams {
            pub_key_types: vec!["ed25519".into()],
        }),
        ..ConsensusParams::default()
    };
    RequestInitChain {
        chain_id: CHAIN_ID.into(),
        consensus_params: Some(params),
        app_state_bytes: setup.app_state().into(),
        initial_height: i64::try_from(setup.initial_height).unwrap_or(1),
        ..RequestInitChain::default()
    }
}
