//! Owns how a height's block is decided: proposals of honest nodes and of others, the verdicts of those who
//! judge them, rounds that come to nothing, and gossip before.

use ait_testkit::work::attestation_entry;
use ait_tests::{
    model::{Engine, Model, Outcome},
    plan::Built,
};
use bytes::Bytes;
use tendermint_proto::{
    google::protobuf::Timestamp,
    v0_38::abci::{RequestFinalizeBlock, RequestPrepareProposal, RequestProcessProposal},
};

use crate::{
    engine::{commit_info, misbehaviour},
    load,
    node::Stop,
    world::{MAX_BLOCK_BYTES, World},
};

/// Rounds after which a proposal is only made of nothing.
const MOST_ROUNDS: u64 = 6;

/// A proposal.
struct Proposal {
    txs: Vec<Bytes>,
    /// Whether an honest node made it.
    is_honest: bool,
}

/// What becomes of a proposal, and of the model.
struct Forecast {
    outcome: Outcome,
    after: Model,
}

/// What two thirds do with a proposal.
enum Fate {
    Decided,
    Lost,
}

impl World {
    /// Decides the next block.
    ///
    /// # Errors
    /// What no node may do.
    pub(crate) fn agree(&mut self, built: Option<Built>) -> Result<(), Stop> {
        let mut engine = self.watch.engine(&mut self.dice, &self.model);
        let time = self.watch.tick(&mut self.dice);
        let planned = built.map(|built| built.wires);
        for round in 0_u64.. {
            let proposal = self.proposal(round, planned.as_deref())?;
            let forecast = self.forecast(&proposal, &engine);
            let is_acceptable = forecast.as_ref().is_none_or(|it| it.outcome.accepted);
            if proposal.is_honest && !is_acceptable {
                let txs = texts(&proposal.txs);
                let why = format!("an honest node proposes what none may accept: {txs:?}");
                return Err(Stop::Wrong(why));
            }
            let request = self.request(round, &proposal.txs, &engine, time);
            self.judge(&request, is_acceptable)?;
            match self.fate(round, is_acceptable, &proposal.txs) {
                Fate::Lost => {
                    self.tally.lost_rounds = self.tally.lost_rounds.saturating_add(1);
                    self.trace.note("lost round", &[self.log.tip(), round]);
                    let voters: Vec<[u8; 20]> = engine.votes.iter().map(|vote| vote.0).collect();
                    engine.proposer = self.watch.proposer(&mut self.dice, &voters);
                }
                Fate::Decided => {
                    let outcome = match forecast {
                        Some(Forecast { outcome, after }) => {
                            self.model = after;
                            outcome
                        }
                        None => self.model.block(&[], &engine),
                    };
                    self.log.push(finalize(request), outcome);
                    break;
                }
            }
        }
        Ok(())
    }

    fn proposal(&mut self, round: u64, planned: Option<&[Vec<u8>]>) -> Result<Proposal, Stop> {
        if let Some(wires) = planned
            && round == 0
            && self.dice.one_in(2)
        {
            let txs = wires
                .iter()
                .map(|wire| Bytes::copy_from_slice(wire))
                .collect();
            return Ok(Proposal {
                txs,
                is_honest: false,
            });
        }
        let mut txs = Vec::new();
        if round < MOST_ROUNDS {
            txs = self.honest_proposal()?;
            if self.dice.one_in(60) {
                let txs = self.twisted(txs);
                return Ok(Proposal {
                    txs,
                    is_honest: false,
                });
            }
        }
        Ok(Proposal {
            txs,
            is_honest: true,
        })
    }

    fn honest_proposal(&mut self) -> Result<Vec<Bytes>, Stop> {
        let synced = self.synced();
        let number = synced.get(self.dice.place(synced.len())).copied();
        let Some(node) = number.and_then(|number| self.nodes.get(number)) else {
            return Ok(Vec::new());
        };
        let most = match self.dice.one_in(20) {
            true => self.dice.place(4_000),
            false => MAX_BLOCK_BYTES,
        };
        let txs = node.propose(&RequestPrepareProposal {
            max_tx_bytes: i64::try_from(most).unwrap_or(0),
            height: signed(self.log.tip().saturating_add(1)),
            txs: node.mempool.iter().map(|held| held.tx.clone()).collect(),
            ..RequestPrepareProposal::default()
        })?;
        let bytes: usize = txs.iter().map(Bytes::len).sum();
        if bytes > most {
            let why = format!("it proposes {bytes} bytes where {most} are allowed");
            return Err(Stop::Wrong(why));
        }
        self.tally.honest = self.tally.honest.saturating_add(1);
        Ok(txs)
    }

    /// What somebody makes of an honest proposal who wants to harm others.
    fn twisted(&mut self, mut txs: Vec<Bytes>) -> Vec<Bytes> {
        let place = self.dice.place(txs.len().saturating_add(1));
        match self.dice.below(8) {
            0 => txs.insert(place, Bytes::from_static(b"no transaction")),
            1 => txs.insert(place, attestation_entry(&[]).into()),
            2 => txs.insert(0, Bytes::new()),
            3 => txs.insert(0, vec![b'x'; MAX_BLOCK_BYTES].into()),
            4 => {
                let again = txs.first().cloned();
                txs.extend(again);
            }
            5 => self.dice.shuffle(&mut txs),
            6 => {
                // One that was committed already.
                let height = self.log.tip().saturating_sub(self.dice.below(8));
                let earlier = self.log.txs(height).first().cloned();
                txs.extend(earlier);
            }
            _ => {
                if let Some(tx) = txs.get_mut(place.saturating_sub(1)) {
                    let mut bytes = tx.to_vec();
                    let at = self.dice.place(bytes.len());
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte ^= 1;
                    }
                    *tx = bytes.into();
                }
            }
        }
        txs
    }

    /// What the model says of a proposal; an empty one is always accepted, and executed once it is decided.
    fn forecast(&self, proposal: &Proposal, engine: &Engine) -> Option<Forecast> {
        if proposal.txs.is_empty() {
            return None;
        }
        let wires: Vec<Vec<u8>> = proposal.txs.iter().map(|tx| tx.to_vec()).collect();
        let mut after = self.model.clone();
        let outcome = after.block(&wires, engine);
        Some(Forecast { outcome, after })
    }

    fn request(
        &self,
        round: u64,
        txs: &[Bytes],
        engine: &Engine,
        time: Timestamp,
    ) -> RequestProcessProposal {
        let height = self.log.tip().saturating_add(1);
        let hash = [height, round, 0, 0].map(u64::to_be_bytes).concat();
        RequestProcessProposal {
            txs: txs.to_vec(),
            proposed_last_commit: Some(commit_info(engine, round)),
            misbehavior: misbehaviour(engine),
            hash: hash.into(),
            height: signed(height),
            time: Some(time),
            next_validators_hash: Bytes::new(),
            proposer_address: engine
                .proposer
                .map_or_else(Bytes::new, |key| key.to_vec().into()),
        }
    }

    fn judge(&mut self, request: &RequestProcessProposal, is_acceptable: bool) -> Result<(), Stop> {
        let is_too_long = bytes_of(&request.txs) > MAX_BLOCK_BYTES;
        for number in self.synced() {
            // Some never get it. CometBFT hands on none that is too long.
            let Some(node) = self.nodes.get_mut(number) else {
                continue;
            };
            if self.dice.one_in(12) || (is_too_long && node.knows_no_limit) {
                continue;
            }
            if node.judge(request)? != is_acceptable {
                let height = request.height;
                let expected = if is_acceptable { "accept" } else { "reject" };
                let txs = texts(&request.txs);
                return Err(Stop::Wrong(format!(
                    "node {number} does not {expected} a proposal of block {height}: {txs:?}"
                )));
            }
        }
        Ok(())
    }

    /// Of those that none may accept, some are decided nevertheless, as by nodes of another program.
    fn fate(&mut self, round: u64, is_acceptable: bool, txs: &[Bytes]) -> Fate {
        if is_acceptable {
            let times_out = round < MOST_ROUNDS && self.dice.one_in(25);
            return if times_out { Fate::Lost } else { Fate::Decided };
        }
        self.tally.rejected = self.tally.rejected.saturating_add(1);
        if bytes_of(txs) <= MAX_BLOCK_BYTES && self.dice.one_in(4) {
            self.tally.forced = self.tally.forced.saturating_add(1);
            return Fate::Decided;
        }
        Fate::Lost
    }

    /// What is in the nodes' mempools goes from one to the other: late, twice, in any order, or never.
    pub(crate) fn gossip(&mut self) -> Result<(), Stop> {
        let count = self.nodes.len();
        let mut on_their_way = Vec::new();
        for node in &mut self.nodes {
            for held in &mut node.mempool {
                let peer = self.dice.place(count);
                let bit = u32::try_from(peer).map_or(0, |peer| 1_u8.unbounded_shl(peer));
                if held.given_to & bit == 0 || self.dice.one_in(40) {
                    held.given_to |= bit;
                    on_their_way.push((peer, held.tx.clone()));
                }
            }
        }
        self.dice.shuffle(&mut on_their_way);
        for (peer, tx) in on_their_way {
            let node = self.nodes.get_mut(peer);
            if let Some(node) = node.filter(|node| node.is_up())
                && !self.dice.one_in(10)
            {
                node.receive(&tx)?;
            }
        }
        self.offer_saved()?;
        self.attest()
    }

    /// Nodes offer their CometBFT what a stop had saved.
    fn offer_saved(&mut self) -> Result<(), Stop> {
        for node in &mut self.nodes {
            if !node.is_up() || node.saved.is_empty() {
                continue;
            }
            for (hash, wire) in node.app()?.mempool().unoffered() {
                node.receive(&Bytes::copy_from_slice(&wire))?;
                node.app()?.mempool().offered(&hash);
            }
            node.saved.clear();
        }
        Ok(())
    }

    fn attest(&mut self) -> Result<(), Stop> {
        for node in &self.nodes {
            let Ok(app) = node.app() else { continue };
            if app.mempool().stats().waiting_for_attestation == 0 {
                continue;
            }
            let wanted = app.mempool().attestations_wanted();
            for wanted in wanted.map_err(|error| error.to_string())? {
                if let Some(answer) = load::attest(&mut self.dice, &self.model, &wanted) {
                    let arrived = app.mempool().attestation_arrived(&wanted.hash, answer);
                    arrived.map_err(|error| error.to_string())?;
                    self.tally.attestations = self.tally.attestations.saturating_add(1);
                }
            }
        }
        Ok(())
    }
}

fn finalize(request: RequestProcessProposal) -> RequestFinalizeBlock {
    RequestFinalizeBlock {
        txs: request.txs,
        decided_last_commit: request.proposed_last_commit,
        misbehavior: request.misbehavior,
        hash: request.hash,
        height: request.height,
        time: request.time,
        next_validators_hash: request.next_validators_hash,
        proposer_address: request.proposer_address,
    }
}

fn bytes_of(txs: &[Bytes]) -> usize {
    let sizes = txs.iter().map(|tx| ait_app::block::protobuf_size(tx.len()));
    sizes.fold(0, usize::saturating_add)
}

fn signed(height: u64) -> i64 {
    i64::try_from(height).unwrap_or(i64::MAX)
}

fn texts(txs: &[Bytes]) -> Vec<String> {
    let texts = txs.iter().map(|tx| String::from_utf8_lossy(tx));
    texts.map(|text| text.chars().take(900).collect()).collect()
}
