//! Owns `ait doctor`: whether a node's home, machine and clock are as they should be, before it runs or while it does;
//! each finding with what to do. `files` looks at the home, `machine` at disk, ports and clock. Changes nothing, but
//! for a file that it writes beside the store to time the disk, and removes.

mod files;
mod machine;

use ait_home::{comet::Home, output};
use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Serialize;

use crate::place::{NodePlace, NodePlaceArgs};

/// `ait doctor`
#[derive(Debug, Args)]
pub struct DoctorArgs {
    #[command(flatten)]
    place: NodePlaceArgs,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// It works, and may not for long, or not well.
    Warning,
    /// The node can't run so, or must not.
    Problem,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    check: &'static str,
    verdict: Verdict,
    found: String,
    /// What to do; null where all is well.
    advice: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self {
            check,
            verdict: Verdict::Ok,
            found: found.into(),
            advice: None,
        }
    }

    fn warning(check: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            check,
            verdict: Verdict::Warning,
            found: found.into(),
            advice: Some(advice.into()),
        }
    }

    fn problem(check: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Problem,
            ..Self::warning(check, found, advice)
        }
    }
}

/// What is looked at.
struct Patient {
    place: NodePlace,
    home: Home,
    /// Whether its CometBFT runs.
    is_running: bool,
}

/// Runs `ait doctor`.
///
/// # Errors
/// When a check finds a problem, with how many did.
pub async fn run(args: DoctorArgs) -> Result<()> {
    let place = args.place.place()?;
    let home = place.home.as_ref().map(Home::new);
    let home = home.context("--home names the node to look at")?;
    let is_running = crate::comet::hold_stopped(&home).is_err();
    let patient = Patient {
        place,
        home,
        is_running,
    };
    let mut findings = files::look(&patient);
    findings.extend(machine::look(&patient).await);
    output::json(&findings)?;
    let problems = findings
        .iter()
        .filter(|finding| finding.verdict == Verdict::Problem);
    match problems.count() {
        0 => Ok(()),
        count => bail!("{count} of {} checks found a problem", findings.len()),
    }
}
