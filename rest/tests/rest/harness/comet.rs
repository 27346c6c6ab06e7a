//! Owns a stand-in for CometBFT: its JSON-RPC as far as REST uses it, a mempool, and blocks made on demand by
//! the real sequence of ABCI calls. Answers have the shapes of CometBFT 0.38.

mod chain;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard},
};

use ait_abci::Application;
use ait_app::{
    crypto::{PublicKey, sha256},
    engine::ConsensusAddress,
};
use axum::{Json, Router, extract::State, routing::post};
use serde_json::{Value, json};
use tendermint_proto::{
    google::protobuf::Timestamp,
    v0_38::{
        abci::{
            CheckTxType, RequestCheckTx, RequestFinalizeBlock, RequestInitChain,
            RequestPrepareProposal, RequestProcessProposal,
            response_process_proposal::ProposalStatus,
        },
        types::{BlockParams, ConsensusParams, EvidenceParams, ValidatorParams},
    },
};
use tokio::{net::TcpListener, sync::Mutex as AsyncMutex, task::JoinHandle};

use super::{CHAIN_ID, keys::CONSENSUS};
use chain::{Block, Chain, data_hash, internal};

/// The time of block 0; each block comes a second later. 2026-01-01.
pub const EPOCH: i64 = 1_767_225_600;

/// The stand-in.
pub struct FakeComet {
    node: Application,
    url: String,
    chain: Mutex<Chain>,
    /// One block at a time.
    making: AsyncMutex<()>,
    server: Mutex<Option<JoinHandle<()>>>,
}

impl FakeComet {
    pub async fn start(node: Application, genesis: &Value) -> Arc<Self> {
        if node.reader().newest().is_none() {
            begin(&node, genesis);
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let comet = Arc::new(Self {
            node,
            url: format!("http://{}", listener.local_addr().unwrap()),
            chain: Mutex::default(),
            making: AsyncMutex::default(),
            server: Mutex::default(),
        });
        let router = Router::new()
            .route("/", post(answer))
            .route("/broadcast_tx_sync", post(broadcast))
            .with_state(comet.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        *comet.server.lock().unwrap() = Some(server);
        comet
    }

    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Hears and answers nothing any more.
    pub fn go_away(&self) {
        if let Some(server) = self.server.lock().unwrap().take() {
            server.abort();
        }
    }

    pub fn set_catching_up(&self, catching_up: bool) {
        self.chain().catching_up = catching_up;
    }

    /// Where consensus stands from now on: its step, who voted in it, and what heights peers decide.
    pub fn set_consensus(&self, step: u8, votes: &str, peers: &[u64]) {
        let peers: Vec<Value> = peers
            .iter()
            .map(|height| json!({"peer_state": {"round_state": {"height": height.to_string()}}}))
            .collect();
        let height = (self.chain().blocks.len() + 1).to_string();
        self.chain().consensus = Some(json!({
            "round_state": {
                "height": height, "round": 0, "step": step, "start_time": "2026-01-01T00:00:00Z",
                "proposal_block": null, "votes": [{
                    "round": 0, "prevotes_bit_array": votes, "precommits_bit_array": votes,
                }],
            },
            "peers": peers,
        }));
    }

    pub fn set_peers(&self, ids: &[&str]) {
        let peer = |id: &&str| {
            json!({
                "node_info": {"id": id, "listen_addr": "tcp://127.0.0.1:1", "moniker": "m"},
                "is_outbound": true, "connection_status": {}, "remote_ip": "127.0.0.1",
            })
        };
        self.chain().peers = ids.iter().map(peer).collect();
    }

    /// Turns `rpc.unsafe` on.
    pub fn allow_dialling(&self) {
        self.chain().dialled = Some(Vec::new());
    }

    pub fn dialled(&self) -> Vec<String> {
        self.chain().dialled.clone().unwrap_or_default()
    }

    pub fn refuse_next(&self, error: &str) {
        self.chain().mempool_error = Some(error.into());
    }

    /// Transactions in its mempool.
    pub fn waiting(&self) -> usize {
        self.chain().mempool.len()
    }

    /// What its mempool holds, in order of arrival.
    pub fn mempool(&self) -> Vec<Vec<u8>> {
        self.chain().mempool.clone()
    }

    /// Goes on where another one was, whose mempool ended with it.
    pub fn resume(&self, other: &Self) {
        self.chain().blocks = other.chain().blocks.clone();
    }

    /// Its headers don't say what is in their blocks any more.
    pub fn forget_data_hashes(&self) {
        for block in &mut self.chain().blocks {
            block.data_hash = [0; 32];
        }
    }

    /// Whole blocks that were asked for.
    pub fn blocks_read(&self) -> usize {
        self.chain().blocks_read
    }

    pub fn broadcasts(&self) -> usize {
        self.chain().broadcasts
    }

    /// Whose key proposes from now on.
    pub fn propose_as(&self, key: [u8; 32]) {
        self.chain().consensus_key = Some(key);
    }

    /// What the header of a block says of the state after the block before it.
    pub fn app_hash_in_header(&self, height: u64) -> String {
        let chain = self.chain();
        let block = chain.blocks.iter().find(|block| block.height == height);
        hex::encode(&block.unwrap().app_hash_before)
    }

    /// Who is in the set from now on, with proposer priority; all of them sign.
    pub fn set_validators(&self, validators: &[(PublicKey, i64)]) {
        self.chain().validators = validators.to_vec();
    }

    /// Who signs no block any more.
    pub fn stop_signing(&self, key: PublicKey) {
        self.chain().absent.insert(key);
    }

    /// Makes a block of what the node proposes.
    pub async fn make_block(&self) -> u64 {
        let _one = self.making.lock().await;
        let (height, parent, app_hash_before, proposer) = self.next();
        let time = Some(Timestamp {
            seconds: EPOCH + height as i64,
            nanos: 0,
        });
        let mempool = self.chain().mempool.clone();
        let consensus = self.node.consensus();
        let request = RequestPrepareProposal {
            max_tx_bytes: 4 * 1024 * 1024,
            txs: mempool.iter().map(|tx| tx.clone().into()).collect(),
            height: height as i64,
            time,
            proposer_address: proposer.to_vec().into(),
            ..RequestPrepareProposal::default()
        };
        let proposal = consensus.prepare_proposal(&request).unwrap();
        let hash = sha256(format!("{parent}{height}{}", proposal.txs.len()).as_bytes());
        let request = RequestProcessProposal {
            txs: proposal.txs.clone(),
            proposed_last_commit: Some(self.chain().last_commit()),
            hash: hash.to_vec().into(),
            height: height as i64,
            time,
            proposer_address: proposer.to_vec().into(),
            ..RequestProcessProposal::default()
        };
        let judged = consensus.process_proposal(&request).unwrap();
        assert_eq!(judged.status, ProposalStatus::Accept as i32);
        let txs: Vec<Vec<u8>> = proposal.txs.iter().map(|tx| tx.to_vec()).collect();
        // CometBFT stores a block before it is executed.
        self.chain().blocks.push(Block {
            height,
            hash,
            parent,
            proposer,
            data_hash: data_hash(&txs),
            txs: txs.clone(),
            app_hash_before,
        });
        let request = RequestFinalizeBlock {
            txs: proposal.txs,
            decided_last_commit: Some(self.chain().last_commit()),
            hash: hash.to_vec().into(),
            height: height as i64,
            time,
            proposer_address: proposer.to_vec().into(),
            ..RequestFinalizeBlock::default()
        };
        consensus.finalize_block(request).unwrap();
        consensus.commit().unwrap();
        self.recheck(&txs);
        height
    }

    fn next(&self) -> (u64, String, Vec<u8>, [u8; 20]) {
        let chain = self.chain();
        let last = chain.blocks.last();
        let height = last.map_or(1, |block| block.height + 1);
        let parent = last.map_or(String::new(), |block| hex::encode_upper(block.hash));
        let app_hash = self
            .node
            .reader()
            .newest()
            .map_or(vec![0; 32], |committed| {
                committed.state.app_hash().0.to_vec()
            });
        let key = chain
            .consensus_key
            .unwrap_or(*CONSENSUS.secret().public_key().as_bytes());
        let digest = sha256(&key);
        let proposer: [u8; 20] = digest[..20].try_into().unwrap();
        assert!(ConsensusAddress::from_slice(&proposer).is_some());
        (height, parent, app_hash, proposer)
    }

    fn recheck(&self, committed: &[Vec<u8>]) {
        let mut waiting = self.chain().mempool.clone();
        waiting.retain(|tx| !committed.contains(tx) && self.check(tx, CheckTxType::Recheck).0 == 0);
        let mut chain = self.chain();
        let kept: BTreeSet<&Vec<u8>> = waiting.iter().chain(committed).collect();
        let cache = chain.cache.iter().filter(|tx| kept.contains(tx));
        chain.cache = cache.cloned().collect();
        chain.mempool = waiting;
    }

    fn check(&self, tx: &[u8], kind: CheckTxType) -> (u32, String) {
        let request = RequestCheckTx {
            tx: tx.to_vec().into(),
            r#type: kind as i32,
        };
        let answer = self.node.check_tx(&request).unwrap();
        (answer.code, answer.log)
    }

    fn broadcast(&self, tx: Vec<u8>) -> Result<Value, Value> {
        {
            let mut chain = self.chain();
            chain.broadcasts += 1;
            if let Some(error) = chain.mempool_error.take() {
                return Err(internal(&error));
            }
            if !chain.cache.insert(tx.clone()) {
                return Err(internal("tx already exists in cache"));
            }
        }
        let (code, log) = self.check(&tx, CheckTxType::New);
        let mut chain = self.chain();
        if code == 0 {
            chain.mempool.push(tx.clone());
        } else {
            chain.cache.remove(&tx);
        }
        Ok(json!({
            "code": code, "data": "", "log": log, "codespace": "",
            "hash": hex::encode_upper(sha256(&tx)),
        }))
    }

    fn dial(&self, params: &Value) -> Result<Value, Value> {
        let mut chain = self.chain();
        let Some(dialled) = &mut chain.dialled else {
            return Err(json!({"code": -32601, "message": "Method not found", "data": ""}));
        };
        let peers = params["peers"].as_array().unwrap();
        dialled.extend(peers.iter().map(|peer| peer.as_str().unwrap().to_owned()));
        Ok(json!({"log": "Dialing peers in progress. See /net_info for details"}))
    }

    fn chain(&self) -> MutexGuard<'_, Chain> {
        self.chain.lock().unwrap()
    }
}

fn begin(node: &Application, genesis: &Value) {
    let request = RequestInitChain {
        chain_id: CHAIN_ID.into(),
        initial_height: 1,
        time: Some(Timestamp {
            seconds: EPOCH,
            nanos: 0,
        }),
        consensus_params: Some(ConsensusParams {
            block: Some(BlockParams {
                max_bytes: 4 * 1024 * 1024,
                max_gas: -1,
            }),
            validator: Some(ValidatorParams {
                pub_key_types: vec!["ed25519".into()],
            }),
            evidence: Some(EvidenceParams {
                max_age_num_blocks: 100,
                ..EvidenceParams::default()
            }),
            ..ConsensusParams::default()
        }),
        app_state_bytes: genesis.to_string().into(),
        ..RequestInitChain::default()
    };
    node.consensus().init_chain(&request).unwrap();
}

async fn answer(State(comet): State<Arc<FakeComet>>, Json(request): Json<Value>) -> Json<Value> {
    let params = &request["params"];
    let method = request["method"].as_str().unwrap();
    let result = match method {
        "dial_peers" => comet.dial(params),
        _ => {
            let mut chain = comet.chain();
            if method == "block" {
                chain.blocks_read += 1;
            }
            match method {
                "status" => Ok(json!({"sync_info": {"catching_up": chain.catching_up}})),
                "dump_consensus_state" => chain
                    .consensus
                    .clone()
                    .ok_or_else(|| internal("consensus is busy")),
                "net_info" => Ok(json!({"n_peers": "0", "peers": chain.peers})),
                "block" => chain.at(params).map(Block::answer),
                "header" => chain
                    .at(params)
                    .map(|block| json!({"header": block.header()})),
                "commit" => chain.commit(params),
                "validators" => chain.validators(params),
                "header_by_hash" => chain.header_by_hash(params),
                _ => Err(json!({"code": -32601, "message": "Method not found", "data": method})),
            }
        }
    };
    envelope(result)
}

/// A transaction as a form, as CometBFT takes it by its method's own path.
async fn broadcast(State(comet): State<Arc<FakeComet>>, form: String) -> Json<Value> {
    let tx = hex::decode(form.strip_prefix("tx=0x").unwrap()).unwrap();
    let checked = tokio::task::spawn_blocking(move || comet.broadcast(tx));
    envelope(checked.await.unwrap())
}

fn envelope(result: Result<Value, Value>) -> Json<Value> {
    Json(match result {
        Ok(result) => json!({"jsonrpc": "2.0", "id": 1, "result": result}),
        Err(error) => json!({"jsonrpc": "2.0", "id": 1, "error": error}),
    })
}
