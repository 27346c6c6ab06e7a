use std::time::Duration;

use crate::peer::{
    Peer, TestApplication, TestResult, assert_served, check, frame, query, serve, tcp, unix,
};

#[test]
fn a_panic_of_the_application_is_told_once_and_stops_the_server() -> TestResult {
    let folder = tempfile::tempdir()?;
    for address in [unix(folder.path()), tcp()] {
        let (address, handle, fatal) = serve(&address, &TestApplication::default())?;
        let (mut other, mut peer) = (Peer::connect(&address)?, Peer::connect(&address)?);
        assert_served(&mut other)?;
        peer.send(&[frame(query("panic", 0)), frame(check(b"never handled"))].concat())?;
        let message = fatal.recv_timeout(Duration::from_secs(60))?;
        assert_eq!(message, "the application panicked: supply does not add up");
        peer.assert_closed();
        other.assert_closed();
        handle.stop();
        assert!(Peer::connect(&address).is_err());
        assert!(fatal.try_recv().is_err());
    }
    Ok(())
}
