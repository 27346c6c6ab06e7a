//! Transactions, in process: which bytes are one, what it costs, and the code that refuses it.

mod bad_input;
mod bad_payloads;
mod codes;
mod hostile_bytes;
mod one_pass;
mod record_fees;
mod signatures;
