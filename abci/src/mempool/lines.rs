//! Owns what the mempool says of many transactions at once: of an envelope, and of lines that are to become
//! one (PROTOCOL section 3.26).

use ait_app::{InvariantViolation, Refusal, tx::TxHash};
use bytes::Bytes;

use super::{
    Mempool,
    envelope::lines,
    not_begun,
    pool::{Line, OfEnvelope},
    transaction,
};
use crate::{fatal::Stopping, records::Verdict};

impl Mempool {
    /// What CheckTx would say of the wire bytes of transactions that come one after the other, where none is
    /// kept that could only be parked; keeps nothing. CheckTx and commits wait meanwhile: ask of a few hundred at most.
    ///
    /// # Errors
    /// [`Stopping`].
    pub fn preview_lines(&self, wires: &[Bytes]) -> Result<Vec<Verdict>, Stopping> {
        self.judge_lines(wires)
            .map_err(|violation| self.stop(&violation))
    }

    /// Which of these are pending.
    pub fn are_pending(&self, hashes: &[TxHash]) -> Vec<bool> {
        let pool = self.pool();
        let is_pending = |hash| pool.pending(hash).is_some();
        hashes.iter().map(is_pending).collect()
    }

    /// CheckTx of an envelope.
    pub(super) fn check_envelope(&self, wire: &[u8]) -> Result<Verdict, InvariantViolation> {
        let of_envelope = match self.read_lines(wire) {
            Ok(lines) => self.keep_lines(wire, &lines)?,
            Err(refusal) => OfEnvelope {
                verdict: Verdict::Refused(refusal),
                lines: Vec::new(),
            },
        };
        let metrics = &self.inner.parts.metrics;
        metrics.count_envelope(&of_envelope.verdict);
        for verdict in &of_envelope.lines {
            metrics.count_check(verdict);
        }
        if of_envelope.lines.contains(&Verdict::WaitsForAttestation) {
            self.inner.wanted.notify_one();
        }
        Ok(of_envelope.verdict)
    }

    /// The lines of an envelope. The first that fails encoding or signature is the envelope's fault, and
    /// what comes after it is not looked at.
    fn read_lines(&self, wire: &[u8]) -> Result<Vec<Line>, Refusal> {
        let parts = &self.inner.parts;
        let read = |(number, wire): (usize, &[u8])| {
            let verified = transaction(parts.verified.read(wire, &parts.chain_id));
            let verified = verified.map_err(|refusal| {
                let message = format!("transaction {number} of the envelope: {}", refusal.message);
                Refusal::new(refusal.code, message)
            })?;
            let wire = wire.into();
            Ok(Line { verified, wire })
        };
        (1..).zip(lines(wire)?).map(read).collect()
    }

    fn keep_lines(&self, wire: &[u8], lines: &[Line]) -> Result<OfEnvelope, InvariantViolation> {
        let hash = TxHash::of(wire);
        let mut pool = self.pool();
        let Some(base) = self.inner.parts.committed.base() else {
            return Ok(OfEnvelope {
                verdict: Verdict::Refused(not_begun()),
                lines: Vec::new(),
            });
        };
        let of_envelope = pool.check_envelope(&self.bench(&base)?, hash, wire.len(), lines)?;
        let wires = lines.iter().map(|line| line.wire.as_ref());
        self.note(&pool, wires.zip(&of_envelope.lines));
        Ok(of_envelope)
    }

    fn judge_lines(&self, wires: &[Bytes]) -> Result<Vec<Verdict>, InvariantViolation> {
        let parts = &self.inner.parts;
        let entries = parts.verified.read_all(wires, &parts.chain_id);
        let mut verdicts = Vec::with_capacity(wires.len());
        let mut lines = Vec::with_capacity(wires.len());
        for (wire, entry) in wires.iter().zip(entries) {
            verdicts.push(match transaction(entry) {
                Ok(verified) => {
                    let wire = wire.as_ref().into();
                    lines.push(Line { verified, wire });
                    None
                }
                Err(refusal) => Some(Verdict::Refused(refusal)),
            });
        }
        let mut pool = self.pool();
        let judged = match parts.committed.base() {
            Some(base) => pool.preview_lines(&self.bench(&base)?, &lines)?,
            None => vec![Verdict::Refused(not_begun()); lines.len()],
        };
        let mut judged = judged.into_iter();
        let verdicts = verdicts.into_iter();
        Ok(verdicts
            .filter_map(|unreadable| unreadable.or_else(|| judged.next()))
            .collect())
    }
}
