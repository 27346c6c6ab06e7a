//! Devnets, which start CometBFT and all the rest themselves.

mod readme;
mod up_and_down;
