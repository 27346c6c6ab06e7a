use std::{
    fs, io,
    os::unix::{fs::PermissionsExt as _, net::UnixListener},
};

use ait_abci::transport::{Address, Server};

use crate::peer::{Peer, TestApplication, TestResult, assert_served, serve, tcp, unix};

fn refusal(address: &Address) -> Result<io::Error, &'static str> {
    Server::bind(address).err().ok_or("the address was bound")
}

#[test]
fn a_socket_is_for_its_owner_alone_and_is_gone_after_a_stop() -> TestResult {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("ait.sock");
    let (address, handle, _) = serve(&unix(folder.path()), &TestApplication::default())?;
    assert_eq!(address, format!("unix://{}", path.display()));
    assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
    handle.stop();
    assert!(!path.exists());

    drop(Server::bind(&unix(folder.path()))?);
    assert!(!path.exists());
    Ok(())
}

#[test]
fn the_socket_of_a_dead_process_is_replaced() -> TestResult {
    let folder = tempfile::tempdir()?;
    drop(UnixListener::bind(folder.path().join("ait.sock"))?);
    assert!(folder.path().join("ait.sock").exists());
    let (address, _handle, _) = serve(&unix(folder.path()), &TestApplication::default())?;
    assert_served(&mut Peer::connect(&address)?)
}

#[test]
fn an_address_in_use_is_refused_and_goes_on_being_served() -> TestResult {
    let folder = tempfile::tempdir()?;
    for address in [unix(folder.path()), tcp()] {
        let (bound, _handle, _) = serve(&address, &TestApplication::default())?;
        let refused = refusal(&bound.parse()?)?;
        assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
        assert!(refused.to_string().contains(&bound), "{refused}");
        assert_served(&mut Peer::connect(&bound)?)?;
    }
    Ok(())
}

#[test]
fn a_file_that_is_no_socket_is_left_alone() -> TestResult {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("ait.sock");
    fs::write(&path, "precious")?;
    let refused = refusal(&unix(folder.path()))?;
    assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read_to_string(&path)?, "precious");
    Ok(())
}

#[test]
fn the_socket_of_a_successor_is_left_alone() -> TestResult {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("ait.sock");
    let first = Server::bind(&unix(folder.path()))?;
    fs::remove_file(&path)?;
    let (address, _handle, _) = serve(&unix(folder.path()), &TestApplication::default())?;
    drop(first);
    assert_served(&mut Peer::connect(&address)?)
}

#[test]
fn connections_beyond_the_limit_are_closed_and_those_open_are_served() -> TestResult {
    let (address, _handle, _) = serve(&tcp(), &TestApplication::default())?;
    let mut open = Vec::new();
    for _ in 0..16 {
        let mut peer = Peer::connect(&address)?;
        assert_served(&mut peer)?;
        open.push(peer);
    }
    Peer::connect(&address)?.assert_closed();
    open.iter_mut().try_for_each(assert_served)?;

    open.pop();
    // The server notices the free place when it reads the end of that connection.
    while Peer::connect(&address).map(|mut peer| assert_served(&mut peer).is_err())? {}
    Ok(())
}
