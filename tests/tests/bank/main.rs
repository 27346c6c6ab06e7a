//! The bank, in process: coins move whole and once, and every coin has one place.

mod supply;
mod transfers;
