//! Transactions that CometBFT sends one behind the other are verified together and answered as if each
//! had come alone, in their order.

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    sync::Arc,
    thread,
};

use ait_abci::transport::Server;
use prost::Message as _;
use tendermint_proto::v0_38::abci::{
    Request, RequestCheckTx, RequestFlush, Response, request::Value as Ask,
    response::Value as Answer,
};

use crate::driver::{Comet, sign, transfer};

/// Good ones, some with a wrong signature, some that are no transaction, some twice; the nonces of each
/// sender in sequence.
fn wires() -> Vec<Vec<u8>> {
    let mut wires = Vec::new();
    for nonce in 1..=200 {
        for from in ["alice", "anna"] {
            wires.push(transfer(from, nonce, 10).to_wire());
        }
        let mut forged = transfer("bob", nonce, 10).to_wire();
        let at = forged
            .windows(7)
            .position(|part| part == b"\"sig\":\"")
            .unwrap()
            + 7;
        forged[at] = if forged[at] == b'0' { b'1' } else { b'0' };
        wires.push(forged.clone());
        if nonce % 5 == 0 {
            wires.push(forged);
            wires.push(wires[0].clone());
            wires.push(format!("{{\"fee\":{nonce}").into_bytes());
            wires.push(b"{\"attestations\":[],\"type\":\"ATTESTATIONS\"}".to_vec());
        }
    }
    let unjail = ait_testkit::draft::payload("UNJAIL", &serde_json::json!({}));
    wires.push(sign("alice", 201, 10, unjail).to_wire());
    wires
}

fn frame(value: Ask) -> Vec<u8> {
    Request { value: Some(value) }.encode_length_delimited_to_vec()
}

fn check_tx(wire: &[u8]) -> RequestCheckTx {
    RequestCheckTx {
        tx: wire.to_vec().into(),
        ..RequestCheckTx::default()
    }
}

#[test]
fn a_burst_is_answered_as_each_would_be_alone() {
    let (burst, alone) = (
        Comet::begin(&["alice", "anna"]),
        Comet::begin(&["alice", "anna"]),
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    let address = format!("unix://{}", path.display()).parse().unwrap();
    let on_fatal = Arc::new(|why: String| panic!("the node stopped: {why}"));
    let server = Server::bind(&address).unwrap();
    let handle = server.serve(burst.node.clone(), on_fatal).unwrap();

    let wires = wires();
    let mut stream = UnixStream::connect(&path).unwrap();
    let mut sender = stream.try_clone().unwrap();
    let frames: Vec<u8> = wires
        .iter()
        .map(|wire| frame(Ask::CheckTx(check_tx(wire))))
        .chain([frame(Ask::Flush(RequestFlush {}))])
        .flatten()
        .collect();
    let sending = thread::spawn(move || sender.write_all(&frames).unwrap());
    let mut accepted = 0;
    for wire in &wires {
        let expected = alone.node.check_tx(&check_tx(wire)).unwrap();
        assert_eq!(receive(&mut stream), Answer::CheckTx(expected.clone()));
        accepted += usize::from(expected.code == 0);
    }
    assert!(matches!(receive(&mut stream), Answer::Flush(_)));
    assert!(accepted >= 400, "the good ones are among them");
    assert!(wires.len() - accepted >= 200, "the bad ones are among them");
    sending.join().unwrap();
    drop(stream);
    handle.stop();
    assert_eq!(burst.proposal(), alone.proposal());
}

/// The next answer.
fn receive(stream: &mut UnixStream) -> Answer {
    let (mut length, mut shift) = (0_usize, 0);
    loop {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        length |= usize::from(byte[0] & 0x7f) << shift;
        shift += 7;
        if byte[0] & 0x80 == 0 {
            break;
        }
    }
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).unwrap();
    Response::decode(bytes.as_slice()).unwrap().value.unwrap()
}
