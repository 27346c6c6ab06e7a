//! Owns what a frame of a recording is. In the file each has its length before it, as an unsigned varint.
//!
//! As a `.proto` file has it, with `Request` and `Response` of ABCI 2.0 (`tendermint.abci`):
//!
//! ```proto
//! message Frame {
//!   oneof kind {
//!     Run    run    = 1;  // the first frame, and no other
//!     uint32 opened = 2;  // a connection, numbered from 1
//!     Call   call   = 3;
//!     Answer answer = 4;
//!     uint32 closed = 5;
//!     Ended  ended  = 6;  // the node was asked to stop; the last frame
//!   }
//! }
//! message Run {
//!   string format            = 1;
//!   string version           = 2;
//!   uint64 app_version       = 3;
//!   string chain_id          = 4;
//!   int64  started           = 5;
//!   uint64 height            = 6;
//!   bytes  app_hash          = 7;
//!   uint64 keep_blocks       = 8;
//!   uint64 snapshot_interval = 9;
//! }
//! message Call   { uint64 number = 1; uint32 connection = 2; tendermint.abci.Request request = 3; }
//! message Answer { uint64 number = 1; tendermint.abci.Response response = 2; }
//! message Ended  {}
//! ```

use bytes::Bytes;

/// The format of the files that this program writes and reads, in each one's first frame.
pub const FORMAT: &str = "ait-abci-record/1";

/// One frame.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Frame {
    #[prost(oneof = "Kind", tags = "1, 2, 3, 4, 5, 6")]
    pub(super) kind: Option<Kind>,
}

/// What a frame says.
#[derive(Clone, PartialEq, prost::Oneof)]
pub(super) enum Kind {
    #[prost(message, tag = "1")]
    Run(Run),
    #[prost(uint32, tag = "2")]
    Opened(u32),
    #[prost(message, tag = "3")]
    Call(Called),
    #[prost(message, tag = "4")]
    Answer(Answered),
    #[prost(uint32, tag = "5")]
    Closed(u32),
    #[prost(message, tag = "6")]
    Ended(Ended),
}

/// A run of the node: from the start of its process on.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Run {
    /// [`FORMAT`].
    #[prost(string, tag = "1")]
    pub format: String,
    /// The program's version.
    #[prost(string, tag = "2")]
    pub version: String,
    /// The newest version of the protocol that the program executes.
    #[prost(uint64, tag = "3")]
    pub app_version: u64,
    /// The chain.
    #[prost(string, tag = "4")]
    pub chain_id: String,
    /// When it began, in seconds since 1970.
    #[prost(int64, tag = "5")]
    pub started: i64,
    /// The last block in the node's store then; 0 for none.
    #[prost(uint64, tag = "6")]
    pub height: u64,
    /// The app hash after that block; empty for none.
    #[prost(bytes = "bytes", tag = "7")]
    pub app_hash: Bytes,
    /// `KEEP_BLOCKS`.
    #[prost(uint64, tag = "8")]
    pub keep_blocks: u64,
    /// `SNAPSHOT_INTERVAL`.
    #[prost(uint64, tag = "9")]
    pub snapshot_interval: u64,
}

/// A call that began. Its request stays bytes here: ABCI's `Request`.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Called {
    #[prost(uint64, tag = "1")]
    pub(super) number: u64,
    #[prost(uint32, tag = "2")]
    pub(super) connection: u32,
    #[prost(bytes = "bytes", tag = "3")]
    pub(super) request: Bytes,
}

/// The answer to a call, likewise: ABCI's `Response`.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Answered {
    #[prost(uint64, tag = "1")]
    pub(super) number: u64,
    #[prost(bytes = "bytes", tag = "2")]
    pub(super) response: Bytes,
}

/// Nothing comes after it.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct Ended {}

/// A call of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// From 1 on, in the order in which the calls began.
    pub number: u64,
    /// The connection that it came on, from 1 on.
    pub connection: u32,
}
