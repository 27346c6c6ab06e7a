//! What a node and its commands keep on a machine, and what the commands say.
//!
//! Owns files, settings and words; asks nobody, and starts nothing but `cometbft version`. In reading order:
//! - [`env_file`]: the settings file; [`misspelt`]: names in it. [`settings`]: the rules of settings, which clap finds by
//!   flag, variable or default.
//! - [`exit`]: how a command fails. [`output`]: what it prints. [`logs`], [`signals`]: of everything that runs on.
//!   [`surroundings`]: what of the environment others get to see.
//! - [`keys`], [`comet`], [`init`], [`genesis`]: what a chain is made of. [`files`]: how they are written. [`amounts`]: how
//!   coins are written.

pub mod amounts;
pub mod comet;
pub mod env_file;
pub mod exit;
pub mod files;
pub mod genesis;
pub mod init;
pub mod keys;
pub mod logs;
pub mod misspelt;
pub mod output;
pub mod settings;
pub mod signals;
pub mod surroundings;
