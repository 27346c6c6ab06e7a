//! Owns frames: an unsigned varint of the length, then a protobuf message (CometBFT's ABCI socket
//! protocol).

use bytes::{Buf, BytesMut};
use prost::Message;
use tendermint_proto::v0_38::abci::{Request, Response};

/// The largest request: a genesis with 500,000 accounts, or a block of 4 MiB many times over.
pub const MAX_FRAME_BYTES: usize = 64 * 1024 * 1024;

/// Bytes of the longest varint of 64 bits.
const MAX_VARINT_BYTES: usize = 10;

/// A frame that ends its connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The length itself is malformed.
    #[error("the frame's length is no varint of at most {MAX_VARINT_BYTES} bytes")]
    Length,
    /// The length passes the limit.
    #[error("the frame has {0} bytes, more than {MAX_FRAME_BYTES}")]
    TooLarge(u64),
    /// The content is no request.
    #[error("the frame is no ABCI request: {0}")]
    Request(String),
}

/// Takes the next whole request out of `buffer`; `None` until all of it has arrived.
///
/// # Errors
/// [`FrameError`].
pub fn take_request(buffer: &mut BytesMut) -> Result<Option<Request>, FrameError> {
    let Some((length, header)) = peek_length(buffer)? else {
        return Ok(None);
    };
    let body = usize::try_from(length)
        .ok()
        .filter(|length| *length <= MAX_FRAME_BYTES)
        .ok_or(FrameError::TooLarge(length))?;
    if buffer.len().saturating_sub(header) < body {
        return Ok(None);
    }
    buffer.advance(header);
    let frame = buffer.split_to(body).freeze();
    let request = Request::decode(frame).map_err(|error| FrameError::Request(error.to_string()))?;
    if request.value.is_none() {
        return Err(FrameError::Request("it is empty".into()));
    }
    Ok(Some(request))
}

/// Appends a response's frame to `buffer`.
pub fn put_response(buffer: &mut BytesMut, response: &Response) {
    // A BytesMut grows as needed, so encoding into it cannot run out of room.
    let _ = response.encode_length_delimited(buffer);
}

fn peek_length(buffer: &[u8]) -> Result<Option<(u64, usize)>, FrameError> {
    let mut length: u64 = 0;
    for (index, byte) in buffer.iter().take(MAX_VARINT_BYTES).enumerate() {
        let bits = u64::from(byte & 0x7f);
        let shift = u32::try_from(index).unwrap_or(u32::MAX).saturating_mul(7);
        let shifted = bits.checked_shl(shift).ok_or(FrameError::Length)?;
        if shifted >> shift != bits {
            return Err(FrameError::Length);
        }
        length |= shifted;
        if byte & 0x80 == 0 {
            return Ok(Some((length, index.saturating_add(1))));
        }
    }
    if buffer.len() >= MAX_VARINT_BYTES {
        return Err(FrameError::Length);
    }
    Ok(None)
}
