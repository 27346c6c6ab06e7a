use std::time::Duration;

use tendermint_proto::v0_38::abci::response::Value as Answer;

use crate::peer::{
    Peer, TestApplication, TestResult, assert_served, check, frame, query, serve, tcp, unix,
};

#[test]
fn an_application_that_cannot_go_on_answers_with_an_exception_and_nothing_after_it() -> TestResult {
    let folder = tempfile::tempdir()?;
    for address in [unix(folder.path()), tcp()] {
        let (address, handle, fatal) = serve(&address, &TestApplication::default())?;
        let (mut other, mut peer) = (Peer::connect(&address)?, Peer::connect(&address)?);
        assert_served(&mut other)?;
        peer.send(&[frame(query("fatal", 0)), frame(check(b"never handled"))].concat())?;
        match peer.receive()? {
            Answer::Exception(exception) => {
                assert_eq!(exception.error, "supply does not add up");
            }
            other => return Err(format!("{other:?}").into()),
        }
        peer.assert_closed();
        assert_eq!(
            fatal.recv_timeout(Duration::from_secs(60))?,
            "supply does not add up"
        );
        other.assert_closed();
        handle.stop();
        assert!(Peer::connect(&address).is_err());
        assert!(fatal.try_recv().is_err(), "it is told once");
    }
    Ok(())
}
