//! Owns what happens when: accounts and their money, signatures, connections, the load, the wait for its last blocks,
//! the sums.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep},
};

use crate::{
    LoadError, Processes,
    args::{LoadArgs, Through, Workload},
    chain::Chain,
    cpu::Cpu,
    follow::follow,
    funds,
    lane::{Done, Lane},
    pace::Pace,
    prepare::{Ours, miner, prepare},
    report::{Checked, Report, Surroundings},
    sender::Sender,
    target::Target,
    tracker::{Times, Tracker, times},
    view::View,
    work::{Account, Prepared},
};

/// How often it is looked whether the last ones are in a block.
const DRAIN_INTERVAL: Duration = Duration::from_millis(20);

/// Runs a load to its end.
///
/// # Errors
/// [`LoadError`]; what was sent until then may be committed.
pub async fn run(args: &LoadArgs) -> Result<Report, LoadError> {
    run_beside(args, &Processes::default()).await
}

/// As [`run`], on a chain that is no devnet and has these processes on this machine.
///
/// # Errors
/// As [`run`].
pub async fn run_beside(args: &LoadArgs, processes: &Processes) -> Result<Report, LoadError> {
    if args.workload == Workload::Kvstore && args.through != Through::Comet {
        let message = "--workload kvstore goes --through comet: a kvstore has no REST";
        return Err(LoadError::Usage(message.to_owned()));
    }
    let view = View::new(args.json);
    let report = run_shown(args, processes, &view).await;
    view.end();
    report
}

async fn run_shown(
    args: &LoadArgs,
    processes: &Processes,
    view: &View,
) -> Result<Report, LoadError> {
    let target = Target::of(args)?;
    let processes = if *processes == Processes::default() {
        &target.processes
    } else {
        processes
    };
    let ready = prepare(args, &target, view).await?;
    let urls = match args.through {
        Through::Comet => &target.comet,
        Through::Rest | Through::Lines => &target.rest,
    };
    let tracker = Arc::new(Tracker::new()?);
    let bytes = mean_bytes(&ready.queues);
    let opened: Vec<Prepared> = openings(&ready.queues);
    let senders = connect(args, urls).await?;
    let first = urls.first().map_or("", String::as_str);
    let mut chain = Chain::new(first, args.through)?;
    let height = chain.height().await?;
    wait_for_all(args, urls, height).await?;
    let lanes = lanes(args, ready.queues, senders, ready.ours.as_ref(), &tracker)?;
    let drain_until = lanes
        .first()
        .map_or_else(Instant::now, |lane| lane.drain_until);

    let before = Cpu::of(processes);
    let mut followed = tokio::spawn(follow(chain, height, tracker.clone()));
    let lanes = tokio::select! {
        lanes = work_off(lanes, &tracker, view, drain_until) => lanes,
        failed = &mut followed => match failed {
            Ok(Err(error)) => Err(error),
            _ => Err(LoadError::Internal("the blocks are followed no more".to_owned())),
        },
    };
    followed.abort();
    let lanes = lanes?;
    let cpu = Cpu::of(processes).since(&before);

    let totals = tracker.totals();
    let missing = totals.sent.saturating_sub(totals.committed);
    if missing > 0 {
        return Err(LoadError::Uncommitted {
            missing,
            sent: totals.sent,
            after: args.drain,
        });
    }
    view.say("counting");
    let checked = match &ready.ours {
        None => Checked {
            accounts: 0,
            jobs: 0,
        },
        Some(ours) => count(args, ours, &lanes, &opened).await?,
    };
    let mut answers = times()?;
    for lane in &lanes {
        add(&mut answers, &lane.answers)?;
    }
    let around = Surroundings {
        nodes: urls.len(),
        accounts: ready.ours.map_or(0, |ours| ours.accounts.len()),
        bytes,
        answers,
        checked,
        cpu,
    };
    Ok(Report::of(args, &totals, &around))
}

fn add(times: &mut Times, more: &Times) -> Result<(), LoadError> {
    times
        .add(more)
        .map_err(|error| LoadError::Internal(error.to_string()))
}

/// Waits until every node has the block that the preparation ended with: the senders are paid there, too.
async fn wait_for_all(args: &LoadArgs, urls: &[String], height: u64) -> Result<(), LoadError> {
    let begun = Instant::now();
    for url in urls {
        let mut chain = Chain::new(url, args.through)?;
        while chain.height().await? < height {
            if begun.elapsed() > args.drain {
                let reason = format!("it has not come to block {height}");
                return Err(LoadError::connection(url, reason));
            }
            sleep(DRAIN_INTERVAL).await;
        }
    }
    Ok(())
}

async fn connect(args: &LoadArgs, urls: &[String]) -> Result<Vec<Sender>, LoadError> {
    let mut senders = Vec::new();
    for url in urls.iter().cycle().take(args.connections()) {
        let mut sender = Sender::new(url, args.through)?;
        sender.open().await?;
        senders.push(sender);
    }
    Ok(senders)
}

fn lanes(
    args: &LoadArgs,
    queues: Vec<VecDeque<Prepared>>,
    senders: Vec<Sender>,
    ours: Option<&Ours>,
    tracker: &Arc<Tracker>,
) -> Result<Vec<Lane>, LoadError> {
    let start = Instant::now();
    let send_until = start.checked_add(args.duration).unwrap_or(start);
    let drain_until = send_until.checked_add(args.drain).unwrap_or(send_until);
    let connections = u64::try_from(args.connections()).unwrap_or(u64::MAX);
    let parts = (0..connections)
        .zip(queues.into_iter().zip(senders))
        .enumerate();
    parts
        .map(|(place, (number, (queue, sender)))| {
            let (tell_opened, opened) = mpsc::unbounded_channel();
            let pace = match args.rate {
                None => Pace::Closed,
                Some(rate) => Pace::Fixed {
                    start,
                    rate,
                    of: (connections, number),
                },
            };
            let key = ours.and_then(|ours| ours.terms.miners.get(place).cloned().flatten());
            let works = ours.zip(key).and_then(|(ours, key)| {
                let coordinator = ours.terms.coordinator.clone()?;
                Some(miner(&ours.terms, key, coordinator))
            });
            Ok(Lane {
                sender,
                queue,
                batch: args.batch(),
                window: Arc::new(Semaphore::new(args.window())),
                pace,
                tracker: tracker.clone(),
                miner: works,
                opened,
                tell_opened,
                send_until,
                drain_until,
                answers: times()?,
                done: Done::default(),
            })
        })
        .collect()
}

/// Runs all connections to their end and waits until what they sent is in blocks.
async fn work_off(
    lanes: Vec<Lane>,
    tracker: &Tracker,
    view: &View,
    drain_until: Instant,
) -> Result<Vec<Lane>, LoadError> {
    let mut running = JoinSet::new();
    for (place, lane) in lanes.into_iter().enumerate() {
        running.spawn(async move { lane.run().await.map(|lane| (place, lane)) });
    }
    let mut done = Vec::new();
    let mut ticks = interval(view.interval());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let begun = Instant::now();
    let mut shown = (begun, 0);
    while !running.is_empty() {
        tokio::select! {
            ended = running.join_next() => if let Some(ended) = ended {
                done.push(ended.map_err(|error| LoadError::Internal(error.to_string()))??);
            },
            _ = ticks.tick() => shown = (Instant::now(), view.show(tracker, begun, shown)),
        }
    }
    while tracker.pending() > 0 && Instant::now() < drain_until {
        tokio::select! {
            () = sleep(DRAIN_INTERVAL) => {}
            _ = ticks.tick() => shown = (Instant::now(), view.show(tracker, begun, shown)),
        }
    }
    done.sort_by_key(|(place, _)| *place);
    Ok(done.into_iter().map(|(_, lane)| lane).collect())
}

async fn count(
    args: &LoadArgs,
    ours: &Ours,
    lanes: &[Lane],
    opened: &[Prepared],
) -> Result<Checked, LoadError> {
    let counts = counts(args, &ours.accounts, lanes);
    let sent = funds::Sent {
        terms: &ours.terms,
        counts: &counts,
    };
    let accounts = funds::check(&ours.client, &ours.accounts, &ours.before, &sent).await?;
    let unsent: std::collections::HashSet<_> = lanes
        .iter()
        .flat_map(|lane| &lane.queue)
        .map(|tx| tx.hash)
        .collect();
    let jobs: Vec<&Prepared> = opened
        .iter()
        .filter(|tx| !unsent.contains(&tx.hash))
        .collect();
    let jobs = funds::check_jobs(&ours.client, &jobs).await?;
    Ok(Checked { accounts, jobs })
}

/// How many transactions of each account were sent: its connection sent one of each of its accounts in turn.
fn counts(args: &LoadArgs, accounts: &[Account], lanes: &[Lane]) -> Vec<u64> {
    let connections = args.connections();
    let of = |place: usize| {
        let account = accounts.get(place)?;
        let lane = lanes.get(place % connections)?;
        let all: u64 = (place % connections..accounts.len())
            .step_by(connections)
            .filter_map(|place| accounts.get(place))
            .map(|account| account.count)
            .sum();
        let unsent = u64::try_from(lane.queue.len()).ok()?;
        if unsent == 0 {
            return Some(account.count);
        }
        let own = u64::try_from(accounts.len() / connections).ok()?.max(1);
        let turn = u64::try_from(place / connections).ok()?;
        // The last round may be short, but what is unsent then is counted from the end of the queue alone.
        let sent = all.saturating_sub(unsent);
        Some(sent.saturating_sub(turn).div_ceil(own).min(account.count))
    };
    (0..accounts.len())
        .map(|place| of(place).unwrap_or(0))
        .collect()
}

fn mean_bytes(queues: &[VecDeque<Prepared>]) -> u64 {
    let wires = || queues.iter().flatten().map(|tx| tx.wire.len());
    let mean = wires().sum::<usize>().checked_div(wires().count());
    mean.and_then(|mean| u64::try_from(mean).ok()).unwrap_or(0)
}

fn openings(queues: &[VecDeque<Prepared>]) -> Vec<Prepared> {
    let all = queues.iter().flatten();
    all.filter(|tx| tx.job.is_some()).cloned().collect()
}
