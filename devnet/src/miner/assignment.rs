//! Owns how the mock miner gets a job: it asks the escrow's coordinator, and begins only once the chain
//! shows that the escrow is bound to it. A coordinator that assigns nobody leaves the job to whoever
//! delivers.

use std::time::Duration;

use ait_app::quantity::Height;
use ait_client::{AssignRequest, ClientError, Coordinator};
use anyhow::{Context, Result};
use tokio::time::sleep;

use super::{Miner, escrow, progress::Opened};

/// How often the chain is looked at for the binding.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// So many looks may show nothing before the coordinator is asked again.
const LOOKS: u32 = 40;

/// Whether a job is the miner's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assignment {
    /// The escrow is bound to it.
    Bound,
    /// Its coordinator binds nobody.
    Free,
    /// It is another's, or over.
    Lost(String),
}

/// What a coordinator's refusal to assign means.
#[derive(Debug, PartialEq, Eq)]
enum Reaction {
    Free,
    Lost,
    AskAgain,
    Fail,
}

fn reaction(error: &ClientError) -> Reaction {
    let is_one_of = |names: &[&str]| names.iter().any(|name| error.is(name));
    match error {
        _ if is_one_of(&["assigns_nobody"]) => Reaction::Free,
        _ if is_one_of(&["taken", "bound_to_another_miner", "no_such_job"]) => Reaction::Lost,
        // A coordinator without this route assigns as it likes, if at all.
        ClientError::Refused {
            status: 404 | 405, ..
        }
        | ClientError::Unexpected { .. } => Reaction::Free,
        ClientError::Refused { status: 409, .. } => Reaction::AskAgain,
        error if error.is_passing() => Reaction::AskAgain,
        _ => Reaction::Fail,
    }
}

/// Asks to be assigned, and waits until the chain shows it.
///
/// # Errors
/// What no trying again can mend.
pub async fn obtain(
    miner: &Miner,
    coordinator: &Coordinator,
    opened: &Opened,
) -> Result<Assignment> {
    let mut backoff = escrow::backoff();
    loop {
        if let Some(assignment) = shown(miner, opened).await? {
            return Ok(assignment);
        }
        let opening = (
            opened.client,
            opened.job_id.clone(),
            Height::constant(opened.height),
        );
        let (chain_id, key) = (miner.wallet.chain_id(), miner.wallet.key());
        let request = AssignRequest::sign(chain_id, &opened.coordinator, opening, key);
        match coordinator.assign(&request).await {
            Ok(_) => {
                for _ in 0..LOOKS {
                    sleep(LOOK_INTERVAL).await;
                    if let Some(assignment) = shown(miner, opened).await? {
                        return Ok(assignment);
                    }
                }
            }
            Err(error) => match reaction(&error) {
                Reaction::Free => return Ok(Assignment::Free),
                Reaction::Lost => return Ok(Assignment::Lost(error.to_string())),
                Reaction::AskAgain => {
                    tracing::info!(component = "miner", event = "assignment_delayed", job_id = %opened.job_id, %error);
                    sleep(backoff.pause()).await;
                }
                Reaction::Fail => return Err(error).context("asking to be assigned"),
            },
        }
    }
}

/// What the chain shows; `None` while nobody is bound.
async fn shown(miner: &Miner, opened: &Opened) -> Result<Option<Assignment>> {
    let lost = |reason: &str| Some(Assignment::Lost(reason.to_owned()));
    let Some(escrow) = escrow::open_escrow(miner, opened).await? else {
        return Ok(lost("it closed before it was assigned"));
    };
    Ok(match escrow.binding.miner() {
        None => None,
        Some(bound) if bound == miner.wallet.address() => {
            tracing::info!(component = "miner", event = "assigned", job_id = %opened.job_id, client = %opened.client);
            Some(Assignment::Bound)
        }
        Some(_) => lost("it is bound to another miner"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, code: &str) -> ClientError {
        ClientError::Refused {
            status,
            code: code.to_owned(),
            codespace: String::new(),
            message: String::new(),
        }
    }

    #[test]
    fn each_refusal_to_assign_gets_its_reaction() {
        for (status, code, expected) in [
            (409, "assigns_nobody", Reaction::Free),
            (404, "not_found", Reaction::Free),
            (409, "taken", Reaction::Lost),
            (409, "bound_to_another_miner", Reaction::Lost),
            (400, "no_such_job", Reaction::Lost),
            (409, "height_unknown", Reaction::AskAgain),
            (503, "cannot_assign", Reaction::AskAgain),
            (400, "not_our_escrow", Reaction::Fail),
        ] {
            assert_eq!(reaction(&refused(status, code)), expected, "{code}");
        }
    }
}
