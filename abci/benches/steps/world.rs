//! Owns the chain that is measured: many accounts, and blocks of transfers between them, made as
//! CometBFT would have them made.

use std::{env, fmt, path::PathBuf, sync::Arc, time::Instant};

use ait_abci::Application;
use ait_app::{
    address::Address,
    crypto::sha256,
    identifiers::ChainId,
    quantity::{Nonce, Uait},
    state::View as _,
    tx::Transaction,
};
use ait_store::{Engine, MemoryStore, Store};
use ait_testkit::{
    actors::{Actor, validator_key},
    chain::{CHAIN_ID, MAX_BLOCK_BYTES, Setup},
    draft,
};
use bytes::Bytes;
use tempfile::TempDir;
use tendermint_proto::v0_38::{
    abci::{
        CheckTxType, RequestCheckTx, RequestFinalizeBlock, RequestInitChain,
        RequestPrepareProposal, RequestProcessProposal, response_process_proposal::ProposalStatus,
    },
    types::{BlockParams, ConsensusParams, EvidenceParams, ValidatorParams},
};

use crate::{socket::Served, took::Took};

/// The most accounts that send: a key costs more than an account, and records lie in no order of
/// theirs, so that these are as spread over the state as all.
const MOST_SENDERS: usize = 20_000;

/// uait of each account.
const BALANCE: u64 = 100_000_000;

/// What is measured.
pub struct Settings {
    accounts: usize,
    /// In a block.
    pub transfers: usize,
    /// Blocks before the first that is measured.
    pub warm_blocks: usize,
    store: StoreKind,
    /// Memory for records that were read from disk, bytes.
    state_cache: usize,
    /// Where the store stays, for the next run to go on with.
    folder: Option<PathBuf>,
}

#[derive(Clone, Copy)]
enum StoreKind {
    Memory,
    Disk(Engine),
}

impl Settings {
    /// As the environment has them.
    pub fn from_environment() -> Self {
        let number = |name: &str, default: usize| {
            let text = env::var(name).ok();
            text.map_or(default, |text| text.parse().expect(name))
        };
        let transfers = number("BENCH_TRANSFERS", 5_000);
        let accounts = number("BENCH_ACCOUNTS", 10_000);
        assert!(
            accounts >= transfers,
            "BENCH_ACCOUNTS is below BENCH_TRANSFERS"
        );
        Self {
            accounts,
            transfers,
            warm_blocks: number("BENCH_WARM_BLOCKS", 0),
            store: match env::var("BENCH_STORE").as_deref() {
                Err(_) | Ok("memory") => StoreKind::Memory,
                Ok("fjall") => StoreKind::Disk(Engine::Fjall),
                Ok("sled") => StoreKind::Disk(Engine::Sled),
                Ok(other) => panic!("BENCH_STORE is {other}, not memory, fjall or sled"),
            },
            state_cache: number("BENCH_CACHE_MB", 512) * 1024 * 1024,
            folder: env::var_os("BENCH_FOLDER").map(PathBuf::from),
        }
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let store = match self.store {
            StoreKind::Memory => "memory",
            StoreKind::Disk(engine) => engine.name(),
        };
        write!(
            f,
            "{} transfers, {} accounts, {store}, after {} blocks",
            self.transfers, self.accounts, self.warm_blocks
        )
    }
}

/// A chain, and who uses it.
pub struct World {
    node: Application,
    served: Served,
    senders: Vec<(Actor, u64)>,
    accounts: usize,
    transfers: usize,
    height: i64,
    seed: u64,
    _folder: TempDir,
}

/// What the steps of one block took.
pub struct Block {
    check_tx: Took,
    prepare_proposal: Took,
    process_proposal: Took,
    finalize_block: Took,
    commit: Took,
}

/// How transactions come to CheckTx.
#[derive(Clone, Copy)]
pub enum By {
    /// One call each.
    Calls,
    /// One behind the other over the socket.
    Socket,
}

/// One step of a block.
type Step = fn(&Block) -> Took;

impl Block {
    /// Each step by its name.
    pub const STEPS: [(&'static str, Step); 5] = [
        ("CheckTx", |block| block.check_tx),
        ("PrepareProposal", |block| block.prepare_proposal),
        ("ProcessProposal", |block| block.process_proposal),
        ("FinalizeBlock", |block| block.finalize_block),
        ("Commit", |block| block.commit),
    ];
}

/// The chain's name.
pub fn chain_id() -> ChainId {
    CHAIN_ID.parse().unwrap()
}

impl World {
    /// A chain whose genesis has the accounts, after its first, empty block, which writes them all.
    pub fn begin(settings: &Settings) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let folder = settings.folder.as_deref().unwrap_or(temporary.path());
        let memory: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let open = || {
            let store: Arc<dyn Store> = match settings.store {
                StoreKind::Memory => memory.clone(),
                StoreKind::Disk(engine) => {
                    Arc::from(ait_store::open(folder, CHAIN_ID, engine).unwrap())
                }
            };
            let on_fatal = Arc::new(|why: String| panic!("the node stopped: {why}"));
            Application::open(store, chain_id(), settings.state_cache, on_fatal).unwrap()
        };
        let senders: Vec<Actor> = (0..settings.accounts.min(MOST_SENDERS))
            .map(|n| Actor::named(&format!("sender {n}")))
            .collect();
        let node = open();
        if node.reader().newest().is_none() {
            write_genesis(&node, &senders, settings.accounts);
        }
        // A start, after which every record is on disk and none in memory.
        drop(node);
        let begun = Instant::now();
        let node = open();
        eprintln!("opened in {:?}", begun.elapsed());
        let head = node.reader().newest().unwrap();
        let nonce = |sender: &Actor| head.state.account(&sender.address()).unwrap().nonce.get();
        Self {
            served: Served::begin(node.clone(), temporary.path()),
            senders: senders
                .into_iter()
                .map(|sender| (nonce(&sender), sender))
                .map(|(nonce, sender)| (sender, nonce))
                .collect(),
            accounts: settings.accounts,
            transfers: settings.transfers,
            height: i64::try_from(head.block.height).unwrap(),
            seed: head.block.height,
            _folder: temporary,
            node,
        }
    }

    /// The next block, made of new transfers, each of another sender to somebody.
    pub fn make_block(&mut self, by: By) -> Block {
        let wires = self.sign_transfers();
        for (_, nonce) in self.senders.iter_mut().take(self.transfers) {
            *nonce += 1;
        }
        self.run(&wires, by)
    }

    /// Transfers of the first senders, of an order of its own each time, with the next nonce of each.
    pub fn sign_transfers(&mut self) -> Vec<Bytes> {
        for last in (1..self.senders.len()).rev() {
            let other = self.random(last + 1);
            self.senders.swap(last, other);
        }
        let chain_id = chain_id();
        let mut wires = Vec::with_capacity(self.transfers);
        for index in 0..self.transfers {
            let chosen = self.random(self.accounts);
            let to = match self.senders.get(chosen) {
                Some((recipient, _)) => recipient.address(),
                None => other(chosen),
            };
            let (sender, nonce) = &self.senders[index];
            // Nobody pays itself; to make the treasury's record takes 1,000 uait.
            let to = if to == sender.address() {
                Address::treasury()
            } else {
                to
            };
            let payload = draft::payload("TRANSFER", &draft::transfer(to, 1_000));
            let (nonce, fee) = (Nonce::constant(nonce + 1), Uait::constant(100));
            let transaction = Transaction::sign(&chain_id, &sender.key, nonce, fee, payload);
            wires.push(transaction.to_wire().into());
        }
        wires
    }

    /// A number below `limit`; the same sequence in every run.
    fn random(&mut self, limit: usize) -> usize {
        // Knuth's MMIX generator: its high bits are random enough to spread accesses.
        self.seed = self
            .seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) as usize % limit
    }

    /// CheckTx of each, then a block of what the node proposes, which must be all of them.
    fn run(&mut self, wires: &[Bytes], by: By) -> Block {
        self.height += 1;
        let check_tx = Took::by(|| match by {
            By::Calls => wires.iter().for_each(|wire| self.check(wire)),
            By::Socket => self.served.check(wires),
        });
        let consensus = self.node.consensus();
        let prepare = RequestPrepareProposal {
            max_tx_bytes: MAX_BLOCK_BYTES as i64,
            height: self.height,
            proposer_address: proposer(),
            ..RequestPrepareProposal::default()
        };
        let mut txs = Vec::new();
        let prepare_proposal = Took::by(|| {
            txs = consensus.prepare_proposal(&prepare).unwrap().txs;
        });
        assert_eq!(txs.len(), wires.len());
        let process = RequestProcessProposal {
            hash: hash_of(self.height),
            txs: txs.clone(),
            height: self.height,
            proposer_address: proposer(),
            ..RequestProcessProposal::default()
        };
        let process_proposal = Took::by(|| {
            let answer = consensus.process_proposal(&process).unwrap();
            assert_eq!(answer.status, ProposalStatus::Accept as i32);
        });
        let finalize = decided(self.height, txs);
        let finalize_block = Took::by(|| {
            let answer = consensus.finalize_block(finalize).unwrap();
            assert!(answer.tx_results.iter().all(|result| result.code == 0));
        });
        let commit = Took::by(|| consensus.commit().unwrap());
        Block {
            check_tx,
            prepare_proposal,
            process_proposal,
            finalize_block,
            commit,
        }
    }

    fn check(&self, wire: &Bytes) {
        let request = RequestCheckTx {
            tx: wire.clone(),
            r#type: CheckTxType::New as i32,
        };
        let answer = self.node.check_tx(&request).unwrap();
        assert_eq!(answer.code, 0, "{}", answer.log);
    }
}

/// An account that sends nothing.
fn other(number: usize) -> Address {
    Address::module(&format!("account {number}"))
}

/// The first, empty block, which writes all accounts.
fn write_genesis(node: &Application, senders: &[Actor], accounts: usize) {
    let others = (senders.len()..accounts).map(other);
    let mut setup = Setup::default();
    let all = senders.iter().map(Actor::address).chain(others);
    let balances = all.map(|address| (address.to_string(), BALANCE));
    setup.accounts.extend(balances);
    let genesis = init_chain(setup.app_state());
    drop(setup);
    node.consensus().init_chain(&genesis).unwrap();
    drop(genesis);
    let first = decided(1, Vec::new());
    node.consensus().finalize_block(first).unwrap();
    node.consensus().commit().unwrap();
}

fn decided(height: i64, txs: Vec<Bytes>) -> RequestFinalizeBlock {
    RequestFinalizeBlock {
        hash: hash_of(height),
        txs,
        height,
        proposer_address: proposer(),
        ..RequestFinalizeBlock::default()
    }
}

fn hash_of(height: i64) -> Bytes {
    sha256(&height.to_be_bytes()).to_vec().into()
}

fn proposer() -> Bytes {
    validator_key().consensus_address().0.to_vec().into()
}

fn init_chain(app_state: Vec<u8>) -> RequestInitChain {
    RequestInitChain {
        chain_id: CHAIN_ID.into(),
        consensus_params: Some(ConsensusParams {
            block: Some(BlockParams {
                max_bytes: MAX_BLOCK_BYTES as i64,
                max_gas: -1,
            }),
            evidence: Some(EvidenceParams {
                max_age_num_blocks: 100,
                max_age_duration: None,
                max_bytes: 1024 * 1024,
            }),
            validator: Some(ValidatorParams {
                pub_key_types: vec!["ed25519".into()],
            }),
            ..ConsensusParams::default()
        }),
        app_state_bytes: app_state.into(),
        initial_height: 1,
        ..RequestInitChain::default()
    }
}
