//! The pool saved between two runs of a node: all of it as one value, in chunks.

use super::{
    Target,
    changes::Changes,
    contain::{corrupt, read},
};
use crate::{
    StoreError,
    layout::{self, POOL},
};

/// The changes that replace the saved pool.
pub(super) fn save(target: Target<'_>, transactions: &[Vec<u8>]) -> Result<Changes, StoreError> {
    let mut changes = Changes::default();
    let before = saved_chunk_count(target)?;
    let encoded = layout::encode_pool(transactions);
    let length = encoded.len() as u64;
    for (index, chunk) in layout::numbered_chunks(&encoded) {
        changes.insert(layout::pool_chunk_key(index), chunk);
    }
    for index in layout::chunk_count(length)..before {
        changes.remove(layout::pool_chunk_key(index));
    }
    match transactions {
        [] => changes.remove(POOL),
        _ => changes.insert(POOL, &length.to_be_bytes()),
    }
    Ok(changes)
}

fn saved_chunk_count(target: Target<'_>) -> Result<u32, StoreError> {
    Ok(saved_length(target)?.map_or(0, layout::chunk_count))
}

fn saved_length(target: Target<'_>) -> Result<Option<u64>, StoreError> {
    let Some(length) = read(target.path, || target.database.get(POOL))? else {
        return Ok(None);
    };
    let length = length.as_ref().try_into();
    let length = length.map_err(|_| corrupt(target.path, "the saved pool cannot be understood"))?;
    Ok(Some(u64::from_be_bytes(length)))
}

/// The pool as saved.
pub(super) fn read_saved(target: Target<'_>) -> Result<Vec<Vec<u8>>, StoreError> {
    let not_understood = || corrupt(target.path, "the saved pool cannot be understood");
    let Some(length) = saved_length(target)? else {
        return Ok(Vec::new());
    };
    let mut encoded = Vec::new();
    for index in 0..layout::chunk_count(length) {
        let key = layout::pool_chunk_key(index);
        let chunk = read(target.path, || target.database.get(&key))?.ok_or_else(not_understood)?;
        encoded.extend_from_slice(&chunk);
    }
    if encoded.len() as u64 != length {
        return Err(not_understood());
    }
    layout::decode_pool(&encoded).ok_or_else(not_understood)
}
