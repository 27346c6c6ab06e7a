//! Owns the jobs of the flow that are paid: escrow, assignment, and claims, each found in its block.

use std::time::{Duration, Instant};

use ait_api::tx::TxReceipt;
use ait_app::{
    address::Address,
    escrow::{
        open::{EscrowOpen, Ttl},
        record::{Escrow, EscrowStatus},
    },
    quantity::UAIT_PER_AIT,
};
use anyhow::{Context as _, bail};
use serde_json::json;

use super::{Flow, positive};
use crate::network::{console::ait, process::POLL};

const ESCROWED: u64 = 20 * UAIT_PER_AIT;
/// Long enough for a miner that was switched on by hand.
const TTL_BLOCKS: u64 = 10_000;
/// The longest a mock miner takes: it works for seconds.
const LIMIT: Duration = Duration::from_secs(120);
/// The mock coordinator's job ids end here (`job_1` … `job_1000000`).
const LAST_JOB: u64 = 1_000_000;

impl Flow<'_> {
    /// Opens an escrow for a job of its own; gives the job.
    pub(super) async fn open_job(
        &mut self,
        partial: bool,
        miner: Option<Address>,
    ) -> anyhow::Result<String> {
        let job = self.unused_job().await?;
        let payload = EscrowOpen {
            amount: positive(ESCROWED)?,
            coordinator: self.cast.coordinator(),
            others: None,
            job_id: job.parse()?,
            miner,
            partial,
            ttl_blocks: Ttl::new(TTL_BLOCKS).context("a life in its range")?,
        };
        let receipt = self.client.execute(&self.cast.client, payload).await?;
        let how = match (partial, miner) {
            (true, _) => ", to be claimed in parts",
            (false, Some(_)) => ", and names the miner",
            (false, None) => "",
        };
        let title = format!("The client locks the pay for {job}{how}: ESCROW_OPEN");
        self.show(&title, &receipt, Some(&job)).await?;
        Ok(job)
    }

    /// A job that is paid at once.
    pub(super) async fn whole_job(&mut self, job: &str) -> anyhow::Result<()> {
        self.assigned(job).await?;
        let is_settled = |escrow: &Escrow| matches!(escrow.status, EscrowStatus::Settled { .. });
        self.step(
            "the miner works, the coordinator attests, the miner claims",
            job,
            is_settled,
        )
        .await?;
        let claims = self.found_in_blocks(job, "RECEIPT_CLAIM").await?;
        let claim = claims.first().context("its claim is in a block")?;
        let title = "The miner's RECEIPT_CLAIM pays and mints";
        self.show_claim(title, claim, job).await
    }

    /// A job that is paid part by part.
    pub(super) async fn partial_job(&mut self) -> anyhow::Result<()> {
        let job = self.open_job(true, None).await?;
        self.assigned(&job).await?;
        let mut shown = 0;
        loop {
            let more = |escrow: &Escrow| escrow.claims.get() > shown;
            let doing = format!("the miner works on part {}, and claims it", shown + 1);
            let escrow = self.step(&doing, &job, more).await?;
            let claims = self.found_in_blocks(&job, "RECEIPT_CLAIM").await?;
            let is_over = escrow.closed_height().is_some();
            for claim in claims.iter().skip(usize::try_from(shown)?) {
                shown += 1;
                let title = if is_over && shown == claims.len() as u64 {
                    format!("RECEIPT_CLAIM of part {shown}, the final one: the rest goes back")
                } else {
                    format!("RECEIPT_CLAIM of part {shown}: the escrow stays open")
                };
                self.show_claim(&title, claim, &job).await?;
            }
            if is_over {
                return Ok(());
            }
        }
    }

    /// Waits until the coordinator's assignment is in a block.
    async fn assigned(&mut self, job: &str) -> anyhow::Result<()> {
        let is_bound = |escrow: &Escrow| escrow.binding.miner().is_some();
        self.step("the miner asks for the job", job, is_bound)
            .await?;
        let found = self.found_in_blocks(job, "ESCROW_ASSIGN").await?;
        let receipt = found.first().context("the assignment is in a block")?;
        let title = format!("The coordinator binds the miner to {job}: ESCROW_ASSIGN");
        self.show(&title, receipt, Some(job)).await
    }

    async fn show_claim(
        &mut self,
        title: &str,
        result: &TxReceipt,
        job: &str,
    ) -> anyhow::Result<()> {
        self.show(title, result, Some(job)).await?;
        let mut events = result.events.iter();
        let claimed = events.find(|event| event.kind == "receipt_claimed");
        let claimed = claimed.context("a claim says what it paid")?;
        let text = |name: &str| claimed.get(name).unwrap_or_default();
        let amount = |name: &str| text(name).parse().map(ait).unwrap_or_default();
        self.remark(format!(
            "receipt {}: {} units for {}, {} minted",
            text("receipt_id"),
            text("compute_units"),
            amount("price"),
            amount("minted")
        ));
        Ok(())
    }

    /// Waits, while it is shown, until an escrow is as it should be.
    async fn step(
        &self,
        name: &str,
        job: &str,
        is_done: impl Fn(&Escrow) -> bool,
    ) -> anyhow::Result<Escrow> {
        let wait = async {
            let deadline = Instant::now() + LIMIT;
            loop {
                let escrow = self.escrow(job).await?;
                if is_done(&escrow) {
                    return anyhow::Ok(escrow);
                }
                if Instant::now() > deadline {
                    bail!("{job} got no further within {} s", LIMIT.as_secs());
                }
                tokio::time::sleep(POLL).await;
            }
        };
        self.console.step(name, wait).await
    }

    /// The successful transactions of a kind that name a job of the client, since its escrow opened.
    async fn found_in_blocks(&self, job: &str, kind: &str) -> anyhow::Result<Vec<TxReceipt>> {
        let first = self.escrow(job).await?.opened_height.get();
        let head = self.client.node().head().await?.height;
        let client = json!(self.cast.client());
        let mut found = Vec::new();
        for height in first..=head {
            let block = self.client.node().block(height).await?;
            for tx in block.map(|block| block.txs).unwrap_or_default() {
                let payload = &tx["payload"];
                let is_it = tx["type"] == json!(kind)
                    && payload["job_id"] == json!(job)
                    && payload["client_addr"] == client;
                if !is_it {
                    continue;
                }
                let hash = tx["hash"]
                    .as_str()
                    .context("a listed transaction has a hash")?;
                let status = self.client.node().tx(hash).await?;
                let receipt = status.and_then(|status| status.receipt);
                found.extend(receipt.filter(|receipt| receipt.code == 0));
            }
        }
        Ok(found)
    }

    /// The first job that this client never opened an escrow for.
    async fn unused_job(&self) -> anyhow::Result<String> {
        for number in 1..=LAST_JOB {
            let job = format!("job_{number}");
            let client = self.cast.client();
            let known = self.client.node().escrow(&client, &job.parse()?).await?;
            if known.is_none() {
                return Ok(job);
            }
        }
        bail!("the client used up all the mock coordinator's jobs: begin anew with --fresh")
    }

    /// The client's escrow for a job.
    pub(super) async fn escrow(&self, job: &str) -> anyhow::Result<Escrow> {
        let client = self.cast.client();
        let escrow = self.client.node().escrow(&client, &job.parse()?).await?;
        escrow.with_context(|| format!("the escrow for {job} is gone"))
    }
}
