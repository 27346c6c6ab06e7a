//! The operator's guide works as printed for the first node of a chain and for a second one, on a machine whose
//! `PATH` has nothing but `ait` and `cometbft`. Only the addresses differ: settings give both nodes free ports.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, TcpListener},
    os::unix::{fs::symlink, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
};

use ait_tests::comet::{
    Rest,
    binaries::{ait, cometbft, project},
    eventually,
    node::free_port,
    wait::PATIENCE,
};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use serde_json::Value;
use tempfile::TempDir;

/// What a shell says when it has run a block.
const DONE: &str = "--- done";

/// The shell blocks of the guide that have a name, each said in a comment before it.
fn blocks() -> BTreeMap<String, String> {
    let guide = fs::read_to_string(project().join("docs/operators.md")).expect("the guide");
    let mut blocks = BTreeMap::new();
    let mut lines = guide.lines().map(str::trim_start);
    while let Some(line) = lines.next() {
        let name = line.strip_prefix("<!-- guide: ");
        let Some(name) = name.and_then(|name| name.strip_suffix(" -->")) else {
            continue;
        };
        assert_eq!(lines.next(), Some("```sh"), "a block follows {name}");
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        blocks.insert(name.to_owned(), block.join("\n"));
    }
    blocks
}

/// A machine with nothing but this project's programs.
struct Machine {
    folder: TempDir,
}

impl Machine {
    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("ait-guide-").tempdir();
        let folder = folder.expect("a temporary folder");
        fs::create_dir(folder.path().join("bin")).expect("a folder");
        for (name, program) in [("ait", ait()), ("cometbft", cometbft())] {
            symlink(program, folder.path().join("bin").join(name)).expect("a link");
        }
        Self { folder }
    }

    /// A shell in a new folder, for one node.
    fn shell(&self, name: &str) -> Shell {
        let folder = self.folder.path().join(name);
        fs::create_dir(&folder).expect("a folder");
        let (p2p, rest, rpc) = (free_port(), free_port(), free_port());
        let url = format!("http://127.0.0.1:{rest}");
        let mut child = Command::new("/bin/sh")
            .current_dir(&folder)
            .env_clear()
            .env("HOME", self.folder.path())
            .env("PATH", self.folder.path().join("bin"))
            .env("P2P_BIND", format!("127.0.0.1:{p2p}"))
            .env("RPC_BIND", format!("127.0.0.1:{rest}"))
            .env("COMETBFT_RPC", format!("http://127.0.0.1:{rpc}"))
            .env("AIT_NODE", &url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("a shell starts");
        let (sender, said) = channel();
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        std::thread::spawn(move || {
            let lines = output.lines().map_while(Result::ok);
            lines.for_each(|line| drop(sender.send(line)));
        });
        let mut shell = Shell {
            input: child.stdin.take(),
            child,
            said,
            folder,
            rest: Rest::new(&url),
            ports: [p2p, rest, rpc],
        };
        shell.run("set -eu; exec 2>&1");
        shell
    }
}

/// A shell, and the node that was started in it.
struct Shell {
    child: Child,
    input: Option<ChildStdin>,
    said: Receiver<String>,
    folder: PathBuf,
    rest: Rest,
    ports: [u16; 3],
}

impl Shell {
    /// Runs commands; gives what they print.
    fn run(&mut self, commands: &str) -> String {
        let input = self.input.as_mut().expect("the shell runs");
        // What is started reads nothing of what the shell is to run next.
        writeln!(input, "{{\n{commands}\n}} </dev/null\necho '{DONE}'").expect("the shell reads");
        let mut said = Vec::new();
        loop {
            match self.said.recv_timeout(PATIENCE) {
                Ok(line) if line == DONE => return said.join("\n"),
                Ok(line) => said.push(line),
                Err(error) => panic!("{error}: {commands}\n{}", said.join("\n")),
            }
        }
    }

    /// Waits until the node says of itself that it is ready.
    async fn is_healthy(&mut self) {
        eventually("the node is ready", async || {
            let health = self.rest.try_get("/health").await?;
            (health.status == 200).then_some(())
        })
        .await;
        let health = self.run("ait query health");
        assert!(health.contains("\"status\": \"ok\""), "{health}");
    }

    /// The address of its account.
    fn account(&self) -> String {
        let text = fs::read(self.folder.join("account.json")).expect("a key file");
        let key: Value = serde_json::from_slice(&text).expect("JSON");
        key["address"].as_str().expect("an address").to_owned()
    }

    /// Ends the shell; nothing that was started in it may be left.
    fn leaves_nothing(&mut self) {
        self.input = None;
        assert!(self.child.wait().expect("a shell ends").success());
        test_kill_process_group(self.group()).expect_err("no process is left");
        for port in self.ports {
            TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("nobody listens any more");
        }
    }

    fn group(&self) -> Pid {
        let id = i32::try_from(self.child.id()).expect("a process id");
        Pid::from_raw(id).expect("a process id")
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = kill_process_group(self.group(), Signal::KILL);
        let _ = self.child.wait();
        if std::thread::panicking() {
            for name in ["app.log", "cometbft.log", "node.log"] {
                show_end(&self.folder.join(name));
            }
        }
    }
}

fn show_end(log: &Path) {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let end = lines.get(lines.len().saturating_sub(20)..);
    eprintln!(
        "--- {}\n{}",
        log.display(),
        end.unwrap_or_default().join("\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_node_set_up_as_printed_has_the_firsts_chain_and_stakes() {
    let blocks = blocks();
    let machine = Machine::new();

    let mut first = machine.shell("first");
    for name in ["first", "genesis", "start"] {
        first.run(&blocks[name]);
    }
    first.is_healthy().await;
    let id = first.run(&blocks["id"]);

    // What the guide has the second one's operator bring along.
    let mut second = machine.shell("second");
    let genesis = first.folder.join("node/config/genesis.json");
    fs::copy(genesis, second.folder.join("genesis.json")).expect("a copy");
    second.run(&format!("PEER={id}@127.0.0.1:{}", first.ports[0]));
    for name in ["second", "unit"] {
        second.run(&blocks[name]);
    }
    let behind = first.rest.goes_on().await;
    second.is_healthy().await;
    second.rest.reaches(behind).await;

    // The chain that both have is one: coins sent through the first are there on the second, and are staked there.
    let pay = format!(
        "ait tx transfer {} 10ait --key account.json --wait",
        second.account()
    );
    first.run(&pay);
    let balance = format!("/rpc/getBalance/{}", second.account());
    eventually("the coins are there", async || {
        let answer = second.rest.get(&balance).await.ok();
        (answer["balance"] == 10_000_000).then_some(())
    })
    .await;
    second.run(&blocks["stake"]);
    let height = second.rest.goes_on().await.min(first.rest.goes_on().await);
    // A block's signature is in the block after it.
    let block = format!("/rpc/getBlock/{}", height - 1);
    for path in [
        block,
        balance,
        format!("/rpc/getBalance/{}", first.account()),
        "/rpc/getSupply".to_owned(),
    ] {
        let (ours, theirs) = (first.rest.get(&path).await, second.rest.get(&path).await);
        assert_eq!(ours.ok(), theirs.ok(), "{path}");
    }
    let stakes = first.rest.supply().await["stakes"].clone();
    assert_eq!(stakes, 5_000_000);

    for (shell, stop) in [(&mut second, "unit-stop"), (&mut first, "stop")] {
        shell.run(&blocks[stop]);
        shell.leaves_nothing();
    }
}
