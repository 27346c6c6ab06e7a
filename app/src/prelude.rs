//! What every module takes from `alloc`: the crate has no `std` (see `lib.rs`).

pub(crate) use alloc::{
    borrow::ToOwned,
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    format,
    string::{String, ToString},
    sync::Arc,
    vec,
    vec::Vec,
};
