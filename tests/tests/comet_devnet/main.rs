//! Devnets, and nodes by the guide, which start CometBFT and all the rest themselves.

mod compare;
mod facts_alone;
mod first_blocks;
mod guide;
mod home_of_the_environment;
mod load;
mod printed_commands;
mod readme;
mod up_and_down;
