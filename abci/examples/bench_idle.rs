//! An application that does nothing, served on this crate's transport: `scripts/bench.sh` runs
//! it to tell what any application outside CometBFT's process costs from what this chain's costs.
//! Argument: the address to serve at, as CometBFT's `proxy_app`.

use std::{convert::Infallible, env, process, sync::Arc, thread};

use ait_abci::transport::{Address, Application, Server, default_answer};
use tendermint_proto::v0_38::abci::{
    ResponsePrepareProposal, ResponseProcessProposal, request::Value as Request,
    response::Value as Response, response_process_proposal::ProposalStatus,
};

#[derive(Clone)]
struct Idle;

impl Application for Idle {
    type Fatal = Infallible;

    fn answer(&self, request: Request) -> Result<Response, Infallible> {
        Ok(match request {
            Request::PrepareProposal(request) => {
                Response::PrepareProposal(ResponsePrepareProposal { txs: request.txs })
            }
            Request::ProcessProposal(_) => Response::ProcessProposal(ResponseProcessProposal {
                status: ProposalStatus::Accept as i32,
            }),
            other => default_answer(other),
        })
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
