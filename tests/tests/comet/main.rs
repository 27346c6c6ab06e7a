//! Nodes with the real CometBFT. Their chains take turns, in whatever order the tests begin: see
//! [`ait_tests::comet::Network`].

mod abci_grammar;
mod abci_recording;
mod audit;
mod bad_input;
mod claims;
mod commands;
mod coordinator_failures;
mod crashes;
mod envelopes;
mod graceful_stop;
mod joining;
mod lying_rpc;
mod many_transfers;
mod newcomer;
mod operator_log;
mod pruned_peers;
mod state_sync;
mod status;
mod store_commands;
mod store_refusals;
mod transfers;
mod two_nodes;
mod with_comet;
