//! Contenders side by side: `ait bench compare`, which `scripts/bench.sh` runs.
//!
//! Owns chains of its own on loopback, in temporary folders: it starts each contender, loads or watches it, stops it
//! (CometBFT first, in bounded time), and says what was measured. Repeats are interleaved, so that a machine that gets
//! busy does so for all. Reading order: [`args`], `contender` (who takes part), `chains` and `process` (how they run),
//! `idle`, `reads`, `join`, [`outcome`].

pub mod args;
mod chains;
mod contender;
mod idle;
mod join;
mod machine;
pub mod outcome;
mod plot;
mod process;
mod reads;

use std::{fs, path::Path};

use args::CompareArgs;
use outcome::{Found, Outcome};

use crate::LoadError;

/// What JSON and plot are called in the folder of results.
const JSON_FILE: &str = "bench.json";
const PLOT_FILE: &str = "bench.svg";

/// Measures all contenders and writes what came of it; what could not be measured is told beside the rest.
///
/// # Errors
/// [`LoadError`] where there is no room for the chains, or for the result.
pub async fn run(args: &CompareArgs) -> Result<Outcome, LoadError> {
    let contenders = args.contenders()?;
    let scratch = tempfile::Builder::new().prefix("ait-bench-").tempdir();
    let scratch = scratch.map_err(|error| LoadError::Internal(error.to_string()))?;
    let mut found: Vec<Found> = contenders.into_iter().map(Found::none).collect();
    for round in 1..=args.repeats() {
        for (place, found) in found.iter_mut().enumerate() {
            let folder = scratch.path().join(format!("{round}-{place}"));
            fs::create_dir(&folder).map_err(|error| LoadError::Internal(error.to_string()))?;
            let measured = found.contender.measure(args, &folder).await;
            let who = format!("{round}/{}  {:<20}", args.repeats(), found.contender.name());
            match measured {
                Ok(sample) => {
                    eprintln!("{who}{sample}");
                    found.samples.push(sample);
                }
                Err(error) => {
                    eprintln!("{who}failed: {error}");
                    found.failures.push(error.to_string());
                }
            }
            // A chain of a full load is large.
            let _ = fs::remove_dir_all(&folder);
        }
    }
    let outcome = Outcome::of(args, found);
    if let Some(folder) = &args.out {
        write(&outcome, folder)?;
    }
    Ok(outcome)
}

fn write(outcome: &Outcome, folder: &Path) -> Result<(), LoadError> {
    let failed = |error: &dyn ToString| {
        LoadError::Internal(format!("{}: {}", folder.display(), error.to_string()))
    };
    fs::create_dir_all(folder).map_err(|error| failed(&error))?;
    let json = serde_json::to_string_pretty(outcome).map_err(|error| failed(&error))?;
    fs::write(folder.join(JSON_FILE), json).map_err(|error| failed(&error))?;
    plot::write(outcome, &folder.join(PLOT_FILE)).map_err(|error| failed(&error))
}
