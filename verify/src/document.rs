//! Owns the first look at a document: its size, and that it is JSON of the fields that it should have.

use serde::Deserialize;
use serde_json::value::RawValue;

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

/// The only format there is, of bundles and of what is trusted.
pub(crate) const FORMAT: u64 = 1;

/// An answer with a bundle in it; its other fields are not read.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    proof: Option<&'a RawValue>,
}

/// The bundle that an answer has in its field `proof`, or the document itself.
///
/// # Errors
/// As [`read`].
pub(crate) fn bundle_in<'a>(what: &'static str, json: &'a [u8]) -> Result<&'a [u8], Malformed> {
    let answer: Answer<'_> = read(what, json)?;
    Ok(answer.proof.map_or(json, |proof| proof.get().as_bytes()))
}

/// # Errors
/// [`Malformed`] for another format than the one that is read.
pub(crate) fn check_format(format: u64) -> Result<(), Malformed> {
    if format == FORMAT {
        return Ok(());
    }
    let reason = format!("is {format}: this verifier reads {FORMAT}");
    Err(Malformed::field("format", reason))
}
