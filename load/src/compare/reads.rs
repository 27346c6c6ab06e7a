//! Owns reading from a chain as fast as it answers, or at a rate beside something else.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval},
};

use super::outcome::Sample;
use crate::{LoadError, connection::Connection};

/// Connections that read as fast as they are answered: as many as send under load.
const CONNECTIONS: u32 = 200;
/// Connections that read at a rate.
const PACED_CONNECTIONS: u32 = 10;
/// Answers before they are counted, of each connection.
const WARM_UP: u32 = 20;

/// Reads a path over and over; how many answers there are a second.
pub(super) async fn measure(
    rest: &str,
    path: &str,
    how_long: Duration,
) -> Result<Sample, LoadError> {
    let answers = Arc::new(AtomicU64::new(0));
    let mut readers = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (mut connection, path) = (Connection::new(rest)?, path.to_owned());
        let answers = answers.clone();
        readers.spawn(async move {
            for _ in 0..WARM_UP {
                ask(&mut connection, &path).await?;
            }
            let begun = Instant::now();
            while begun.elapsed() < how_long {
                ask(&mut connection, &path).await?;
                answers.fetch_add(1, Ordering::Relaxed);
            }
            Ok::<(), LoadError>(())
        });
    }
    while let Some(ended) = readers.join_next().await {
        ended.map_err(|error| LoadError::Internal(error.to_string()))??;
    }
    Ok(Sample::answers(answers.load(Ordering::Relaxed), how_long))
}

/// Begins to read a path so many times a second, until what is returned is dropped.
pub(super) fn begin(rest: &str, path: &str, rate: u32) -> Result<JoinSet<()>, LoadError> {
    let mut readers = JoinSet::new();
    for _ in 0..PACED_CONNECTIONS {
        let (mut connection, path) = (Connection::new(rest)?, path.to_owned());
        let mut turns = interval(Duration::from_secs(1) * PACED_CONNECTIONS / rate);
        turns.set_missed_tick_behavior(MissedTickBehavior::Burst);
        readers.spawn(async move {
            loop {
                turns.tick().await;
                // What is measured is told beside it: a read that fails is asked again.
                let _ = ask(&mut connection, &path).await;
            }
        });
    }
    Ok(readers)
}

async fn ask(connection: &mut Connection, path: &str) -> Result<(), LoadError> {
    let answer = connection.get(path).await?;
    if answer.status.is_success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&answer.body).into_owned();
    Err(LoadError::Internal(format!(
        "{path} answers {}: {said}",
        answer.status
    )))
}
