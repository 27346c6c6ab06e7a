//! The pool without its node: what a commit costs and does, held against judging everything anew.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that can't go on has failed"
)]

mod anew;
mod heights;
mod histories;
mod world;
