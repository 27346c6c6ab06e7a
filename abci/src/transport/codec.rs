//! Owns frames: a message's length as an unsigned varint, then the message in protobuf (the socket
//! protocol of ABCI). Bounded in everything that a peer can send.

use std::io::{self, Read};

use prost::Message as _;
use tendermint_proto::v0_38::abci::{Request, Response, request};

/// The longest frame in bytes: what CometBFT's own servers and clients of this protocol take
/// (`maxMsgSize`). A block of 4 MiB uses little of it; a genesis with 500,000 accounts, most.
pub const MAX_FRAME_BYTES: usize = 100 * 1024 * 1024;

/// Bytes of the longest varint of 64 bits.
const MAX_VARINT_BYTES: usize = 10;
/// Room for arriving bytes to begin with: a burst of small requests.
const INITIAL_BYTES: usize = 64 * 1024;
/// Room that is kept for the next requests once a long one was handled: those of a full block.
pub(super) const RETAINED_BYTES: usize = 8 * 1024 * 1024;
/// Room there has to be for a read, so that many small ones are not needed.
const LEAST_ROOM: usize = 16 * 1024;

/// The most requests that are taken at once, and the bytes of frames after which no more are: a request
/// takes more memory than its frame, and what looks ahead of many keeps consensus from its cores.
const BURST_REQUESTS: usize = 256;
const BURST_BYTES: usize = 1024 * 1024;

/// Bytes that are no request. They end their connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum FrameError {
    #[error("the length of a frame is no varint of 64 bits")]
    Length,
    #[error("a frame of {length} bytes is longer than the limit of {limit} bytes")]
    TooLong { length: u64, limit: usize },
    #[error("a frame is no ABCI request: {0}")]
    Undecodable(#[from] prost::DecodeError),
    #[error("a request is empty or of an unknown kind")]
    NoValue,
    #[error("the answer of {length} bytes is longer than the limit of {limit} bytes")]
    AnswerTooLong { length: usize, limit: usize },
}

/// Bytes that have arrived and were not handled yet.
pub(super) struct Incoming {
    /// Zeros where nothing has arrived yet.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    limit: usize,
}

impl Incoming {
    /// Takes frames of up to `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            buffer: vec![0; INITIAL_BYTES],
            start: 0,
            end: 0,
            limit,
        }
    }

    /// Takes the next whole request out; `None` until all of it has arrived.
    pub(super) fn next_request(&mut self) -> Result<Option<request::Value>, FrameError> {
        let arrived = self.buffer.get(self.start..self.end).unwrap_or_default();
        let Some((length, prefix)) = decode_length(arrived)? else {
            return Ok(None);
        };
        let too_long = FrameError::TooLong {
            length,
            limit: self.limit,
        };
        let length = match usize::try_from(length) {
            Ok(length) if length <= self.limit => length,
            _ => return Err(too_long),
        };
        let frame_end = prefix.saturating_add(length);
        let Some(frame) = arrived.get(prefix..frame_end) else {
            return Ok(None);
        };
        // From a slice, so that what a request keeps does not keep this buffer alive.
        let request = Request::decode(frame)?;
        self.start = self.start.saturating_add(frame_end);
        request.value.ok_or(FrameError::NoValue).map(Some)
    }

    /// Takes the whole requests that have arrived, in their order, as far as the bounds of a burst allow;
    /// none when there is no more. What comes behind them and is no request is the second.
    pub(super) fn next_requests(&mut self) -> (Vec<request::Value>, Option<FrameError>) {
        let mut requests = Vec::new();
        let begun = self.start;
        while requests.len() < BURST_REQUESTS && self.start.saturating_sub(begun) < BURST_BYTES {
            match self.next_request() {
                Ok(Some(request)) => requests.push(request),
                Ok(None) => break,
                Err(error) => return (requests, Some(error)),
            }
        }
        (requests, None)
    }

    /// Reads once. Returns the number of bytes; 0 when the peer sends no more.
    pub(super) fn read_from(&mut self, reader: &mut impl Read) -> io::Result<usize> {
        self.make_room();
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        let count = reader.read(room)?;
        self.end = self.end.saturating_add(count);
        Ok(count)
    }

    /// Room grows with what has arrived, never with what a frame announces.
    fn make_room(&mut self) {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            if self.buffer.len() > RETAINED_BYTES {
                self.buffer = vec![0; INITIAL_BYTES];
            }
        }
        if self.buffer.len().saturating_sub(self.end) >= LEAST_ROOM {
            return;
        }
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end.saturating_sub(self.start));
        }
        if self.buffer.len().saturating_sub(self.end) < LEAST_ROOM {
            self.buffer.resize(self.buffer.len().saturating_mul(2), 0);
        }
    }
}

/// The length that begins a frame, and the bytes it takes; `None` until all of those have arrived.
fn decode_length(bytes: &[u8]) -> Result<Option<(u64, usize)>, FrameError> {
    let mut length: u64 = 0;
    for (position, byte) in (1..=MAX_VARINT_BYTES).zip(bytes) {
        let bits = u64::from(byte & 0x7f);
        let shift = 7 * (position - 1);
        // The tenth byte has room for the highest bit alone.
        if position == MAX_VARINT_BYTES && *byte > 1 {
            return Err(FrameError::Length);
        }
        length |= bits << shift;
        if byte & 0x80 == 0 {
            return Ok(Some((length, position)));
        }
    }
    Ok(None)
}

/// Appends a response's frame.
pub(super) fn append(
    outgoing: &mut Vec<u8>,
    response: &Response,
    limit: usize,
) -> Result<(), FrameError> {
    let length = response.encoded_len();
    // A Vec grows as needed, so encoding fails for no other reason.
    if length > limit || response.encode_length_delimited(outgoing).is_err() {
        return Err(FrameError::AnswerTooLong { length, limit });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tendermint_proto::v0_38::abci::RequestEcho;

    use super::*;

    fn echo(length: usize) -> (request::Value, Vec<u8>) {
        let value = request::Value::Echo(RequestEcho {
            message: "x".repeat(length),
        });
        let frame = Request {
            value: Some(value.clone()),
        }
        .encode_length_delimited_to_vec();
        (value, frame)
    }

    #[test]
    fn a_frame_is_taken_once_its_last_byte_is_there() {
        let (value, frame) = echo(300);
        let mut incoming = Incoming::new(MAX_FRAME_BYTES);
        for byte in &frame[..frame.len() - 1] {
            incoming.read_from(&mut &[*byte][..]).unwrap();
            assert!(incoming.next_request().unwrap().is_none());
        }
        incoming.read_from(&mut &frame[frame.len() - 1..]).unwrap();
        assert_eq!(incoming.next_request().unwrap(), Some(value));
        assert!(incoming.next_request().unwrap().is_none());
    }

    #[test]
    fn frames_of_all_sizes_are_taken_in_order() {
        let sizes = [0, 1, 127, 128, 20_000, 70_000, 3, 9_000_000, 5];
        let (values, frames): (Vec<_>, Vec<_>) = sizes.map(echo).into_iter().unzip();
        let stream = frames.concat();
        for piece in [1_000, 65_536, stream.len()] {
            let mut incoming = Incoming::new(MAX_FRAME_BYTES);
            let mut taken = Vec::new();
            for mut piece in stream.chunks(piece) {
                while incoming.read_from(&mut piece).unwrap() > 0 {
                    while let Some(value) = incoming.next_request().unwrap() {
                        taken.push(value);
                    }
                }
            }
            assert!(taken == values, "pieces of {piece} bytes");
            incoming.make_room();
            assert_eq!(
                incoming.buffer.len(),
                INITIAL_BYTES,
                "room of a long frame is given back"
            );
        }
    }

    #[test]
    fn a_burst_is_bounded_in_requests_and_bytes() {
        let bursts = |(value, frame): (request::Value, Vec<u8>), count: usize| {
            let stream = frame.repeat(count);
            let mut incoming = Incoming::new(MAX_FRAME_BYTES);
            let mut arriving = stream.as_slice();
            while incoming.read_from(&mut arriving).unwrap() > 0 {}
            let mut lengths = Vec::new();
            loop {
                let (requests, error) = incoming.next_requests();
                assert!(error.is_none());
                if requests.is_empty() {
                    return lengths;
                }
                assert!(requests.iter().all(|request| *request == value));
                lengths.push(requests.len());
            }
        };
        assert_eq!(bursts(echo(10), 3), [3]);
        assert_eq!(bursts(echo(10), 600), [256, 256, 88]);
        assert_eq!(bursts(echo(600_000), 5), [2, 2, 1]);
    }

    #[test]
    fn what_is_no_request_comes_after_those_before_it() {
        let (value, frame) = echo(5);
        let mut incoming = Incoming::new(MAX_FRAME_BYTES);
        incoming
            .read_from(&mut [&frame[..], &frame, &[1, 0xff]].concat().as_slice())
            .unwrap();
        let (requests, error) = incoming.next_requests();
        assert_eq!(requests, [value.clone(), value]);
        assert!(matches!(error, Some(FrameError::Undecodable(_))));
    }

    #[test]
    fn an_announced_length_takes_no_memory() {
        let mut incoming = Incoming::new(MAX_FRAME_BYTES);
        let announced = [0x80, 0x80, 0x80, 0x32, 1, 2, 3];
        incoming.read_from(&mut &announced[..]).unwrap();
        assert!(incoming.next_request().unwrap().is_none());
        incoming.make_room();
        assert_eq!(incoming.buffer.len(), INITIAL_BYTES);
    }

    #[test]
    fn a_length_is_a_varint_of_64_bits() {
        let highest = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        assert_eq!(decode_length(&highest).unwrap(), Some((u64::MAX, 10)));
        assert_eq!(decode_length(&[0xac, 2, 9]).unwrap(), Some((300, 2)));
        assert_eq!(decode_length(&[0]).unwrap(), Some((0, 1)));
        assert_eq!(decode_length(&[]).unwrap(), None);
        assert_eq!(decode_length(&highest[..9]).unwrap(), None);
        assert!(decode_length(&[0x80; 10]).is_err());
        assert!(decode_length(&[&highest[..9], &[2]].concat()).is_err());
    }
}
