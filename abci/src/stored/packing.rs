//! Owns how several values become one compressed one: LZ4's block format behind the size of what it holds
//! (u32, little-endian), which is a length (u32, big-endian) and bytes for each.

/// Compresses values as one.
pub(crate) fn packed<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut plain = Vec::new();
    for value in values {
        let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
        plain.extend_from_slice(&length.to_be_bytes());
        plain.extend_from_slice(value);
    }
    lz4_flex::block::compress_prepend_size(&plain)
}

/// The values; `None` for bytes that hold none, or say that they hold more than so many bytes of them.
pub(crate) fn unpacked(stored: &[u8], most_bytes: usize) -> Option<Vec<Vec<u8>>> {
    let size = stored.first_chunk().map(|size| u32::from_le_bytes(*size))?;
    if usize::try_from(size).ok()? > most_bytes {
        return None;
    }
    let plain = lz4_flex::block::decompress_size_prepended(stored).ok()?;
    let mut rest = plain.as_slice();
    let mut values = Vec::new();
    while !rest.is_empty() {
        let (length, behind) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (value, behind) = behind.split_at_checked(length)?;
        values.push(value.to_vec());
        rest = behind;
    }
    Some(values)
}
