//! Owns how the flow shows its steps: what changed of the watched balances, and that the supply adds up.

use ait_api::tx::TxReceipt;
use anyhow::{Context as _, bail};
use serde_json::Value;

use super::Flow;
use crate::network::console::{BOLD, DIM, GOOD, NOTICE, ait, paint};

impl Flow<'_> {
    /// The watched balances, the coordinator's bond, and what is locked for a job.
    pub(super) async fn watch(
        &self,
        job: Option<&str>,
    ) -> anyhow::Result<Vec<(&'static str, u64)>> {
        let node = self.client.node();
        let mut balances = Vec::new();
        for (name, addresses) in &self.cast.accounts {
            let mut sum = 0;
            for address in addresses {
                sum += node.account(address).await?.balance.get();
            }
            balances.push((*name, sum));
        }
        let coordinator = node.account(&self.cast.coordinator()).await?;
        balances.push(("bond", coordinator.bond.get()));
        let mut locked = 0;
        if let Some(job) = job {
            locked = self.escrow(job).await?.locked().get();
        }
        balances.push(("escrow", locked));
        Ok(balances)
    }

    /// A title for the steps to come.
    pub(super) fn chapter(&mut self, text: &str) {
        self.console.title(text);
        self.begins_chapter = true;
    }

    /// A step that stands in a block, and what it changed.
    pub(super) async fn show(
        &mut self,
        title: &str,
        receipt: &TxReceipt,
        job: Option<&str>,
    ) -> anyhow::Result<()> {
        let (height, fee) = (receipt.height, receipt.fee);
        self.show_step(title, &format!("block {height}, fee {fee} uait"), job)
            .await
    }

    /// A step, and what it changed.
    pub(super) async fn show_step(
        &mut self,
        title: &str,
        note: &str,
        job: Option<&str>,
    ) -> anyhow::Result<()> {
        self.steps = self.steps.saturating_add(1);
        let now = self.watch(job).await?;
        if !self.begins_chapter {
            self.console.line("");
        }
        self.begins_chapter = false;
        self.console.line(format!(
            " {:>2}  {}  {}",
            self.steps,
            paint(BOLD, title),
            paint(DIM, note)
        ));
        for ((name, before), (_, after)) in self.balances.iter().zip(&now) {
            if before != after {
                self.console.line(change(name, *before, *after));
            }
        }
        self.balances = now;
        Ok(())
    }

    /// What else is to be said of a step.
    pub(super) fn remark(&self, text: impl AsRef<str>) {
        let text = text.as_ref();
        self.console.line(paint(DIM, format!("     {text}")));
    }

    /// The whole supply, before and after.
    pub(super) async fn show_supply(&self, before: &Value) -> anyhow::Result<()> {
        let after = self.client.read("/rpc/getSupply").await?;
        self.console.line("");
        self.console.line(format!("     {}", paint(BOLD, "Supply")));
        for name in [
            "genesis", "minted", "burned", "balances", "escrows", "bonds", "total",
        ] {
            let (before, after) = (integer(before, name)?, integer(&after, name)?);
            self.console.line(change(name, before, after));
        }
        let field = |name: &str| integer(&after, name);
        let total = field("total")?;
        let mut held = 0;
        for name in ["balances", "escrows", "stakes", "bonds", "unbonding"] {
            held += field(name)?;
        }
        if total != field("genesis")? + field("minted")? - field("burned")? || total != held {
            bail!("the supply does not add up: {after}");
        }
        self.remark(
            "total = genesis + minted - burned = balances + escrows + stakes + bonds + unbonding",
        );
        Ok(())
    }
}

fn change(name: &str, before: u64, after: u64) -> String {
    let difference = if after >= before {
        paint(GOOD, format!("+{}", ait(after - before)))
    } else {
        paint(NOTICE, format!("-{}", ait(before - after)))
    };
    let difference = if before == after {
        paint(DIM, "unchanged")
    } else {
        difference
    };
    format!(
        "     {name:<12} {:>22} → {:>22}   {difference}",
        ait(before),
        ait(after)
    )
}

/// An integer of an answer.
pub(super) fn integer(value: &Value, field: &str) -> anyhow::Result<u64> {
    value[field]
        .as_u64()
        .with_context(|| format!("the answer has no integer {field}: {value}"))
}
