//! Owns an envelope's bytes (PROTOCOL section 3.26): many transactions on their way between mempools, as
//! lines. What becomes of them is the pool's to say.

use ait_app::{Code, Refusal, tx::codec::ENVELOPE_LINE};
use bytes::{BufMut, Bytes, BytesMut};

/// The most bytes of an envelope.
pub const MAX_ENVELOPE_BYTES: usize = 512 * 1024;

/// The most bytes of an envelope that this node makes: in hex they fit the million bytes of a request that
/// CometBFT's RPC reads.
const MADE_BYTES: usize = 496 * 1000;

/// The least transactions of an envelope: a lone one goes as it is.
const MIN_ENVELOPE_TXS: usize = 2;

/// The most transactions of an envelope.
pub const MAX_ENVELOPE_TXS: usize = 2_000;

/// Whether bytes are meant to be an envelope, and no transaction.
pub fn is_envelope(bytes: &[u8]) -> bool {
    bytes.starts_with(ENVELOPE_LINE)
}

/// The lines of an envelope, each of which may be anything still.
///
/// # Errors
/// [`Code::TooLarge`], or [`Code::UnexpectedEnvelope`] for what only begins as one.
pub fn lines(envelope: &[u8]) -> Result<Vec<&[u8]>, Refusal> {
    let bytes = envelope.len();
    if bytes > MAX_ENVELOPE_BYTES {
        let message = format!("the envelope has {bytes} bytes, more than {MAX_ENVELOPE_BYTES}");
        return Err(Refusal::new(Code::TooLarge, message));
    }
    let mut all = envelope.split(|byte| *byte == b'\n');
    let is_one = all.next() == Some(ENVELOPE_LINE);
    let lines: Vec<&[u8]> = all.take(MAX_ENVELOPE_TXS + 1).collect();
    if is_one && (MIN_ENVELOPE_TXS..=MAX_ENVELOPE_TXS).contains(&lines.len()) {
        return Ok(lines);
    }
    let first = String::from_utf8_lossy(ENVELOPE_LINE);
    let message = format!(
        "an envelope is the line {first} and then {MIN_ENVELOPE_TXS} to {MAX_ENVELOPE_TXS} \
         transactions, a line feed before each"
    );
    Err(Refusal::new(Code::UnexpectedEnvelope, message))
}

/// An envelope in the making.
#[derive(Debug, Clone, Default)]
pub struct Envelope {
    lines: Vec<Bytes>,
    bytes: usize,
}

impl Envelope {
    /// Adds the wire bytes of a transaction; gives them back where there is no room.
    ///
    /// # Errors
    /// The bytes.
    pub fn push(&mut self, wire: Bytes) -> Result<(), Bytes> {
        let bytes = self.bytes.saturating_add(wire.len()).saturating_add(1);
        let whole = bytes.saturating_add(ENVELOPE_LINE.len());
        if whole > MADE_BYTES || self.lines.len() >= MAX_ENVELOPE_TXS {
            return Err(wire);
        }
        self.bytes = bytes;
        self.lines.push(wire);
        Ok(())
    }

    /// The transactions in it.
    pub fn transactions(&self) -> &[Bytes] {
        &self.lines
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// What CometBFT is handed: the envelope's bytes, or those of a lone transaction.
    pub fn to_wire(&self) -> Bytes {
        if let [lone] = self.lines.as_slice() {
            return lone.clone();
        }
        let mut wire = BytesMut::with_capacity(ENVELOPE_LINE.len().saturating_add(self.bytes));
        wire.put_slice(ENVELOPE_LINE);
        for line in &self.lines {
            wire.put_u8(b'\n');
            wire.put_slice(line);
        }
        wire.freeze()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn envelope_of(lines: &[&str]) -> Envelope {
        let mut envelope = Envelope::default();
        for line in lines {
            envelope
                .push(Bytes::copy_from_slice(line.as_bytes()))
                .unwrap();
        }
        envelope
    }

    #[test]
    fn an_envelope_has_the_bytes_of_the_vectors() {
        let vectors = include_str!("../../../tests/vectors/protocol.json");
        let vectors: serde_json::Value = serde_json::from_str(vectors).unwrap();
        let cases = vectors["envelopes"].as_array().unwrap();
        assert!(!cases.is_empty());
        for case in cases {
            let transactions = case["transactions"].as_array().unwrap().iter();
            let transactions: Vec<&str> = transactions.map(|tx| tx.as_str().unwrap()).collect();
            let wire = case["bytes"].as_str().unwrap().as_bytes();
            assert_eq!(envelope_of(&transactions).to_wire(), wire);
            let read: Vec<&[u8]> = transactions.iter().map(|tx| tx.as_bytes()).collect();
            assert_eq!(lines(wire).unwrap(), read);
        }
    }

    #[test]
    fn a_lone_transaction_goes_as_it_is() {
        assert_eq!(envelope_of(&["{}"]).to_wire(), "{}".as_bytes());
        assert_eq!(
            envelope_of(&["{}", "[]"]).to_wire(),
            "AIT-ENVELOPE/1\n{}\n[]".as_bytes()
        );
    }

    #[test]
    fn what_is_no_envelope_is_refused_by_name_and_limit() {
        let many = format!("AIT-ENVELOPE/1{}", "\n{}".repeat(MAX_ENVELOPE_TXS + 1));
        for (text, limit) in [
            ("AIT-ENVELOPE/1", "2 to 2000"),
            ("AIT-ENVELOPE/1\n{}", "2 to 2000"),
            ("AIT-ENVELOPE/12\n{}\n{}", "AIT-ENVELOPE/1 "),
            (many.as_str(), "2 to 2000"),
        ] {
            assert!(is_envelope(text.as_bytes()), "{text}");
            let refusal = lines(text.as_bytes()).unwrap_err();
            assert_eq!(refusal.code, Code::UnexpectedEnvelope);
            assert!(refusal.message.contains(limit), "{}", refusal.message);
        }
        let large = format!("AIT-ENVELOPE/1\n{{}}\n{}", "x".repeat(MAX_ENVELOPE_BYTES));
        let refusal = lines(large.as_bytes()).unwrap_err();
        assert_eq!(refusal.code, Code::TooLarge);
        assert!(refusal.message.contains("524288"), "{}", refusal.message);
    }

    #[test]
    fn an_envelope_takes_no_more_than_others_would_read() {
        let mut envelope = Envelope::default();
        let line = Bytes::from(vec![b'x'; 16 * 1024]);
        while envelope.push(line.clone()).is_ok() {}
        assert_eq!(envelope.transactions().len(), 30);
        let wire = envelope.to_wire();
        assert_eq!(lines(&wire).unwrap().len(), 30);
        assert!("tx=0x".len() + 2 * wire.len() <= 1_000_000);
        let mut envelope = Envelope::default();
        let short = Bytes::from_static(b"x");
        while envelope.push(short.clone()).is_ok() {}
        assert_eq!(envelope.transactions().len(), MAX_ENVELOPE_TXS);
        assert_eq!(lines(&envelope.to_wire()).unwrap().len(), MAX_ENVELOPE_TXS);
    }
}
