//! Owns how a node that lost all comes back by state sync: another's snapshot, with liars in between, and
//! crashes on the way. What was restored must be the state of the block that consensus trusts.

use bytes::Bytes;
use tendermint_proto::v0_38::abci::{
    RequestApplySnapshotChunk, RequestListSnapshots, RequestLoadSnapshotChunk,
    RequestOfferSnapshot, Snapshot, request::Value as Request, response::Value as Response,
    response_apply_snapshot_chunk::Result as Applied, response_offer_snapshot::Result as Offered,
};

use crate::{node::Stop, world::World};

impl World {
    /// Restores a snapshot into a node without blocks. Says no where nobody has one, or where it shall execute every
    /// block.
    ///
    /// # Errors
    /// [`Stop`].
    pub(crate) fn join(&mut self, number: usize) -> Result<bool, Stop> {
        let Some((provider, snapshot)) = self.provider(number)? else {
            return Ok(false);
        };
        let Some(trusted) = self.log.app_hash(snapshot.height) else {
            return Ok(false);
        };
        let mut chunks = Vec::new();
        for chunk in 0..snapshot.chunks {
            chunks.push(self.load(provider, &snapshot, chunk)?);
        }
        self.refuse_to_others(provider, &snapshot, &trusted)?;
        self.lie_about(number, &snapshot, &trusted)?;
        match self.offer(number, &snapshot, &trusted)? {
            Offered::Accept => {}
            other => {
                return Err(Stop::Wrong(format!(
                    "it refuses a good snapshot: {other:?}"
                )));
            }
        }
        let mut order: Vec<u32> = (0..snapshot.chunks).collect();
        self.dice.shuffle(&mut order);
        for index in order {
            self.give(number, &snapshot, index, &chunks)?;
        }
        let Some(node) = self.nodes.get_mut(number) else {
            return Ok(false);
        };
        let info = node.app()?.info();
        let height = u64::try_from(info.last_block_height).unwrap_or(0);
        if height != snapshot.height || info.last_block_app_hash != trusted {
            let found = hex::encode(&info.last_block_app_hash);
            let why = format!("it restored block {height} with app hash {found}");
            return Err(Stop::Wrong(why));
        }
        node.has_restored(height);
        self.trace.note("restored", &[height]);
        self.tally.restores = self.tally.restores.saturating_add(1);
        Ok(true)
    }

    /// Who has a snapshot, and its newest one. Where all peers pruned, somebody takes one.
    fn provider(&mut self, number: usize) -> Result<Option<(usize, Snapshot)>, Stop> {
        let peers: Vec<usize> = self
            .synced()
            .into_iter()
            .filter(|peer| *peer != number)
            .collect();
        let Some(peer) = peers.get(self.dice.place(peers.len())).copied() else {
            return Ok(None);
        };
        let first = self.log.before_first().saturating_add(1);
        let mut others = self.nodes.iter().filter(|node| node.number != number);
        let has_all = others.any(|node| node.acknowledged > 0 && node.oldest <= first);
        let rebuilds = has_all && self.dice.one_in(3) && self.log.tip() < first + 2_000;
        if rebuilds {
            return Ok(None);
        }
        if self.dice.one_in(2) || self.list(peer)?.is_empty() {
            self.take_snapshot(peer)?;
        }
        let snapshots = self.list(peer)?;
        let Some(snapshot) = snapshots.get(self.dice.place(snapshots.len())) else {
            return Ok(None);
        };
        let oldest = self.nodes.get(peer).map_or(0, |node| node.oldest);
        if oldest > snapshot.height.saturating_add(1) {
            let height = snapshot.height;
            let why =
                format!("it offers a snapshot of block {height}, and has none before {oldest}");
            return Err(Stop::Wrong(why));
        }
        Ok(Some((peer, snapshot.clone())))
    }

    fn list(&mut self, number: usize) -> Result<Vec<Snapshot>, Stop> {
        let request = Request::ListSnapshots(RequestListSnapshots {});
        match self.ask(number, request)? {
            Response::ListSnapshots(answer) => Ok(answer.snapshots),
            other => Err(unexpected(&other)),
        }
    }

    fn load(&mut self, number: usize, snapshot: &Snapshot, chunk: u32) -> Result<Bytes, Stop> {
        let request = Request::LoadSnapshotChunk(RequestLoadSnapshotChunk {
            height: snapshot.height,
            format: snapshot.format,
            chunk,
        });
        match self.ask(number, request)? {
            Response::LoadSnapshotChunk(answer) if !answer.chunk.is_empty() => Ok(answer.chunk),
            other => Err(unexpected(&other)),
        }
    }

    fn offer(
        &mut self,
        number: usize,
        snapshot: &Snapshot,
        trusted: &Bytes,
    ) -> Result<Offered, Stop> {
        let request = Request::OfferSnapshot(RequestOfferSnapshot {
            snapshot: Some(snapshot.clone()),
            app_hash: trusted.clone(),
        });
        match self.ask(number, request)? {
            Response::OfferSnapshot(answer) => Ok(answer.result()),
            other => Err(unexpected(&other)),
        }
    }

    fn apply(&mut self, number: usize, index: u32, chunk: Bytes) -> Result<Applied, Stop> {
        let request = Request::ApplySnapshotChunk(RequestApplySnapshotChunk {
            index,
            chunk,
            sender: "peer".to_owned(),
        });
        match self.ask(number, request)? {
            Response::ApplySnapshotChunk(answer) => Ok(answer.result()),
            other => Err(unexpected(&other)),
        }
    }

    /// A node that has blocks restores nothing.
    fn refuse_to_others(
        &mut self,
        number: usize,
        snapshot: &Snapshot,
        trusted: &Bytes,
    ) -> Result<(), Stop> {
        if !self.dice.one_in(3) {
            return Ok(());
        }
        match self.offer(number, snapshot, trusted)? {
            Offered::Abort => Ok(()),
            other => Err(Stop::Wrong(format!(
                "a node with blocks answers an offer with {other:?}"
            ))),
        }
    }

    /// Offers of liars: another manifest, another hash, another height.
    fn lie_about(
        &mut self,
        number: usize,
        snapshot: &Snapshot,
        trusted: &Bytes,
    ) -> Result<(), Stop> {
        if !self.dice.one_in(2) {
            return Ok(());
        }
        let mut lie = snapshot.clone();
        let mut trusted = trusted.clone();
        match self.dice.below(4) {
            0 => lie.height = lie.height.saturating_add(1),
            1 => lie.metadata = flipped(&lie.metadata, 0),
            2 => lie.format = lie.format.saturating_add(1),
            _ => trusted = flipped(&trusted, 3),
        }
        self.tally.lies = self.tally.lies.saturating_add(1);
        match self.offer(number, &lie, &trusted)? {
            Offered::RejectSender | Offered::RejectFormat => Ok(()),
            other => Err(Stop::Wrong(format!("it answers a lie with {other:?}"))),
        }
    }

    /// Gives a chunk, maybe a wrong one before, maybe twice, and maybe the process dies instead.
    fn give(
        &mut self,
        number: usize,
        snapshot: &Snapshot,
        index: u32,
        chunks: &[Bytes],
    ) -> Result<(), Stop> {
        let place = usize::try_from(index).unwrap_or(0);
        let Some(chunk) = chunks.get(place) else {
            return Ok(());
        };
        if self.dice.one_in(2) {
            let wrong = self.dice.place(chunk.len());
            self.tally.lies = self.tally.lies.saturating_add(1);
            let answer = self.apply(number, index, flipped(chunk, wrong))?;
            if answer != Applied::Retry {
                let height = snapshot.height;
                let why = format!("it takes a wrong chunk of the snapshot of block {height}");
                return Err(Stop::Wrong(why));
            }
        }
        if self.dice.one_in(6) {
            // Whatever was filled is gone, and it begins anew at the next start.
            if let Some(node) = self.nodes.get_mut(number) {
                node.kill();
            }
            return Err(Stop::Crashed);
        }
        if self.dice.one_in(6) {
            let trap = self.trap(4);
            if let Some(node) = self.nodes.get(number) {
                node.disk.set_trap(trap);
            }
        }
        let answer = self.apply(number, index, chunk.clone());
        let failed = self
            .nodes
            .get(number)
            .is_some_and(|node| node.disk.clear_trap());
        match answer {
            Ok(Applied::Accept) if !failed => Ok(()),
            Err(Stop::Wrong(why)) if !failed => Err(Stop::Wrong(why)),
            _ if failed => {
                if let Some(node) = self.nodes.get_mut(number) {
                    node.kill();
                }
                Err(Stop::Crashed)
            }
            other => Err(Stop::Wrong(format!("it refuses a good chunk: {other:?}"))),
        }
    }

    fn ask(&mut self, number: usize, request: Request) -> Result<Response, Stop> {
        let node = self.nodes.get_mut(number);
        node.ok_or(Stop::Crashed)?.ask(request)
    }
}

fn flipped(bytes: &Bytes, place: usize) -> Bytes {
    let mut bytes = bytes.to_vec();
    if let Some(byte) = bytes.get_mut(place) {
        *byte ^= 1;
    }
    bytes.into()
}

fn unexpected(response: &Response) -> Stop {
    Stop::Wrong(format!("an answer to something else: {response:?}"))
}
