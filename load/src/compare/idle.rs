//! Owns watching a chain that has nothing to do: how many blocks it makes a second, and how long each takes by the
//! times that its validators signed.

use std::time::{Duration, Instant};

use serde::Deserialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::time::sleep;

use super::outcome::Sample;
use crate::{LoadError, args::Through, chain::Chain};

/// Blocks before it is watched: the first ones come slower.
const WARM_UP: u64 = 20;
/// How long those may take.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_INTERVAL: Duration = Duration::from_millis(50);
/// Blocks whose times are looked at, the last ones.
const TIMED: u64 = 400;
/// CometBFT tells of no more at once.
const PAGE: u64 = 20;

pub(super) async fn watch(rpc: &str, how_long: Duration) -> Result<Sample, LoadError> {
    let mut chain = Chain::new(rpc, Through::Comet)?;
    let begun = Instant::now();
    while chain.stored_height().await.unwrap_or(0) < WARM_UP {
        if begun.elapsed() > PATIENCE {
            return Err(LoadError::connection(rpc, "it makes no blocks"));
        }
        sleep(LOOK_INTERVAL).await;
    }
    let (first, begun) = (chain.stored_height().await?, Instant::now());
    sleep(how_long).await;
    let (last, passed) = (chain.stored_height().await?, begun.elapsed());
    let mut times = Vec::new();
    let mut from = last.saturating_sub(TIMED).max(first);
    while from <= last {
        let to = from.saturating_add(PAGE).saturating_sub(1).min(last);
        let path = format!("/blockchain?minHeight={from}&maxHeight={to}");
        let page: Page = chain.read(&path).await?;
        // CometBFT tells the last first.
        let metas = page.result.block_metas.iter().rev();
        times.extend(metas.filter_map(|meta| nanos(&meta.header.time)));
        from = to.saturating_add(1);
    }
    let mut gaps: Vec<u64> = times
        .iter()
        .zip(times.iter().skip(1))
        .filter_map(|(before, after)| u64::try_from(after.saturating_sub(*before)).ok())
        .collect();
    gaps.sort_unstable();
    let median = gaps.get(gaps.len() / 2).copied().unwrap_or(0);
    Ok(Sample::idle(
        last.saturating_sub(first),
        passed,
        Duration::from_nanos(median),
    ))
}

fn nanos(time: &str) -> Option<i128> {
    let time = OffsetDateTime::parse(time, &Rfc3339).ok()?;
    Some(time.unix_timestamp_nanos())
}

#[derive(Deserialize)]
struct Page {
    result: Metas,
}

#[derive(Deserialize)]
struct Metas {
    block_metas: Vec<Meta>,
}

#[derive(Deserialize)]
struct Meta {
    header: Header,
}

#[derive(Deserialize)]
struct Header {
    time: String,
}
