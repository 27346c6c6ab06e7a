//! Owns `ait devnet up`: what happens when, from an empty folder to a running network, and its end.

use std::{fs::OpenOptions, path::Path, time::Duration};

use ait_app::address::Address;
use ait_home::comet::program;
use anyhow::{Context as _, bail};
use tokio::time::timeout;

use super::{
    UpArgs,
    client::Client,
    console::{Console, DIM, paint},
    detach,
    fleet::Fleet,
    flow::{Cast, Flow},
    home::{self, State},
    manifest::Manifest,
    nodes::{self, Launch},
    plan,
    process::{Identity, POLL},
    stop::StopSignals,
};

/// How much later than a program of this devnet its supervisor may hear of the same request to stop.
const SIGNAL_PATIENCE: Duration = Duration::from_millis(100);

/// Starts a devnet, shows the flow and watches over it until it is stopped.
///
/// # Errors
/// What went wrong, for people; then everything that was started is stopped again.
pub async fn run(args: &UpArgs) -> anyhow::Result<()> {
    let mut stop = StopSignals::listen()?;
    if args.detached {
        // A session of its own: no terminal's Ctrl-C or hang-up reaches it.
        rustix::process::setsid().context("starting a session of its own")?;
    }
    let cometbft = program::find()?;
    let path = home::absolute(&args.home.home)?;
    let existing = Manifest::read(&path).ok().flatten();
    // They hold the ports: nobody else is to be blamed for that.
    home::check_nothing_runs(&path, existing.as_ref())?;
    if !args.fresh || existing.is_none() {
        // Before a folder is made for nothing.
        plan::ports(args, existing.as_ref())?;
    }
    let (_lock, state) = home::take(&path, args.fresh)?;
    let path = home::absolute(&path)?;
    let console = console(args, &path)?;
    let manifest = match state {
        State::New => {
            let ports = plan::ports(args, None)?;
            let make = async { plan::make(&path, args, &ports) };
            console.title("AIT devnet");
            console.step("keys, genesis and node homes", make).await?
        }
        State::Stopped(existing) => {
            let ports = plan::ports(args, Some(&existing))?;
            console.title("AIT devnet");
            console.line(format!(
                "  Goes on with the keys and the chain in {}; --fresh would begin anew.",
                path.display()
            ));
            plan::reopen(*existing, args, &ports, &console)?
        }
    };
    let launch = Launch::new(cometbft, args, &manifest)?;
    let mut devnet = Devnet {
        args,
        console,
        manifest,
        fleet: Fleet::default(),
    };
    let outcome = devnet.run(&launch, &mut stop).await;
    let impatient = async {
        stop.next().await;
    };
    devnet.console.line("");
    devnet.fleet.stop(&devnet.console, impatient).await;
    devnet.manifest.clear_processes();
    devnet.manifest.write()?;
    outcome
}

fn console(args: &UpArgs, home: &Path) -> anyhow::Result<Console> {
    if !args.detached {
        return Ok(Console::new(None));
    }
    let log = home.join(home::LOG);
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&log)
        .with_context(|| format!("opening {}", log.display()))?;
    Ok(Console::new(Some(file)))
}

struct Devnet<'a> {
    args: &'a UpArgs,
    console: Console,
    manifest: Manifest,
    fleet: Fleet,
}

impl Devnet<'_> {
    async fn run(&mut self, launch: &Launch, stop: &mut StopSignals) -> anyhow::Result<()> {
        tokio::select! {
            // First, so that nothing is started by whom a request reached while it made keys.
            biased;
            name = stop.next() => bail!("stopped by {name} before the devnet was up"),
            result = self.start(launch) => if let Err(error) = result {
                // Ctrl-C reaches a program too that is just being started: that it ended is no fault then.
                match timeout(SIGNAL_PATIENCE, stop.next()).await {
                    Ok(name) => bail!("stopped by {name} before the devnet was up"),
                    Err(_) => return Err(error),
                }
            },
        }
        tokio::select! {
            result = self.watch() => result,
            name = stop.next() => {
                self.console.line("");
                self.console.line(format!("Stopping: {name}."));
                Ok(())
            }
        }
    }

    async fn start(&mut self, launch: &Launch) -> anyhow::Result<()> {
        let own = Identity::of(std::process::id()).context("this process has no identity")?;
        self.manifest.supervisor_pid = Some(own.pid);
        self.manifest.supervisor_started = Some(own.started);
        self.manifest.write()?;
        nodes::start(launch, &mut self.manifest, &mut self.fleet, &self.console).await?;
        let token = self.args.chain.admin_token.clone();
        let first = self.manifest.nodes.first().context("there is a node")?;
        let client = Client::new(&first.rest, self.manifest.chain_id.parse()?, token)?;
        let cast = self.cast(launch)?;
        let flow = Flow::run(&client, &self.console, &cast);
        self.fleet.alive_while(flow).await?;
        show_addresses(&self.console, &self.manifest);
        self.say_how_to_stop();
        self.manifest.ready = true;
        self.manifest.write()?;
        if self.args.detached {
            detach::let_go(&self.manifest.home.join(home::LOG))?;
            self.console.forget_terminal();
        }
        Ok(())
    }

    fn cast(&self, launch: &Launch) -> anyhow::Result<Cast> {
        let address = |name: &str| {
            let key = plan::key(&self.manifest, name)?;
            anyhow::Ok(Address::of(&key.public_key()))
        };
        let validators = (0..self.manifest.nodes.len()).map(|i| address(&format!("validator{i}")));
        Ok(Cast {
            client: plan::key(&self.manifest, "client")?,
            friend: address("admin")?,
            coordinator: plan::key(&self.manifest, "coordinator")?,
            coordinator_url: self.manifest.coordinator.url.clone(),
            accounts: vec![
                ("client", vec![address("client")?]),
                ("admin", vec![address("admin")?]),
                ("miner", vec![address("miner")?]),
                ("coordinator", vec![address("coordinator")?]),
                ("validators", validators.collect::<anyhow::Result<_>>()?),
            ],
            will_be_claimed: launch.runs_miner() && launch.runs_coordinator(),
        })
    }

    fn say_how_to_stop(&self) {
        let how = if self.args.detached {
            let command = home::down_command(&self.manifest.home);
            format!("It runs in the background. Stop it with: {command}")
        } else {
            "It stays up until Ctrl-C.".to_owned()
        };
        self.console.line("");
        self.console.line(how);
    }

    /// Says which process dies, until none is left.
    async fn watch(&mut self) -> anyhow::Result<()> {
        loop {
            tokio::time::sleep(POLL.max(Duration::from_millis(200))).await;
            let deaths = self.fleet.deaths();
            for death in &deaths {
                self.console.notice(&death.headline());
                for line in &death.last_lines {
                    self.console.line(paint(DIM, format!("      {line}")));
                }
                self.manifest.forget(death.pid);
            }
            if !deaths.is_empty() {
                self.manifest.write()?;
            }
            if self.fleet.is_empty() {
                bail!("nothing of the devnet runs any more");
            }
        }
    }
}

/// Says where everything listens and lies.
pub fn show_addresses(console: &Console, manifest: &Manifest) {
    console.title("Where everything is");
    console.entry("chain", &manifest.chain_id);
    for (i, node) in manifest.nodes.iter().enumerate() {
        console.entry(
            &format!("node {i}"),
            format!("{}/  REST and page", node.rest),
        );
        console.entry("", format!("{}   CometBFT RPC", node.rpc));
        let p2p = node.p2p.split('@').next_back().unwrap_or_default();
        console.entry("", format!("tcp://{p2p}    P2P"));
    }
    for (name, address) in [
        ("faucet", &manifest.faucet.address),
        ("admin", &manifest.admin.address),
        ("client", &manifest.client.address),
        ("coordinator", &manifest.coordinator.address),
    ] {
        console.entry(name, address);
    }
    if let Some(url) = &manifest.coordinator.url {
        console.entry("", format!("{url}   attests for the coordinator"));
    }
    console.entry("miner", &manifest.miner.address);
    let home = &manifest.home;
    console.entry("keys", home.join("keys").display());
    console.entry("logs", home.join("node*/*.log").display());
    console.entry("for programs", home.join(super::manifest::FILE).display());
}
