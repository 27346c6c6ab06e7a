use std::{sync::Arc, thread};

use tendermint_proto::v0_38::abci::response::Value as Answer;

use crate::peer::{
    Peer, TestApplication, TestResult, assert_served, check, frame, query, serve, tcp, unix,
};

#[test]
fn a_request_in_progress_is_answered_and_later_ones_are_not_handled() -> TestResult {
    let folder = tempfile::tempdir()?;
    for address in [unix(folder.path()), tcp()] {
        let application = TestApplication::default();
        let (address, handle, fatal) = serve(&address, &application)?;
        let (mut busy, mut idle) = (Peer::connect(&address)?, Peer::connect(&address)?);
        assert_served(&mut idle)?;
        busy.send(&[frame(query("wait", 5)), frame(check(b"too late"))].concat())?;
        application.gate.wait_for_held(1);

        let stopping = thread::spawn(move || handle.stop());
        idle.assert_closed();
        assert!(
            !stopping.is_finished(),
            "the request in progress is waited for"
        );
        application.gate.open();
        assert!(matches!(busy.receive()?, Answer::Query(answer) if answer.value.len() == 5));
        busy.assert_closed();
        stopping.join().map_err(|_| "stopping panicked")?;
        assert!(Peer::connect(&address).is_err());
        assert!(fatal.try_recv().is_err());
    }
    Ok(())
}

#[test]
fn a_peer_that_does_not_read_its_answer_cannot_hold_up_a_stop() -> TestResult {
    let (address, handle, _) = serve(&tcp(), &TestApplication::default())?;
    let mut peer = Peer::connect(&address)?;
    peer.send(&frame(query("", 90_000_000)))?;
    // The answer has begun, and does not fit into the buffers between.
    peer.wait_for_bytes()?;
    handle.stop();
    Ok(())
}

#[test]
fn nothing_of_the_application_is_held_after_a_stop() -> TestResult {
    let folder = tempfile::tempdir()?;
    let application = TestApplication::default();
    let (address, handle, _) = serve(&unix(folder.path()), &application)?;
    let mut peers = Vec::new();
    for _ in 0..4 {
        let mut peer = Peer::connect(&address)?;
        assert_served(&mut peer)?;
        peers.push(peer);
    }
    handle.stop();
    assert_eq!(Arc::strong_count(&application.gate), 1);
    Ok(())
}

#[test]
fn dropping_the_handle_stops_the_server() -> TestResult {
    let folder = tempfile::tempdir()?;
    let (address, handle, _) = serve(&unix(folder.path()), &TestApplication::default())?;
    let mut peer = Peer::connect(&address)?;
    assert_served(&mut peer)?;
    drop(handle);
    peer.assert_closed();
    assert!(!folder.path().join("ait.sock").exists());
    Ok(())
}

#[test]
fn a_server_whose_socket_file_was_removed_can_be_stopped() -> TestResult {
    let folder = tempfile::tempdir()?;
    let (address, handle, _) = serve(&unix(folder.path()), &TestApplication::default())?;
    let mut peer = Peer::connect(&address)?;
    assert_served(&mut peer)?;
    std::fs::remove_file(folder.path().join("ait.sock"))?;
    handle.stop();
    peer.assert_closed();
    Ok(())
}
