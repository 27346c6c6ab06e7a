//! `ait tx` as people and scripts run it, on a node with the real CometBFT.

use std::{
    fs::{File, Permissions},
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use ait_tests::comet::{
    Network, Setup, Wallet,
    devnet::said,
    network::{CHAIN_ID, wallet},
    node::{self, Node},
};

/// A file with a wallet's seed that nobody else can read.
fn key_file(node: &Node, wallet: &Wallet) -> PathBuf {
    let path = node.home.join("a key");
    let mut file = File::create(&path).expect("writable");
    file.set_permissions(Permissions::from_mode(0o600))
        .expect("ours");
    file.write_all(hex::encode(wallet.actor.key.seed()).as_bytes())
        .expect("writable");
    path
}

/// `ait tx transfer` of one uait, to `to`.
fn pay(node: &Node, key: &Path, to: &Wallet) -> Command {
    let mut command = node::ait(&node.home);
    command
        .args(["tx", "transfer", &to.address.to_string(), "1", "--node"])
        .arg(&node.rest.url)
        .arg("--key")
        .arg(key);
    command
}

fn begin(command: &mut Command) -> Child {
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("ait starts")
}

fn end(child: Child) -> Output {
    child.wait_with_output().expect("it ends")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_that_says_it_paid_has_paid_once() {
    let setup = Setup::default()
        .with_account("alice", 1_000_000)
        .with_account("carol", 1_000_000);
    let mut network = Network::start(setup).await;
    let node = network.first();
    let (alice, bob) = (wallet("alice"), wallet("bob"));
    let key = key_file(node, &alice);

    // Ten at once: one after the other.
    let children: Vec<Child> = (0..10).map(|_| begin(&mut pay(node, &key, &bob))).collect();
    for child in children {
        let output = end(child);
        assert!(output.status.success(), "{}", said(&output));
    }
    let last = end(begin(pay(node, &key, &bob).arg("--wait")));
    assert!(last.status.success(), "{}", said(&last));
    assert_eq!(node.rest.account(bob.address).await, (11, 0));
    assert_eq!(node.rest.account(alice.address).await.1, 11);

    // Likewise where the key comes from no file: the very same payment, each time another one.
    let seed = PathBuf::from(hex::encode(wallet("carol").actor.key.seed()));
    let children: Vec<Child> = (0..6).map(|_| begin(&mut pay(node, &seed, &bob))).collect();
    for child in children {
        let output = end(child);
        assert!(output.status.success(), "{}", said(&output));
    }
    let last = end(begin(pay(node, &seed, &bob).arg("--wait")));
    assert!(last.status.success(), "{}", said(&last));
    assert_eq!(node.rest.account(bob.address).await.0, 18);

    // What is sent is sent, whoever can hear of it.
    for wait in [false, true] {
        let full = File::options()
            .write(true)
            .open("/dev/full")
            .expect("a full device");
        let mut command = pay(node, &key, &bob);
        if wait {
            command.arg("--wait");
        }
        let output = command.stdout(full).output().expect("ait starts");
        assert!(output.status.success(), "{}", said(&output));
        let said = said(&output);
        assert!(said.contains("it is done, but"), "{said}");
        let is_hash = |word: &str| {
            let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
            word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        assert!(said.split_whitespace().any(is_hash), "{said}");
    }

    // Nothing is signed for a chain that the node is not of.
    let output = pay(node, &key, &bob)
        .args(["--chain-id", "another"])
        .output()
        .expect("ait starts");
    assert_eq!(output.status.code(), Some(2));
    let said = said(&output);
    assert!(
        said.contains("another") && said.contains(CHAIN_ID),
        "{said}"
    );
    assert!(said.contains("nothing was sent"), "{said}");
}
