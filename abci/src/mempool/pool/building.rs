//! Owns a proposal in the making: its entries and their size as CometBFT counts it.

use ait_app::{
    InvariantViolation,
    block::{attestations_wire, protobuf_size},
    receipts::attestation::Attestation,
};

use crate::consensus::LEAST_ENTRY_BYTES;

/// The growing list of entries and its size.
pub struct Building {
    txs: Vec<Vec<u8>>,
    attestations: Vec<Attestation>,
    filled: Filled,
    max_bytes: usize,
}

/// Bytes of a block: of its transactions as protobuf, of its attestations before they are framed.
#[derive(Clone, Copy, Default)]
pub struct Filled {
    txs: usize,
    attestations: usize,
}

impl Building {
    /// Of at most `max_bytes` by protobuf size.
    pub fn new(max_bytes: usize) -> Self {
        Self {
            txs: Vec::new(),
            attestations: Vec::new(),
            filled: Filled::default(),
            max_bytes,
        }
    }

    /// Whether there is no room for even the smallest transaction.
    pub fn is_full(&self) -> bool {
        let left = self.max_bytes.saturating_sub(self.filled.txs);
        left < LEAST_ENTRY_BYTES
    }

    /// What the block has with one more transaction and the attestation it needs; `None` where that is
    /// too much.
    ///
    /// # Errors
    /// [`InvariantViolation`].
    pub fn room_for(
        &self,
        wire_bytes: usize,
        attestation: Option<&Attestation>,
    ) -> Result<Option<Filled>, InvariantViolation> {
        // Alone in its entry an attestation takes the most: with company they share the frame.
        let alone = match attestation {
            Some(attestation) => attestations_wire(std::slice::from_ref(attestation))?.len(),
            None => 0,
        };
        let filled = Filled {
            txs: self.filled.txs.saturating_add(protobuf_size(wire_bytes)),
            attestations: self.filled.attestations.saturating_add(alone),
        };
        let front = if filled.attestations > 0 {
            protobuf_size(filled.attestations)
        } else {
            0
        };
        Ok((filled.txs.saturating_add(front) <= self.max_bytes).then_some(filled))
    }

    /// Appends a transaction for which there is room.
    pub fn push(&mut self, filled: Filled, wire: &[u8], attestation: Option<&Attestation>) {
        self.filled = filled;
        self.txs.push(wire.to_vec());
        self.attestations.extend(attestation.cloned());
    }

    /// All entries, the attestations in front.
    ///
    /// # Errors
    /// [`InvariantViolation`].
    pub fn finish(mut self) -> Result<Vec<Vec<u8>>, InvariantViolation> {
        if !self.attestations.is_empty() {
            let front = attestations_wire(&self.attestations)?;
            self.txs.insert(0, front);
        }
        Ok(self.txs)
    }
}
