use proptest::{collection::vec, prelude::*};
use tendermint_proto::v0_38::abci::response::Value as Answer;

use crate::peer::{
    Peer, TestApplication, TestResult, assert_served, check, flush, flushed, frame, query, serve,
    serve_frames, tcp, unix,
};

/// Sends bytes, and asserts that they end their connection with an exception that says why, and no
/// other connection.
fn assert_refused(address: &str, bytes: &[u8], reason: &str) -> TestResult {
    let mut other = Peer::connect(address)?;
    let mut peer = Peer::connect(address)?;
    assert_served(&mut peer)?;
    peer.send(bytes)?;
    match peer.receive()? {
        Answer::Exception(exception) => assert_eq!(exception.error, reason),
        answer => return Err(format!("{answer:?}").into()),
    }
    peer.assert_closed();
    assert_served(&mut other)
}

#[test]
fn what_is_no_request_is_answered_with_an_exception() -> TestResult {
    let folder = tempfile::tempdir()?;
    for address in [unix(folder.path()), tcp()] {
        let (address, _handle, fatal) = serve(&address, &TestApplication::default())?;
        let empty = "a request is empty or of an unknown kind";
        assert_refused(&address, &[0], empty)?;
        // Field 99, of a version of ABCI that is not spoken here.
        assert_refused(&address, &[3, 0x9a, 0x06, 0], empty)?;
        let length = "the length of a frame is no varint of 64 bits";
        assert_refused(&address, &[0xff; 11], length)?;
        assert_refused(&address, &[0x80; 10], length)?;
        let long = "a frame of 104857601 bytes is longer than the limit of 104857600 bytes";
        assert_refused(&address, &[0x81, 0x80, 0x80, 0x32], long)?;
        let longest =
            "a frame of 18446744073709551615 bytes is longer than the limit of 104857600 bytes";
        assert_refused(&address, &[[0xff; 9].as_slice(), &[1]].concat(), longest)?;
        assert!(fatal.try_recv().is_err());
    }
    Ok(())
}

#[test]
fn an_undecodable_request_is_answered_with_an_exception() -> TestResult {
    let (address, _handle, _) = serve(&tcp(), &TestApplication::default())?;
    let mut peer = Peer::connect(&address)?;
    peer.send(&[4, 0x0a, 0x7f, 1, 2])?;
    match peer.receive()? {
        Answer::Exception(exception) => {
            assert!(
                exception.error.starts_with("a frame is no ABCI request: "),
                "{exception:?}"
            );
        }
        answer => return Err(format!("{answer:?}").into()),
    }
    peer.assert_closed();
    Ok(())
}

#[test]
fn requests_before_a_bad_frame_are_answered() -> TestResult {
    let folder = tempfile::tempdir()?;
    let (address, _handle, _) = serve(&unix(folder.path()), &TestApplication::default())?;
    let mut peer = Peer::connect(&address)?;
    peer.send(&[frame(check(b"tx")), frame(flush()), vec![0], frame(flush())].concat())?;
    assert!(matches!(peer.receive()?, Answer::CheckTx(_)));
    assert_eq!(peer.receive()?, flushed());
    assert!(matches!(peer.receive()?, Answer::Exception(_)));
    peer.assert_closed();
    Ok(())
}

/// Closing a TCP connection with bytes unread resets it, and a reset throws away answers on the way.
#[test]
fn the_exception_arrives_although_the_peer_goes_on_sending() -> TestResult {
    let (address, _handle, _) = serve_frames(&tcp(), &TestApplication::default(), 1_000)?;
    let mut peer = Peer::connect(&address)?;
    let mut sender = peer.try_clone()?;
    let long = frame(check(&vec![1; 20_000_000]));
    let sent = std::thread::spawn(move || sender.send(&long));
    let answer = peer.receive()?;
    sent.join().map_err(|_| "the sender panicked")?.ok();
    assert!(matches!(answer, Answer::Exception(_)), "{answer:?}");
    Ok(())
}

#[test]
fn an_answer_beyond_the_limit_becomes_an_exception() -> TestResult {
    let (address, _handle, _) = serve_frames(&tcp(), &TestApplication::default(), 1_000)?;
    let mut peer = Peer::connect(&address)?;
    assert!(matches!(peer.ask(query("", 900))?, Answer::Query(_)));
    match peer.ask(query("", 1_001))? {
        Answer::Exception(exception) => {
            assert!(
                exception.error.ends_with("than the limit of 1000 bytes"),
                "{exception:?}"
            );
        }
        answer => return Err(format!("{answer:?}").into()),
    }
    peer.assert_closed();
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_bytes_bring_the_server_down(
        pieces in vec(
            prop_oneof![
                vec(any::<u8>(), 0..60),
                Just(frame(check(b"tx"))),
                // A frame of the right length with anything in it.
                vec(any::<u8>(), 0..100).prop_map(|body| [&[body.len() as u8], &body[..]].concat()),
            ],
            0..6,
        )
    ) {
        let folder = tempfile::tempdir()?;
        let failed = |error: Box<dyn std::error::Error>| TestCaseError::fail(error.to_string());
        let (address, handle, fatal) = serve(&unix(folder.path()), &TestApplication::default())?;
        let mut other = Peer::connect(&address)?;
        let mut peer = Peer::connect(&address)?;
        // The server may have closed the connection by then.
        let _ = peer.send(&pieces.concat());
        let _ = peer.end_sending();
        while peer.receive().is_ok() {}
        assert_served(&mut other).map_err(failed)?;
        handle.stop();
        prop_assert!(fatal.try_recv().is_err());
    }
}
