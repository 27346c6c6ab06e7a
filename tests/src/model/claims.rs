//! Owns what makes a claim valid.

use super::{
    Event, Model,
    attest::Attestation,
    crypto::signed,
    execute::Refusal,
    offences::Offence,
    payload::{Claim, Given, Job},
    state::Escrow,
    wire::Tx,
};

/// A miner that claims a paid receipt again within so many blocks may not have seen the payment.
const GRACE: u64 = 20;

impl Model {
    /// All that makes a claim valid, in its order, and then its settlement.
    pub(super) fn claim(
        &mut self,
        tx: &Tx,
        claim: &Claim,
        required: u64,
        in_front: Option<&Attestation>,
    ) -> Result<Vec<Event>, Refusal> {
        self.check_receipt_is_new(claim)?;
        let key = (claim.receipt.client.clone(), claim.receipt.job_id.clone());
        self.check_work(tx, claim, &key, required)?;
        let counting = self.check_attestations(claim, &key, in_front)?;
        Ok(self.settle(tx, claim, &key, required, &counting))
    }

    fn check_receipt_is_new(&self, claim: &Claim) -> Result<(), Refusal> {
        let receipt = &claim.receipt;
        let banned_until = self
            .miners
            .get(&receipt.miner)
            .map_or(0, |m| m.banned_until);
        if self.height <= banned_until {
            return Err("miner_banned".into());
        }
        let id = (receipt.miner.clone(), receipt.receipt_id.clone());
        let earlier = self.receipts.get(&id);
        match earlier.filter(|earlier| earlier.status == "paid") {
            None => Ok(()),
            Some(paid) if self.height - paid.height > GRACE => Err(Refusal {
                name: "receipt_replayed",
                offence: Some(Offence::Plain),
            }),
            Some(_) => Err("receipt_already_claimed".into()),
        }
    }

    fn check_work(&self, tx: &Tx, claim: &Claim, key: &Job, required: u64) -> Result<(), Refusal> {
        let receipt = &claim.receipt;
        let escrow = self.open_escrow(key)?;
        if claim.opened.is_some_and(|opened| opened != escrow.opened) {
            return Err("wrong_opening".into());
        }
        let bound_to = escrow.miner.as_ref();
        if bound_to.is_some_and(|miner| *miner != receipt.miner) {
            return Err("bound_to_another_miner".into());
        }
        if claim.last && !(escrow.partial && bound_to.is_some()) {
            return Err("final_not_allowed".into());
        }
        let content = receipt.content(&self.chain_id, escrow.opened);
        if !signed(&tx.pubkey, &content, &claim.miner_sig) {
            // Where the claim doesn't name its opening, or nobody could know it yet because it is of
            // this block, the receipt may be one for the opening before.
            let means_this_one = claim.opened.is_some() && escrow.opened < self.height;
            return Err(Refusal {
                name: "invalid_miner_signature",
                offence: means_this_one.then_some(Offence::Plain),
            });
        }
        let (price, required) = (u128::from(receipt.price), u128::from(required));
        if escrow.remaining < price || escrow.remaining < required {
            return Err("escrow_too_small".into());
        }
        Ok(())
    }

    /// The coordinators whose attestations the claim has.
    fn check_attestations(
        &self,
        claim: &Claim,
        key: &Job,
        in_front: Option<&Attestation>,
    ) -> Result<Vec<String>, Refusal> {
        let escrow = &self.escrows[key];
        let given = given(claim, escrow, in_front)?;
        let in_order: Vec<&String> = {
            let names = |address: &&String| given.iter().any(|one| one.coordinator == **address);
            escrow.named.iter().filter(names).collect()
        };
        let ordered = in_order
            .iter()
            .copied()
            .eq(given.iter().map(|one| &one.coordinator));
        if given.len() != escrow.threshold || !ordered {
            return Err("invalid_attestation".into());
        }
        let receipt = &claim.receipt;
        let params = &self.before.params;
        let holds = |one: &&Attestation| self.is_rightly_signed(params, escrow, receipt, one);
        if !given.iter().all(holds) {
            return Err("invalid_attestation".into());
        }
        if given.iter().all(|one| one.is_good(receipt)) {
            return Ok(in_order.into_iter().cloned().collect());
        }
        let damning = given.iter().any(|one| one.is_damning(receipt));
        let convicts = damning && escrow.named.len() == 1;
        Err(Refusal {
            name: "attestation_negative",
            offence: convicts.then_some(Offence::Damning),
        })
    }
}

/// The attestations of the kind that the escrow's threshold asks for.
fn given<'a>(
    claim: &'a Claim,
    escrow: &Escrow,
    in_front: Option<&'a Attestation>,
) -> Result<Vec<&'a Attestation>, &'static str> {
    match (&claim.given, escrow.threshold) {
        (Given::One(one), 1) => Ok(vec![one]),
        (Given::List(list), 2..) => Ok(list.iter().collect()),
        (Given::None, 1) => {
            let alone = in_front.filter(|_| escrow.named.len() == 1);
            alone.map(|one| vec![one]).ok_or("attestation_missing")
        }
        (Given::None, _) => Err("attestation_missing"),
        _ => Err("invalid_attestation"),
    }
}
