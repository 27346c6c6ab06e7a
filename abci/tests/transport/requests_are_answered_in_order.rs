use std::thread;

use tendermint_proto::v0_38::abci::response::Value as Answer;

use crate::peer::{
    Peer, TestApplication, TestResult, assert_served, check, echo, flush, flushed, frame, query,
    serve, tcp, unix,
};

/// Sends bursts as CometBFT does, and asserts that each answer is the one to its request.
fn assert_bursts_answered(address: &str) -> TestResult {
    for count in [1, 10, 20_000] {
        let mut burst: Vec<u8> = (0..count)
            .flat_map(|number| frame(check(&u64::to_be_bytes(number))))
            .collect();
        burst.extend(frame(flush()));
        let mut peer = Peer::connect(address)?;
        let mut sender = peer.try_clone()?;
        let sent = thread::spawn(move || sender.send(&burst));
        let mut last = None;
        for number in 0..count {
            let Answer::CheckTx(answer) = peer.receive()? else {
                return Err("another answer".into());
            };
            assert_eq!(answer.data, u64::to_be_bytes(number)[..]);
            assert!(last < Some(answer.gas_used), "handled in order");
            last = Some(answer.gas_used);
        }
        assert_eq!(peer.receive()?, flushed());
        sent.join().map_err(|_| "the sender panicked")??;
    }
    Ok(())
}

#[test]
fn bursts_are_answered_in_order_on_a_unix_socket() -> TestResult {
    let folder = tempfile::tempdir()?;
    let (address, handle, _) = serve(&unix(folder.path()), &TestApplication::default())?;
    assert_bursts_answered(&address)?;
    handle.stop();
    Ok(())
}

#[test]
fn bursts_are_answered_in_order_on_tcp() -> TestResult {
    let (address, handle, _) = serve(&tcp(), &TestApplication::default())?;
    assert_bursts_answered(&address)?;
    handle.stop();
    Ok(())
}

#[test]
fn a_frame_that_arrives_byte_by_byte_is_answered_and_keeps_nobody_waiting() -> TestResult {
    let folder = tempfile::tempdir()?;
    let (address, _handle, _) = serve(&unix(folder.path()), &TestApplication::default())?;
    let (mut slow, mut quick) = (Peer::connect(&address)?, Peer::connect(&address)?);
    for byte in frame(echo(&"drop by drop ".repeat(20))) {
        slow.send(&[byte])?;
        assert_served(&mut quick)?;
    }
    let Answer::Echo(answer) = slow.receive()? else {
        return Err("another answer".into());
    };
    assert_eq!(answer.message, "drop by drop ".repeat(20));
    Ok(())
}

#[test]
fn a_slow_request_keeps_only_its_own_connection_waiting() -> TestResult {
    let folder = tempfile::tempdir()?;
    let application = TestApplication::default();
    let (address, _handle, _) = serve(&unix(folder.path()), &application)?;
    let (mut held, mut free) = (Peer::connect(&address)?, Peer::connect(&address)?);
    held.send(&frame(query("wait", 1)))?;
    application.gate.wait_for_held(1);
    for _ in 0..10 {
        assert_served(&mut free)?;
    }
    application.gate.open();
    assert!(matches!(held.receive()?, Answer::Query(answer) if answer.value.len() == 1));
    Ok(())
}

#[test]
fn requests_and_answers_of_many_megabytes_pass() -> TestResult {
    let (address, _handle, _) = serve(&tcp(), &TestApplication::default())?;
    let mut peer = Peer::connect(&address)?;
    for _ in 0..2 {
        let long = vec![5; 30_000_000];
        let Answer::CheckTx(answer) = peer.ask(check(&long))? else {
            return Err("another answer".into());
        };
        assert!(answer.data == long);
        assert!(matches!(
            peer.ask(query("", 30_000_000))?,
            Answer::Query(answer) if answer.value.len() == 30_000_000
        ));
        assert_served(&mut peer)?;
    }
    Ok(())
}

#[test]
fn requests_before_the_peer_ends_sending_are_answered() -> TestResult {
    let folder = tempfile::tempdir()?;
    let (address, _handle, _) = serve(&unix(folder.path()), &TestApplication::default())?;
    let mut peer = Peer::connect(&address)?;
    peer.send(&[frame(check(b"tx")), frame(flush())].concat())?;
    peer.end_sending()?;
    assert!(matches!(peer.receive()?, Answer::CheckTx(_)));
    assert_eq!(peer.receive()?, flushed());
    peer.assert_closed();
    Ok(())
}
