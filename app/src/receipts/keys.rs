//! Owns whose signature counts for an escrow (PROTOCOL section 4): the keys of its opening, unless
//! they were revoked since.

use super::{attestation::Attestation, terms::ReceiptTerms};
use crate::{
    crypto::PublicKey,
    error::InvariantViolation,
    escrow::record::{Attester, Escrow},
    identifiers::ChainId,
    params::table::Params,
    state::View,
    tx::context::Signatures,
};

/// Whose attestations hold, as of one state.
pub struct Judge<'a, V: View> {
    /// The chain.
    pub chain_id: &'a ChainId,
    /// The params that name revoked keys.
    pub params: &'a Params,
    /// Who judges signatures.
    pub signatures: &'a dyn Signatures,
    /// The records that know account keys.
    pub view: &'a V,
}

impl<V: View> Judge<'_, V> {
    /// The key by which an attester of an escrow is judged now: that of the opening; where it was
    /// revoked, the account key of the attester's own address, if that is another and not revoked.
    ///
    /// # Errors
    /// [`InvariantViolation`].
    pub fn key_of(&self, attester: &Attester) -> Result<Option<PublicKey>, InvariantViolation> {
        let revoked = &self.params.revoked_keys;
        if !revoked.contains(&attester.key) {
            return Ok(Some(attester.key));
        }
        let account = self.view.account(&attester.address)?;
        Ok(account.pubkey.filter(|key| !revoked.contains(key)))
    }

    /// Whether a coordinator of the escrow rightly signed this attestation for this receipt.
    ///
    /// # Errors
    /// [`InvariantViolation`].
    pub fn is_rightly_signed(
        &self,
        escrow: &Escrow,
        attestation: &Attestation,
        terms: &ReceiptTerms,
    ) -> Result<bool, InvariantViolation> {
        let Some(attester) = escrow.attester(&attestation.coordinator) else {
            return Ok(false);
        };
        let Some(key) = self.key_of(attester)? else {
            return Ok(false);
        };
        let digest = attestation.sign_bytes(self.chain_id, terms);
        Ok(self.signatures.hold(&key, &digest, &attestation.sig))
    }
}
