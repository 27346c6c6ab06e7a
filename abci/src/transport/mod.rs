//! The socket between CometBFT and the application.
//!
//! Owns connections, frames and their limits, and nothing of what the messages say. One blocking
//! thread a connection, on a unix socket or on TCP with NODELAY: without it every call waits for a
//! delayed acknowledgement. CometBFT opens four connections (consensus, mempool, query, snapshot).
//!
//! What arrives in one piece is answered in one write, so a burst of CheckTx costs two system calls. The
//! application hears of it as a whole before it answers one after the other, in order.
//! Bytes that are no request end their connection, with an exception as the last answer (ABCI,
//! `ResponseException`). An application that can't go on ends the server likewise, and so does a panic
//! of it: a node half alive is worse than none.
//!
//! `codec` (frames), `dispatch` (what is served), `connection` (one peer), `server` (all of
//! them), `socket` (unix and TCP alike), `address` (how they are written).

mod address;
mod codec;
mod connection;
mod dispatch;
mod server;
mod socket;

pub use address::{Address, AddressError};
pub use codec::MAX_FRAME_BYTES;
pub use dispatch::{Application, default_answer};
pub use server::{Handle, Server};
