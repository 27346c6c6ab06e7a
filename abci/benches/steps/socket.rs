//! Owns the other end of the node's socket: CheckTx of many transactions one behind the other, as
//! CometBFT sends them.

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    sync::Arc,
    thread,
};

use ait_abci::{
    Application,
    transport::{Handle, Server},
};
use bytes::Bytes;
use prost::Message as _;
use tendermint_proto::v0_38::abci::{
    Request, RequestCheckTx, Response, request::Value as Ask, response::Value as Answer,
};

/// A node that is served, and a connection to it.
pub struct Served {
    stream: UnixStream,
    _handle: Handle,
}

impl Served {
    /// Serves a node in a folder.
    pub fn begin(node: Application, folder: &Path) -> Self {
        let path = folder.join("app.sock");
        let address = format!("unix://{}", path.display()).parse().unwrap();
        let on_fatal = Arc::new(|why: String| panic!("the node stopped: {why}"));
        let handle = Server::bind(&address).unwrap().serve(node, on_fatal);
        Self {
            stream: UnixStream::connect(path).unwrap(),
            _handle: handle.unwrap(),
        }
    }

    /// CheckTx of all of them, none of which may be refused.
    pub fn check(&mut self, wires: &[Bytes]) {
        let frames: Vec<u8> = wires.iter().flat_map(frame).collect();
        let mut sender = self.stream.try_clone().unwrap();
        thread::scope(|scope| {
            scope.spawn(move || sender.write_all(&frames).unwrap());
            let (mut arrived, mut answered) = (Vec::new(), 0);
            while answered < wires.len() {
                let mut piece = [0; 64 * 1024];
                let length = self.stream.read(&mut piece).unwrap();
                assert!(length > 0, "the node closed the connection");
                arrived.extend_from_slice(&piece[..length]);
                answered += take_answers(&mut arrived);
            }
        });
    }
}

fn frame(wire: &Bytes) -> Vec<u8> {
    let request = RequestCheckTx {
        tx: wire.clone(),
        ..RequestCheckTx::default()
    };
    let value = Some(Ask::CheckTx(request));
    Request { value }.encode_length_delimited_to_vec()
}

/// Takes the whole answers out, and counts them.
fn take_answers(arrived: &mut Vec<u8>) -> usize {
    let (mut rest, mut count) = (arrived.as_slice(), 0);
    while let Ok(response) = Response::decode_length_delimited(rest) {
        if rest.is_empty() {
            break;
        }
        match &response.value {
            Some(Answer::CheckTx(answer)) => assert_eq!(answer.code, 0, "{}", answer.log),
            other => panic!("another answer: {other:?}"),
        }
        let length = response.encoded_len();
        rest = &rest[length + prost::length_delimiter_len(length)..];
        count += 1;
    }
    *arrived = rest.to_vec();
    count
}
