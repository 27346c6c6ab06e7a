//! Owns the way through the files of a recording: from where it begins, over the ends and starts of the node, up to the
//! first answer that differs. A call is executed where its answer stands: what it reads is as it was then.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use ait_abci::{
    SnapshotFiles,
    recording::{Call, Item, Recording, Run},
};
use ait_app::{identifiers::ChainId, state::AppHash};
use anyhow::{Context, Result, anyhow, bail, ensure};
use prost::bytes::Bytes;
use tendermint_proto::v0_38::abci::{request::Value as Request, response::Value as Answer};

use super::{
    calls,
    compare::{Compared, FieldDifference, difference, stopped_by_itself},
    execution::Execution,
    offered::OwnSnapshots,
    report::{Difference, End, Report, RunReport},
};

/// Calls under way at once, at most: a node serves fewer connections.
const MOST_UNDER_WAY: usize = 64;

/// With what it begins, if not with the genesis.
#[derive(Debug, Default)]
pub struct Beginning {
    /// The folder of a snapshot.
    pub snapshot: Option<PathBuf>,
    /// The app hash that it must have.
    pub app_hash: Option<AppHash>,
}

/// Executes the calls in these files, up to the first answer that differs.
///
/// # Errors
/// What of a file is not understood, calls that are missing, and this machine's disk.
pub fn execute(files: &[PathBuf], beginning: &Beginning) -> Result<Report> {
    let mut audit = Audit {
        state: State::Nothing,
        own_snapshots: OwnSnapshots::wanted_by(files)?,
        under_way: BTreeMap::new(),
        report: Report::default(),
    };
    for (index, path) in files.iter().enumerate() {
        let mut recording = Recording::open(path)?;
        let place = Place {
            run: index + 1,
            path,
        };
        let ended = audit.run(&mut recording, place, beginning);
        let found = ended.with_context(|| path.display().to_string())?;
        if let Some(difference) = found {
            audit.report.difference = Some(difference);
            break;
        }
    }
    if let State::Executing(execution) = &audit.state {
        audit.report.height = execution.height();
        audit.report.app_hash = hex::encode_upper(execution.app_hash());
    }
    if let State::Before(snapshot) = &audit.state {
        let height = snapshot.files.manifest().height();
        bail!("the recording ends before block {height}, of which the snapshot is");
    }
    let mut report = audit.report;
    report.agrees = report.difference.is_none();
    Ok(report)
}

/// What is executed.
enum State {
    /// No run was begun.
    Nothing,
    /// Calls are passed over up to the block of a snapshot.
    Before(Box<Later>),
    /// Calls are executed.
    Executing(Box<Execution>),
}

/// A snapshot of a block that the recording has.
struct Later {
    files: SnapshotFiles,
    app_hash: Option<AppHash>,
    /// The block that was finalized last.
    finalized: u64,
}

/// A call without an answer so far.
struct UnderWay {
    method: &'static str,
    request: Box<Request>,
}

/// Where it is.
#[derive(Clone, Copy)]
struct Place<'a> {
    run: usize,
    path: &'a Path,
}

struct Audit {
    state: State,
    own_snapshots: OwnSnapshots,
    /// By the call's number.
    under_way: BTreeMap<u64, UnderWay>,
    report: Report,
}

impl Audit {
    fn run(
        &mut self,
        recording: &mut Recording,
        place: Place<'_>,
        beginning: &Beginning,
    ) -> Result<Option<Difference>> {
        let run = recording.run().clone();
        self.report.runs.push(RunReport {
            file: place.path.display().to_string(),
            version: run.version.clone(),
            height: run.height,
            end: End::Unread,
        });
        if let Some(found) = self.begin_run(&run, place, beginning)? {
            return Ok(Some(found));
        }
        while let Some(item) = recording.next_item()? {
            match item {
                Item::Call(call, request) => self.called(call, request)?,
                Item::Answer(number, response) => {
                    let Some(under_way) = self.under_way.remove(&number) else {
                        bail!("call {number} is answered twice");
                    };
                    if let Some(found) = self.answered(&run, place, number, under_way, &response)? {
                        return Ok(Some(found));
                    }
                }
                Item::Opened(_) | Item::Closed(_) | Item::Ended => {}
            }
        }
        if let Some(last) = self.report.runs.last_mut() {
            last.end = match (recording.is_ended(), recording.is_cut()) {
                (true, _) => End::Stopped,
                (_, true) => End::Cut,
                _ => End::Open,
            };
        }
        self.report.unanswered += self.under_way.len() as u64;
        Ok(None)
    }

    /// Brings the own node to where the recorded one was when its process began.
    fn begin_run(
        &mut self,
        run: &Run,
        place: Place<'_>,
        beginning: &Beginning,
    ) -> Result<Option<Difference>> {
        let chain_id: ChainId = run
            .chain_id
            .parse()
            .map_err(|error| anyhow!("its chain {:?} is none: {error}", run.chain_id))?;
        let known = &mut self.report.chain_id;
        ensure!(
            known.is_empty() || *known == run.chain_id,
            "it is of chain {chain_id}, and the run before of {known}"
        );
        known.clone_from(&run.chain_id);
        let cut_short = std::mem::take(&mut self.under_way);
        match &mut self.state {
            State::Nothing => self.state = first_state(run, &chain_id, beginning)?,
            State::Before(later) => {
                if run.height == later.files.manifest().height().get() {
                    self.begin_executing(&chain_id)?;
                }
            }
            // A store without a block is a new one.
            State::Executing(_) if run.height == 0 => {
                self.state = State::Executing(Box::new(Execution::fresh(&chain_id)?));
            }
            State::Executing(execution) => {
                // Whether a kill came before the block was on disk or after it, the node's next start says.
                if run.height != execution.height() {
                    for (_, unanswered) in cut_short {
                        if changes(&unanswered.request) {
                            execution.ask(*unanswered.request)?;
                        }
                    }
                }
                execution.restart()?;
            }
        }
        let State::Executing(execution) = &mut self.state else {
            return Ok(None);
        };
        execution.keep_blocks(run.keep_blocks);
        let height = execution.height();
        ensure!(
            height == run.height,
            "calls are missing: this run of the node began with block {}, and the calls before it end with block \
             {height}. Give the files of all runs between, or begin with this one and a snapshot (--from-snapshot)",
            run.height
        );
        let found = execution.app_hash();
        Ok((found != run.app_hash).then(|| {
            let differs = FieldDifference {
                field: "app_hash of the store".to_owned(),
                recorded: hex::encode_upper(&run.app_hash),
                found: hex::encode_upper(found),
            };
            Difference::new(place.run, place.path.display().to_string(), height, differs)
        }))
    }

    /// From the block of the snapshot on, calls are executed.
    fn begin_executing(&mut self, chain_id: &ChainId) -> Result<()> {
        if let State::Before(later) = &self.state {
            let execution = Execution::of_snapshot(&later.files, chain_id, later.app_hash)?;
            self.state = State::Executing(Box::new(execution));
        }
        Ok(())
    }

    fn called(&mut self, call: Call, request: Box<Request>) -> Result<()> {
        ensure!(
            self.under_way.len() < MOST_UNDER_WAY,
            "call {}: more than {MOST_UNDER_WAY} calls are under way at once",
            call.number
        );
        let method = calls::method(&request);
        let under_way = UnderWay { method, request };
        self.under_way.insert(call.number, under_way);
        Ok(())
    }

    /// Leaves out a call before the snapshot, which its block ends.
    fn pass_over(&mut self, run: &Run, request: &Request) -> Result<()> {
        self.report.passed_over += 1;
        let State::Before(later) = &mut self.state else {
            return Ok(());
        };
        let manifest = later.files.manifest();
        match request {
            Request::FinalizeBlock(_) => later.finalized = calls::height(request).unwrap_or(0),
            Request::Commit(_) if later.finalized == manifest.height().get() => {
                let chain_id = manifest.chain_id().clone();
                self.begin_executing(&chain_id)?;
                if let State::Executing(execution) = &self.state {
                    execution.keep_blocks(run.keep_blocks);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Executes a call, and compares.
    fn answered(
        &mut self,
        run: &Run,
        place: Place<'_>,
        number: u64,
        call: UnderWay,
        recorded: &Bytes,
    ) -> Result<Option<Difference>> {
        let UnderWay { method, request } = call;
        let named = calls::height(&request);
        let State::Executing(execution) = &mut self.state else {
            self.pass_over(run, &request)?;
            return Ok(None);
        };
        let height = named.unwrap_or_else(|| execution.working_height());
        if stopped_by_itself(recorded) {
            *self.report.not_compared.entry(method).or_default() += 1;
            return Ok(None);
        }
        let is_commit = matches!(*request, Request::Commit(_));
        let (own, compared) = match *request {
            Request::ListSnapshots(_) => (self.own_snapshots.list(recorded), Compared::Whole),
            Request::LoadSnapshotChunk(request) => (
                self.own_snapshots.load(&request, recorded)?,
                Compared::Whole,
            ),
            request => match compared(&request, run, execution) {
                Some(compared) => (Some(ask(execution, request, number, method)?), compared),
                None => (None, Compared::Whole),
            },
        };
        let Some(own) = own else {
            *self.report.not_compared.entry(method).or_default() += 1;
            return Ok(None);
        };
        *self.report.compared.entry(method).or_default() += 1;
        if let Some(differs) = difference(recorded, own, compared)? {
            let file = place.path.display().to_string();
            return Ok(Some(Difference {
                call: Some(number),
                method: Some(method),
                ..Difference::new(place.run, file, height, differs)
            }));
        }
        if is_commit {
            self.own_snapshots.take_if_wanted(execution)?;
        }
        Ok(None)
    }
}

fn ask(
    execution: &mut Execution,
    request: Request,
    number: u64,
    method: &'static str,
) -> Result<Answer> {
    let answer = execution.ask(request);
    answer.with_context(|| format!("call {number} ({method})"))
}

/// The state before the first run.
fn first_state(run: &Run, chain_id: &ChainId, beginning: &Beginning) -> Result<State> {
    let Some(path) = &beginning.snapshot else {
        ensure!(
            run.height == 0,
            "the recording begins with block {}: give a snapshot of that block or a later one (--from-snapshot)",
            run.height
        );
        return Ok(State::Executing(Box::new(Execution::fresh(chain_id)?)));
    };
    let files =
        SnapshotFiles::open(path).with_context(|| format!("no snapshot in {}", path.display()))?;
    let (height, app_hash) = (files.manifest().height().get(), beginning.app_hash);
    ensure!(
        height >= run.height,
        "the snapshot is of block {height}, and the recording begins with block {}: calls between are missing",
        run.height
    );
    if height == run.height {
        let execution = Execution::of_snapshot(&files, chain_id, app_hash)?;
        return Ok(State::Executing(Box::new(execution)));
    }
    Ok(State::Before(Box::new(Later {
        files,
        app_hash,
        finalized: 0,
    })))
}

/// What of a call's answer is compared; `None` for those that depend on more than the calls before: on what other
/// connections brought meanwhile, on coordinators, or on a restart that the own node did not see.
fn compared(request: &Request, run: &Run, execution: &Execution) -> Option<Compared> {
    match request {
        Request::InitChain(_)
        | Request::ProcessProposal(_)
        | Request::FinalizeBlock(_)
        | Request::OfferSnapshot(_)
        | Request::ApplySnapshotChunk(_) => Some(Compared::Whole),
        Request::Commit(_) if run.snapshot_interval > 0 => Some(Compared::AtMost),
        Request::Commit(_) => Some(Compared::Whole),
        Request::Info(_) => Some(Compared::ButVersion),
        Request::Query(request) => execution.knows(request.height).then_some(Compared::Whole),
        _ => None,
    }
}

/// Whether a call may change what is committed.
fn changes(request: &Request) -> bool {
    matches!(
        request,
        Request::Commit(_) | Request::OfferSnapshot(_) | Request::ApplySnapshotChunk(_)
    )
}
