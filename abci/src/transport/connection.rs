//! Owns one connection: reads what has come, handles every whole request in it, and answers them all
//! with one write.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    os::unix::net::UnixStream,
    panic::{AssertUnwindSafe, catch_unwind},
};

use bytes::BytesMut;
use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::{
    Request, Response, ResponseException, request::Value as RequestValue, response::Value,
};

use super::codec::{self, FrameError};
use crate::OnFatal;

/// How much is read at once: a burst of CheckTx in one go.
const READ_BYTES: usize = 256 * 1024;

/// Answers are written at the latest when they have this many bytes.
const WRITE_BYTES: usize = 1024 * 1024;

/// A connection of either kind.
pub enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Stream {
    /// A second handle, to end the connection from another thread.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(match self {
            Stream::Unix(stream) => Stream::Unix(stream.try_clone()?),
            Stream::Tcp(stream) => Stream::Tcp(stream.try_clone()?),
        })
    }

    /// Ends reading, writing or both.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        match self {
            Stream::Unix(stream) => stream.shutdown(how),
            Stream::Tcp(stream) => stream.shutdown(how),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Unix(stream) => stream.read(buffer),
            Stream::Tcp(stream) => stream.read(buffer),
        }
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Stream::Unix(stream) => stream.write_all(bytes),
            Stream::Tcp(stream) => stream.write_all(bytes),
        }
    }
}

/// Serves a connection until the other side closes it, it breaks, or the server stops.
pub fn serve<A: Application>(mut stream: Stream, application: &A, on_fatal: &OnFatal) {
    let served = catch_unwind(AssertUnwindSafe(|| answer_all(&mut stream, application)));
    let _ = stream.shutdown(Shutdown::Both);
    match served {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(
                component = "transport",
                event = "connection_closed",
                "{error}"
            );
        }
        Err(panic) => {
            let text = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("unknown");
            on_fatal(format!("the application panicked: {text}"));
        }
    }
}

fn answer_all<A: Application>(stream: &mut Stream, application: &A) -> io::Result<()> {
    let mut incoming = BytesMut::new();
    let mut outgoing = BytesMut::new();
    let mut chunk = vec![0; READ_BYTES];
    loop {
        let count = match stream.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        incoming.extend_from_slice(chunk.get(..count).unwrap_or_default());
        let refused = answer_whole_frames(stream, application, &mut incoming, &mut outgoing)?;
        stream.write_all(&outgoing)?;
        outgoing.clear();
        if let Some(error) = refused {
            return Err(io::Error::new(io::ErrorKind::InvalidData, error));
        }
    }
}

/// Handles the whole requests in `incoming`; what is left of a partial one stays there. A frame that
/// can't be read is answered with an exception, as ABCI has it, and ends the connection.
fn answer_whole_frames<A: Application>(
    stream: &mut Stream,
    application: &A,
    incoming: &mut BytesMut,
    outgoing: &mut BytesMut,
) -> io::Result<Option<FrameError>> {
    loop {
        match codec::take_request(incoming) {
            Ok(Some(request)) => codec::put_response(outgoing, &handle(application, request)),
            Ok(None) => return Ok(None),
            Err(error) => {
                codec::put_response(outgoing, &exception(error.to_string()));
                return Ok(Some(error));
            }
        }
        if outgoing.len() >= WRITE_BYTES {
            stream.write_all(outgoing)?;
            outgoing.clear();
        }
    }
}

/// The library's own dispatcher is private to it, and panics on an empty request.
fn handle<A: Application>(application: &A, request: Request) -> Response {
    use RequestValue as Ask;
    let Some(request) = request.value else {
        return exception("an empty request".into());
    };
    let value = match request {
        Ask::Echo(request) => Value::Echo(application.echo(request)),
        Ask::Flush(_) => Value::Flush(application.flush()),
        Ask::Info(request) => Value::Info(application.info(request)),
        Ask::InitChain(request) => Value::InitChain(application.init_chain(request)),
        Ask::Query(request) => Value::Query(application.query(request)),
        Ask::CheckTx(request) => Value::CheckTx(application.check_tx(request)),
        Ask::Commit(_) => Value::Commit(application.commit()),
        Ask::ListSnapshots(_) => Value::ListSnapshots(application.list_snapshots()),
        Ask::OfferSnapshot(request) => Value::OfferSnapshot(application.offer_snapshot(request)),
        Ask::LoadSnapshotChunk(request) => {
            Value::LoadSnapshotChunk(application.load_snapshot_chunk(request))
        }
        Ask::ApplySnapshotChunk(request) => {
            Value::ApplySnapshotChunk(application.apply_snapshot_chunk(request))
        }
        Ask::PrepareProposal(request) => {
            Value::PrepareProposal(application.prepare_proposal(request))
        }
        Ask::ProcessProposal(request) => {
            Value::ProcessProposal(application.process_proposal(request))
        }
        Ask::ExtendVote(request) => Value::ExtendVote(application.extend_vote(request)),
        Ask::VerifyVoteExtension(request) => {
            Value::VerifyVoteExtension(application.verify_vote_extension(request))
        }
        Ask::FinalizeBlock(request) => Value::FinalizeBlock(application.finalize_block(request)),
    };
    Response { value: Some(value) }
}

fn exception(error: String) -> Response {
    Response {
        value: Some(Value::Exception(ResponseException { error })),
    }
}
