//! Owns the params (PROTOCOL section 5): names, defaults, ranges. A block runs under those after
//! the block before it; what changes them holds from the next block.
//!
//! `table` is every param, `values` those that are no plain integers, `update` changes one, `admin`
//! hands the right to do so over.

pub mod admin;
pub mod events;
pub mod record;
pub mod table;
pub mod update;
pub mod values;

pub use table::{ParamKey, ParamValue, Params};
