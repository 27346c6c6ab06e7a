//! Owns the flow that a devnet shows once: a job from the faucet to the minted coins, each step with
//! the balances before and after it.

use std::time::{Duration, Instant};

use ait_app::{
    address::Address,
    amount::UAIT_PER_AIT,
    crypto::SecretKey,
    tx::{EscrowOpen, Payload, Transfer},
};
use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use super::{
    client::Client,
    console::{BOLD, Console, DIM, GOOD, NOTICE, ait, paint},
    process::POLL,
};
use crate::client::TxReceipt;

const FROM_FAUCET: u64 = 100 * UAIT_PER_AIT;
const TRANSFERRED: u64 = 5 * UAIT_PER_AIT;
const ESCROWED: u64 = 20 * UAIT_PER_AIT;
/// Long enough for a miner that was switched on by hand.
const TTL_BLOCKS: u64 = 10_000;
/// The longest a mock miner takes: it works for seconds.
const CLAIM_LIMIT: Duration = Duration::from_secs(120);
/// The mock coordinator's job ids end here (`job_1` … `job_1000000`).
const LAST_JOB: u64 = 1_000_000;

/// Who takes part.
pub struct Cast {
    /// Pays for the job.
    pub client: SecretKey,
    /// The accounts to watch, by the names they are shown with; several of one name are added up.
    pub accounts: Vec<(&'static str, Vec<Address>)>,
    /// Receives the transfer.
    pub friend: Address,
    /// The escrow's coordinator.
    pub coordinator: Address,
    /// Whether somebody is there to work and to attest.
    pub will_be_claimed: bool,
}

/// The flow on one node.
pub struct Flow<'a> {
    client: &'a Client,
    console: &'a Console,
    cast: &'a Cast,
    balances: Vec<(&'static str, u64)>,
}

impl<'a> Flow<'a> {
    /// Runs it.
    ///
    /// # Errors
    /// When a step is refused or doesn't happen.
    pub async fn run(
        client: &'a Client,
        console: &'a Console,
        cast: &'a Cast,
    ) -> anyhow::Result<()> {
        console.title("One job, from the faucet to the minted coins (amounts in AIT)");
        let mut flow = Self {
            client,
            console,
            cast,
            balances: Vec::new(),
        };
        flow.balances = flow.watch(None).await?;
        let supply = client.read("/rpc/getSupply").await?;
        flow.fund().await?;
        flow.transfer().await?;
        let job = flow.open_escrow().await?;
        if cast.will_be_claimed {
            flow.claim(&job).await?;
        } else {
            console.notice(&format!(
                "{job} stays open for a miner and a coordinator of yours: one of the two mocks is off"
            ));
            console.line("");
        }
        flow.show_supply(&supply).await
    }

    async fn fund(&mut self) -> anyhow::Result<()> {
        let to = self.address_of_client();
        let receipt = self.client.faucet(&to, FROM_FAUCET).await?;
        self.show(1, "The faucet pays the client", &receipt, None)
            .await
    }

    async fn transfer(&mut self) -> anyhow::Result<()> {
        let payload = Payload::Transfer(Transfer {
            to: self.cast.friend,
            amount: TRANSFERRED,
            memo: Some("hello".to_owned()),
        });
        let receipt = self.client.execute(&self.cast.client, payload).await?;
        self.show(
            2,
            "The client sends a TRANSFER to the admin",
            &receipt,
            None,
        )
        .await
    }

    async fn open_escrow(&mut self) -> anyhow::Result<String> {
        let job = self.unused_job().await?;
        let payload = Payload::EscrowOpen(EscrowOpen {
            job_id: job.parse()?,
            coordinator: self.cast.coordinator,
            amount: ESCROWED,
            ttl_blocks: TTL_BLOCKS,
        });
        let receipt = self.client.execute(&self.cast.client, payload).await?;
        let title = format!("The client locks the pay for {job}: ESCROW_OPEN");
        self.show(3, &title, &receipt, Some(&job)).await?;
        Ok(job)
    }

    async fn claim(&mut self, job: &str) -> anyhow::Result<()> {
        let path = self.escrow_path(job);
        let settled = async {
            let deadline = Instant::now() + CLAIM_LIMIT;
            loop {
                let escrow = self.client.read(&path).await?;
                if escrow["status"] == json!("settled") {
                    return anyhow::Ok(());
                }
                if Instant::now() > deadline {
                    bail!("nobody claimed {job} within {} s", CLAIM_LIMIT.as_secs());
                }
                tokio::time::sleep(POLL).await;
            }
        };
        self.console
            .step(
                "the miner works, the coordinator attests, the miner claims",
                settled,
            )
            .await?;
        self.console.line("");
        let (result, receipt_id) = self.find_claim(job).await?;
        let receipt = self
            .client
            .read(&format!("/rpc/getReceipt/{receipt_id}"))
            .await?;
        self.show(
            4,
            "The miner's RECEIPT_CLAIM pays and mints",
            &result,
            Some(job),
        )
        .await?;
        let units = integer(&receipt, "compute_units")?;
        let price = ait(integer(&receipt, "price")?);
        let minted = ait(integer(&receipt, "minted")?);
        self.console.line(paint(
            DIM,
            format!("     receipt {receipt_id}: {units} units for {price}, {minted} minted"),
        ));
        self.console.line("");
        Ok(())
    }

    /// The claim that settled a job, found in the blocks since its escrow opened.
    async fn find_claim(&self, job: &str) -> anyhow::Result<(TxReceipt, String)> {
        let escrow = self.client.read(&self.escrow_path(job)).await?;
        let first = integer(&escrow, "opened_height")?;
        let head = integer(&self.client.read("/rpc/getHead").await?, "height")?;
        for height in first..=head {
            let block = self.client.read(&format!("/rpc/getBlock/{height}")).await?;
            let txs = block["txs"].as_array().map(Vec::as_slice);
            for tx in txs.unwrap_or_default() {
                let payload = &tx["payload"];
                if tx["type"] == json!("RECEIPT_CLAIM") && payload["job_id"] == json!(job) {
                    let hash = text(tx, "hash")?;
                    let status = self.client.node().tx(hash).await?;
                    let receipt = status.and_then(|status| status.receipt);
                    if let Some(receipt) = receipt.filter(|receipt| receipt.code == 0) {
                        return Ok((receipt, text(payload, "receipt_id")?.to_owned()));
                    }
                }
            }
        }
        bail!("{job} is settled, but no block from {first} to {head} holds its claim")
    }

    /// The first job that this client never opened an escrow for.
    async fn unused_job(&self) -> anyhow::Result<String> {
        for number in 1..=LAST_JOB {
            let job = format!("job_{number}");
            let known: Option<Value> = self.client.node().find(&self.escrow_path(&job)).await?;
            if known.is_none() {
                return Ok(job);
            }
        }
        bail!("the client used up all the mock coordinator's jobs: begin anew with --fresh")
    }

    fn address_of_client(&self) -> Address {
        Address::of(&self.cast.client.public_key())
    }

    fn escrow_path(&self, job: &str) -> String {
        format!("/rpc/getEscrow/{}/{job}", self.address_of_client())
    }

    async fn watch(&self, job: Option<&str>) -> anyhow::Result<Vec<(&'static str, u64)>> {
        let mut balances = Vec::new();
        for (name, addresses) in &self.cast.accounts {
            let mut sum = 0;
            for address in addresses {
                sum += self.client.balance(address).await?;
            }
            balances.push((*name, sum));
        }
        let mut locked = 0;
        if let Some(job) = job {
            let escrow = self.client.read(&self.escrow_path(job)).await?;
            if escrow["status"] == json!("open") {
                locked = integer(&escrow, "amount")?;
            }
        }
        balances.push(("escrow", locked));
        Ok(balances)
    }

    async fn show(
        &mut self,
        number: u8,
        title: &str,
        receipt: &TxReceipt,
        job: Option<&str>,
    ) -> anyhow::Result<()> {
        let (height, fee) = (receipt.height, receipt.fee);
        let now = self.watch(job).await?;
        self.console.line(format!(
            "  {number}  {}  {}",
            paint(BOLD, title),
            paint(DIM, format!("block {height}, fee {fee} uait"))
        ));
        for ((name, before), (_, after)) in self.balances.iter().zip(&now) {
            if before != after {
                self.console.line(change(name, *before, *after));
            }
        }
        self.console.line("");
        self.balances = now;
        Ok(())
    }

    async fn show_supply(&self, before: &Value) -> anyhow::Result<()> {
        let after = self.client.read("/rpc/getSupply").await?;
        self.console.line(format!("     {}", paint(BOLD, "Supply")));
        for name in [
            "genesis", "minted", "burned", "balances", "escrows", "total",
        ] {
            let (before, after) = (integer(before, name)?, integer(&after, name)?);
            self.console.line(change(name, before, after));
        }
        let field = |name: &str| integer(&after, name);
        let total = field("total")?;
        let held = field("balances")? + field("escrows")? + field("stakes")? + field("unbonding")?;
        if total != field("genesis")? + field("minted")? - field("burned")? || total != held {
            bail!("the supply does not add up: {after}");
        }
        self.console.line(paint(
            DIM,
            "     total = genesis + minted - burned = balances + escrows + stakes + unbonding",
        ));
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

fn integer(value: &Value, field: &str) -> anyhow::Result<u64> {
    value[field]
        .as_u64()
        .with_context(|| format!("the answer has no integer {field}: {value}"))
}

fn text<'a>(value: &'a Value, field: &str) -> anyhow::Result<&'a str> {
    value[field]
        .as_str()
        .with_context(|| format!("the answer has no text {field}: {value}"))
}
