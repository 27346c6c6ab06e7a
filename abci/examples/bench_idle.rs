//! An application that does nothing, served on this crate's transport: `scripts/bench_blocks.sh` runs
//! it to tell what any application outside CometBFT's process costs from what this chain's costs.
//! Argument: the address to serve at, as CometBFT's `proxy_app`.

use std::{env, process, sync::Arc, thread};

use ait_abci::transport::{Address, Server};
use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::{
    RequestPrepareProposal, RequestProcessProposal, ResponsePrepareProposal,
    ResponseProcessProposal, response_process_proposal::ProposalStatus,
};

#[derive(Clone)]
struct Idle;

impl Application for Idle {
    fn prepare_proposal(&self, request: RequestPrepareProposal) -> ResponsePrepareProposal {
        ResponsePrepareProposal { txs: request.txs }
    }

    fn process_proposal(&self, _request: RequestProcessProposal) -> ResponseProcessProposal {
        ResponseProcessProposal {
            status: ProposalStatus::Accept as i32,
        }
    }
}

fn main() {
    if let Err(error) = serve() {
        eprintln!("error: {error}");
        process::exit(1);
    }
}

fn serve() -> Result<(), Box<dyn std::error::Error>> {
    let address: Address = env::args().nth(1).ok_or("an address is missing")?.parse()?;
    let on_fatal = Arc::new(|message: String| {
        eprintln!("error: {message}");
        process::exit(1);
    });
    let _handle = Server::bind(&address)?.serve(Idle, on_fatal)?;
    loop {
        thread::park();
    }
}
