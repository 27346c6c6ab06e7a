//! Owns the replay: blocks are executed one after the other, and each header is compared with what came of those
//! before it. Ends with the first block that differs.

use std::time::{Duration, Instant};

use ait_abci::{Application, Fatal};
use ait_app::{InvariantViolation, state::Key};
use anyhow::{Context, Result, anyhow, bail};
use tendermint_proto::v0_38::abci::ExecTxResult;

use super::{
    compare::{Difference, Expected, What, differences, first_result, id_of},
    hashes::{header_hash, results_hash},
    report::Counts,
    request,
    source::{BlockAnswer, Fetched, Source},
    validators::ValidatorSet,
};

/// How often it is said how far it is.
const PROGRESS: Duration = Duration::from_secs(5);
/// Records that are compared where an app hash differs, at most.
const MOST_RECORDS: usize = 1_000;

/// Where a replay begins: before its first block.
pub struct Start {
    /// The state machine, which has the state before the first block.
    pub application: Application,
    /// What the first block must be.
    pub expected: Expected,
    /// The validators of the block before the first; none before the first of a chain.
    pub before: Option<ValidatorSet>,
    /// The validators of the first block.
    pub current: ValidatorSet,
    /// Those of the one after it.
    pub next: ValidatorSet,
}

/// What came of a replay.
pub struct Outcome {
    /// What was done.
    pub counts: Counts,
    /// The app hash after the last block that was executed.
    pub app_hash: Vec<u8>,
    /// What differs at the first height where something does; empty where nothing does.
    pub differences: Vec<Difference>,
}

/// What executing a block gave.
struct Executed {
    app_hash: Vec<u8>,
    results: Vec<ExecTxResult>,
    changed: Vec<Key>,
}

struct Replay<'a> {
    source: &'a Source,
    application: Application,
    expected: Expected,
    before: Option<ValidatorSet>,
    current: ValidatorSet,
    next: ValidatorSet,
    counts: Counts,
    app_hash: Vec<u8>,
}

/// Replays the blocks from the one that `start` expects up to `to`, whose app hash the block after it has.
///
/// # Errors
/// What kept it from coming to an end: an answer that is none, or this machine's disk.
pub async fn replay(source: &Source, start: Start, to: u64) -> Result<Outcome> {
    let mut replay = Replay {
        source,
        application: start.application,
        app_hash: start.expected.app_hash.clone(),
        expected: start.expected,
        before: start.before,
        current: start.current,
        next: start.next,
        counts: Counts::default(),
    };
    let found = replay.run(to).await?;
    Ok(Outcome {
        counts: replay.counts,
        app_hash: replay.app_hash,
        differences: found,
    })
}

impl Replay<'_> {
    async fn run(&mut self, to: u64) -> Result<Vec<Difference>> {
        let from = self.expected.height;
        let mut blocks = self.source.blocks(from, to.saturating_add(1));
        let mut next = async |height: u64| -> Result<Fetched> {
            let answer = blocks.recv().await;
            let answer = answer.ok_or_else(|| anyhow!("no more blocks came"))?;
            answer.with_context(|| format!("block {height}"))
        };
        let mut progress = Progress::new(from, to);
        let mut fetched = next(from).await?;
        let mut found = differences(&fetched.block, &self.expected);
        for height in from..=to {
            if !found.is_empty() {
                break;
            }
            let after = next(height.saturating_add(1)).await?;
            if let Some(difference) = self.check_commit(height, &fetched.block, &after.block) {
                return Ok(vec![difference]);
            }
            let executed = match tokio::task::block_in_place(|| self.execute(&fetched.block)) {
                Ok(executed) => executed,
                Err(error) => return Ok(vec![not_executed(height, &error)?]),
            };
            self.app_hash.clone_from(&executed.app_hash);
            found = differences(&after.block, &self.expected);
            self.compare_results(height, &executed, &fetched, &mut found);
            let differs = |what: What| found.iter().any(|difference| difference.what == what);
            if differs(What::AppHash)
                && let Some(words) = self.first_record(height, &executed.changed).await?
            {
                found.push(Difference {
                    height,
                    what: What::AppHash,
                    words,
                });
            }
            progress.show(height);
            fetched = after;
        }
        // Whether the validators signed what differs says who is wrong: they, or the node alone.
        match self.check_last(&fetched.block).await {
            Ok(difference) => found.extend(difference),
            Err(error) if found.is_empty() => return Err(error),
            Err(_) => {}
        }
        Ok(found)
    }

    /// That the block's validators committed it, as the block after it says.
    fn check_commit(
        &mut self,
        height: u64,
        block: &BlockAnswer,
        after: &BlockAnswer,
    ) -> Option<Difference> {
        let header = &block.block.header;
        let named = after.block.header.last_block_id.clone().unwrap_or_default();
        let checked = self.current.check_commit(
            &header.chain_id,
            header.height,
            &id_of(block, &named),
            &after.block.last_commit,
        );
        self.count_commit(height, checked)
    }

    /// The same of the last block that was asked for, which is compared and not executed: the block after it, which
    /// has its commit, may not be there yet.
    async fn check_last(&mut self, block: &BlockAnswer) -> Result<Option<Difference>> {
        let header = &block.block.header;
        let height = self.expected.height;
        let signed = self.source.signed_header(height).await?;
        let commit = signed.commit.unwrap_or_default();
        let named = commit.block_id.clone().unwrap_or_default();
        let id = id_of(block, &named);
        let checked = self
            .current
            .check_commit(&header.chain_id, header.height, &id, &commit);
        Ok(self.count_commit(height, checked))
    }

    fn count_commit(&mut self, height: u64, checked: Result<u64, String>) -> Option<Difference> {
        match checked {
            Ok(signatures) => {
                self.counts.commits += 1;
                self.counts.signatures += signatures;
                None
            }
            Err(why) => Some(Difference {
                height,
                what: What::Commit,
                words: format!("its validators did not commit it: its commit is wrong: {why}"),
            }),
        }
    }

    /// Executes a block, and says what the next must be.
    fn execute(&mut self, answer: &BlockAnswer) -> Result<Executed, Fatal> {
        let block = &answer.block;
        let consensus = self.application.consensus();
        let request = request::finalize_block(block, self.before.as_ref());
        let response = consensus.finalize_block(request)?;
        let changed = consensus.uncommitted_changes();
        consensus.commit()?;
        let following = self.next.updated(&response.validator_updates);
        // The state machine has keys of ed25519 and powers above 0 alone.
        let following = following
            .map_err(|error| Fatal::Violation(InvariantViolation::new(error.to_string())))?;
        let current = std::mem::replace(&mut self.next, following);
        self.before = Some(std::mem::replace(&mut self.current, current));
        let app_hash = response.app_hash.to_vec();
        self.expected = Expected {
            chain_id: block.header.chain_id.clone(),
            height: self.expected.height.saturating_add(1),
            version: self.application.info().app_version,
            last_hash: header_hash(&block.header).to_vec(),
            app_hash: app_hash.clone(),
            results_hash: Some(results_hash(&response.tx_results)),
            validators: self.current.hash(),
            next_validators: self.next.hash(),
        };
        self.counts.blocks += 1;
        self.counts.transactions += block.data.txs.len() as u64;
        Ok(Executed {
            app_hash,
            results: response.tx_results,
            changed,
        })
    }

    fn compare_results(
        &mut self,
        height: u64,
        executed: &Executed,
        fetched: &Fetched,
        found: &mut Vec<Difference>,
    ) {
        let Some(said) = &fetched.results else { return };
        self.counts.compared_results += 1;
        found.extend(first_result(height, &executed.results, said));
    }

    /// The first record that the block changed and that the node has otherwise, in words; `None` where it tells of
    /// none.
    async fn first_record(&self, height: u64, changed: &[Key]) -> Result<Option<String>> {
        let Some(newest) = self.application.reader().newest() else {
            return Ok(None);
        };
        let mut answered = 0_usize;
        for key in changed.iter().take(MOST_RECORDS) {
            let Ok(said) = self.source.record(key, height).await else {
                break;
            };
            // It answers for the last heights alone.
            let Some(said) = said else { break };
            let own = newest.state.bytes(key).context("a record can't be read")?;
            let own = own.unwrap_or_default();
            if own != said {
                let (said, own) = (hex::encode(said), hex::encode(own));
                return Ok(Some(format!(
                    "the first record that differs is {key}: the node says {said}, found {own}"
                )));
            }
            answered += 1;
        }
        Ok((answered > 0).then(|| {
            let count = changed.len();
            format!(
                "the node has the same in {answered} of the {count} records that the block changed"
            )
        }))
    }
}

/// A block that the state machine refuses is a difference; a disk that can't be used is none.
fn not_executed(height: u64, error: &Fatal) -> Result<Difference> {
    match error {
        Fatal::Violation(_) | Fatal::OutOfStep(_) => Ok(Difference {
            height,
            what: What::Execution,
            words: format!("the state machine can't execute it: {error}"),
        }),
        error => bail!("block {height} can't be executed on this machine: {error}"),
    }
}

/// Says on standard error now and then how far it is.
struct Progress {
    from: u64,
    to: u64,
    begun: Instant,
    told: Instant,
}

impl Progress {
    fn new(from: u64, to: u64) -> Self {
        let now = Instant::now();
        Self {
            from,
            to,
            begun: now,
            told: now,
        }
    }

    fn show(&mut self, height: u64) {
        if self.told.elapsed() < PROGRESS {
            return;
        }
        self.told = Instant::now();
        let blocks = height.saturating_sub(self.from).saturating_add(1);
        let rate = blocks as f64 / self.begun.elapsed().as_secs_f64();
        eprintln!("block {height} of {}: {rate:.0} blocks per second", self.to);
    }
}
