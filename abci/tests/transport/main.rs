//! What CometBFT and an operator rely on of the socket, one behaviour a file.

mod addresses_are_bound_safely;
mod bad_frames_end_their_connection;
mod fatal_answers_are_exceptions;
mod panics_end_the_server;
mod peer;
mod requests_are_answered_in_order;
mod stopping_is_graceful;
