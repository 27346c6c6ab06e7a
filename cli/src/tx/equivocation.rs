//! Owns `ait tx equivocation`: shows the chain two attestations of one coordinator that contradict
//! each other.

use std::path::{Path, PathBuf};

use ait_app::{
    address::Address,
    coordinators::equivocation::{AttestationEquivocation, Statement},
    identifiers::JobId,
    json,
};
use anyhow::{Result, anyhow};
use clap::Args;

use super::{
    receipt::opening,
    submit::{SendOptions, Submission, read_input},
};
use ait_home::exit::{Refused, Usage};

/// `ait tx equivocation`
#[derive(Debug, Args)]
pub struct EquivocationArgs {
    /// Whose escrow
    client: Address,
    /// For which job
    job_id: JobId,
    /// A receipt and what was attested of it: a file in JSON with receipt_id, miner_addr,
    /// compute_units, price, output_hash and attestation
    #[arg(value_name = "FILE")]
    a: PathBuf,
    /// The other one; - for standard input
    #[arg(value_name = "OTHER_FILE")]
    b: PathBuf,
    /// The opening that both are for [default: that of the escrow as it is]
    #[arg(long, value_name = "HEIGHT")]
    opened_height: Option<u64>,
    #[command(flatten)]
    options: SendOptions,
}

/// Runs `ait tx equivocation`.
///
/// # Errors
/// What went wrong, for people.
pub async fn run(args: EquivocationArgs) -> Result<()> {
    let submission = Submission::open(&args.options)?;
    let (a, b) = (statement(&args.a)?, statement(&args.b)?);
    let opened_height = match opening(args.opened_height, None)? {
        Some(height) => height,
        None => {
            let escrow = submission.client.escrow(&args.client, &args.job_id).await?;
            let missing = || {
                Refused(format!(
                    "{} has no escrow for job {} on this chain",
                    args.client, args.job_id
                ))
            };
            escrow.ok_or_else(missing)?.opened_height
        }
    };
    let evidence = AttestationEquivocation {
        a,
        b,
        client_addr: args.client,
        job_id: args.job_id,
        opened_height,
    };
    submission.submit(evidence).await
}

fn statement(file: &Path) -> Result<Statement> {
    let text = read_input(file)?;
    json::read(&text, "statement")
        .map_err(|refusal| anyhow!(Usage(format!("{}: {refusal}", file.display()))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ait_home::exit;

    #[test]
    fn evidence_is_read_strictly() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/vectors/protocol.json")).unwrap();
        let mut cases = vectors["transactions"].as_array().unwrap().iter();
        let case = cases
            .find(|case| case["name"] == "attestation_equivocation")
            .unwrap();
        let payload: serde_json::Value =
            serde_json::from_str(case["canonical_payload"].as_str().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        std::fs::write(&path, payload["a"].to_string()).unwrap();
        assert_eq!(
            serde_json::to_value(statement(&path).unwrap()).unwrap(),
            payload["a"]
        );
        let mut bad = payload["a"].clone();
        bad["price"] = 0.into();
        std::fs::write(&path, bad.to_string()).unwrap();
        let error = statement(&path).unwrap_err();
        assert!(error.to_string().contains("statement.price"), "{error}");
        assert_eq!(exit::code_of(&error), exit::USAGE);
    }
}
