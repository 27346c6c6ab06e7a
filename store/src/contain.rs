//! Turns panics of a database on damaged files into errors of the store.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use crate::StoreError;

/// Runs an action of a database; what it says when it panics, if it does.
pub(crate) fn contain<T>(action: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(action)).map_err(|payload| message_of(payload.as_ref()))
}

fn message_of(payload: &(dyn Any + Send)) -> String {
    let message = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied());
    message.unwrap_or("no message").to_owned()
}

pub(crate) fn corrupt(folder: &Path, detail: impl Into<String>) -> StoreError {
    StoreError::Corrupt {
        path: folder.to_owned(),
        detail: detail.into(),
    }
}
