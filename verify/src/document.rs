//! Owns the first look at a document: its size, and that it is JSON of the fields that it should have.

use serde::Deserialize;

use crate::malformed::Malformed;

/// The most bytes of JSON that are read as one document: 1 MiB. A bundle takes about 320 bytes a validator,
/// so that is some 3,000 of them.
pub const MAX_DOCUMENT_BYTES: usize = 1 << 20;

/// A document's fields.
///
/// # Errors
/// [`Malformed`] where it is too large, no JSON, or has not just these fields.
pub(crate) fn read<'a, T: Deserialize<'a>>(
    what: &'static str,
    json: &'a [u8],
) -> Result<T, Malformed> {
    let size = json.len();
    if size > MAX_DOCUMENT_BYTES {
        return Err(Malformed::TooLarge {
            what,
            size,
            limit: MAX_DOCUMENT_BYTES,
        });
    }
    serde_json::from_slice(json).map_err(|error| Malformed::json(what, &error))
}
