//! Owns the flow that a devnet shows: a job from the faucet to the minted coins, one that is paid in
//! parts, and a receipt that is denied; each step with the balances before and after it.
//!
//! `screen` shows, `jobs` are those that are paid, `denied` is the one that is not.

mod denied;
mod jobs;
mod screen;

use std::time::Duration;

use ait_app::{
    address::Address,
    bank::transfer::{Memo, Transfer},
    coordinators::bond::CoordinatorBond,
    crypto::SecretKey,
    quantity::{Positive, UAIT_PER_AIT, Uait},
};
use anyhow::Context as _;

use super::{client::Client, console::Console, process::POLL};

const FROM_FAUCET: u64 = 100 * UAIT_PER_AIT;
const TRANSFERRED: u64 = 5 * UAIT_PER_AIT;
const BONDED: u64 = 100 * UAIT_PER_AIT;

/// The longest that what is pending of an earlier start may take.
const PENDING_LIMIT: Duration = Duration::from_secs(30);

/// Who takes part.
pub struct Cast {
    /// Pays for the jobs.
    pub client: SecretKey,
    /// The accounts to watch, by the names they are shown with; several of one name are added up.
    pub accounts: Vec<(&'static str, Vec<Address>)>,
    /// Receives the transfer.
    pub friend: Address,
    /// The escrows' coordinator.
    pub coordinator: SecretKey,
    /// Where it attests, if somebody does.
    pub coordinator_url: Option<String>,
    /// Whether somebody is there to work and to attest.
    pub will_be_claimed: bool,
}

impl Cast {
    fn client(&self) -> Address {
        Address::of(&self.client.public_key())
    }

    fn coordinator(&self) -> Address {
        Address::of(&self.coordinator.public_key())
    }
}

/// The flow on one node.
pub struct Flow<'a> {
    client: &'a Client,
    console: &'a Console,
    cast: &'a Cast,
    steps: u8,
    begins_chapter: bool,
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
        let mut flow = Self {
            client,
            console,
            cast,
            steps: 0,
            begins_chapter: true,
            balances: Vec::new(),
        };
        flow.let_pending_end().await?;
        flow.chapter("One job, from the faucet to the minted coins (amounts in AIT)");
        flow.balances = flow.watch(None).await?;
        let supply = client.read("/rpc/getSupply").await?;
        flow.bond().await?;
        flow.fund().await?;
        flow.transfer().await?;
        let job = flow.open_job(false, None).await?;
        if cast.will_be_claimed {
            flow.whole_job(&job).await?;
            flow.chapter("A job that is paid in parts");
            flow.partial_job().await?;
            flow.chapter("A receipt that is denied");
            flow.denied_job().await?;
        } else {
            console.notice(&format!(
                "{job} stays open for a miner and a coordinator of yours: one of the two mocks is off"
            ));
            console.line("");
        }
        flow.show_supply(&supply).await
    }

    /// What an earlier start sent and left pending is done first: what is shown builds on it.
    async fn let_pending_end(&self) -> anyhow::Result<()> {
        let senders = [self.cast.client(), self.cast.coordinator()];
        let wait = async {
            for sender in senders {
                while self.client.has_pending(&sender).await? {
                    tokio::time::sleep(POLL).await;
                }
            }
            anyhow::Ok(())
        };
        // What stays pending may be parked, and is no reason not to go on.
        match tokio::time::timeout(PENDING_LIMIT, wait).await {
            Ok(ended) => ended,
            Err(_) => Ok(()),
        }
    }

    /// Once in a chain's life.
    async fn bond(&mut self) -> anyhow::Result<()> {
        let account = self.client.node().account(&self.cast.coordinator()).await?;
        if !account.bond.is_zero() {
            return Ok(());
        }
        let payload = CoordinatorBond {
            amount: positive(BONDED)?,
        };
        let receipt = self.client.execute(&self.cast.coordinator, payload).await?;
        let title = "The coordinator bonds for its attestations: COORDINATOR_BOND";
        self.show(title, &receipt, None).await
    }

    async fn fund(&mut self) -> anyhow::Result<()> {
        let to = self.cast.client();
        let receipt = self.client.faucet(to, positive(FROM_FAUCET)?).await?;
        self.show("The faucet pays the client", &receipt, None)
            .await
    }

    async fn transfer(&mut self) -> anyhow::Result<()> {
        let payload = Transfer {
            amount: positive(TRANSFERRED)?,
            memo: Memo::new("hello"),
            to: self.cast.friend,
        };
        let receipt = self.client.execute(&self.cast.client, payload).await?;
        self.show("The client sends a TRANSFER to the admin", &receipt, None)
            .await
    }
}

fn positive(uait: u64) -> anyhow::Result<Positive<Uait>> {
    let amount = Uait::new(uait).and_then(Positive::new);
    amount.context("an amount above 0")
}
