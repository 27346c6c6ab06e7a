//! Owns the job of the flow that is not paid: a miner claims more than was quoted, its coordinator denies
//! it, the node refuses the claim, a report makes it an offence, and the pay goes back.

use ait_app::{
    address::Address,
    crypto::{SecretKey, sha256},
    escrow::release::EscrowRelease,
    quantity::{Positive, Units},
    receipts::{
        attestation::{Answer, Attestation},
        claim_payload::{Attestations, Brought},
        terms::ReceiptTerms,
    },
};
use ait_client::{Coordinator, SignedReceipt, http::Trust};
use anyhow::{Context as _, bail};

use super::{Flow, positive, screen::integer};
use ait_home::keys;

impl Flow<'_> {
    /// Shows it, where a coordinator is there to deny it.
    pub(super) async fn denied_job(&mut self) -> anyhow::Result<()> {
        let url = self.cast.coordinator_url.clone();
        let coordinator = Coordinator::new(
            &url.context("the mock coordinator has an address")?,
            &Trust::default(),
        )?;
        let cheat = keys::random()?;
        let miner = Address::of(&cheat.public_key());
        let job = self.open_job(false, Some(miner)).await?;
        let receipt = self.false_receipt(&coordinator, &cheat, &job).await?;
        let chain_id = self.client.chain_id();
        let denied = coordinator.attest(&receipt, chain_id).await?;
        if denied.answer(&receipt.terms) != Answer::Damning {
            bail!("the coordinator does not deny what it never quoted");
        }
        self.claim_in_vain(&cheat, &receipt, &denied, &job).await?;
        self.report(&receipt, denied, &job).await?;
        self.release(&job).await
    }

    /// A receipt for more work than was quoted.
    async fn false_receipt(
        &self,
        coordinator: &Coordinator,
        cheat: &SecretKey,
        job: &str,
    ) -> anyhow::Result<SignedReceipt> {
        let info = coordinator.job(&job.parse()?).await?;
        let units = info.quote.compute_units.saturating_plus(Units::constant(1));
        let nothing = hex::encode(sha256(b""));
        let terms = ReceiptTerms {
            receipt_id: format!("false-{job}").parse()?,
            job_id: job.parse()?,
            client: self.cast.client(),
            miner: Address::of(&cheat.public_key()),
            compute_units: Positive::new(units).context("above 0")?,
            price: positive(1_000_000)?,
            output_hash: format!("sha256:{nothing}").parse()?,
            opened_height: self.escrow(job).await?.opened_height,
        };
        Ok(SignedReceipt::sign(self.client.chain_id(), terms, cheat))
    }

    async fn claim_in_vain(
        &mut self,
        cheat: &SecretKey,
        receipt: &SignedReceipt,
        denied: &Attestation,
        job: &str,
    ) -> anyhow::Result<()> {
        let brought = Brought::One(denied.clone());
        let claim = receipt.clone().into_claim(brought, false);
        let refused = match self.client.send(cheat, claim.into()).await {
            Ok(sent) => bail!("the node took a claim that was denied: {}", sent.tx_hash),
            Err(error) => error,
        };
        if !refused.is("attestation_negative") {
            return Err(refused).context("the denied claim is refused for another reason");
        }
        let title = "A miner claims more units than were quoted: RECEIPT_CLAIM";
        self.show_step(title, "refused, in no block", Some(job))
            .await?;
        self.remark(format!(
            "receipt {}: {} units, where {} were quoted",
            receipt.terms.receipt_id, receipt.terms.compute_units, denied.quote.compute_units
        ));
        self.remark(refused.to_string());
        Ok(())
    }

    async fn report(
        &mut self,
        receipt: &SignedReceipt,
        denied: Attestation,
        job: &str,
    ) -> anyhow::Result<()> {
        let attestations = Attestations::new(vec![denied]).context("one attestation")?;
        // The chain does not know the key of one that never sent anything.
        let report = receipt.to_report(receipt.miner_pubkey, attestations);
        let result = self.client.execute(&self.cast.client, report).await?;
        self.show("The client reports it: RECEIPT_REPORT", &result, Some(job))
            .await?;
        let miner = receipt.terms.miner;
        let record = self.client.read(&format!("/rpc/getMiner/{miner}")).await?;
        let offences = integer(&record, "offences")?;
        if offences != 1 {
            bail!("the report is no offence: {record}");
        }
        self.remark(format!("{miner} has {offences} offence on record"));
        Ok(())
    }

    async fn release(&mut self, job: &str) -> anyhow::Result<()> {
        let payload = EscrowRelease {
            client_addr: self.cast.client(),
            job_id: job.parse()?,
        };
        let receipt = self.client.execute(&self.cast.coordinator, payload).await?;
        let title = "The coordinator gives the pay back: ESCROW_RELEASE";
        self.show(title, &receipt, Some(job)).await
    }
}
