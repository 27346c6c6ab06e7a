//! Owns what of this process' environment the programs that it starts get to see: what any program needs, and
//! nothing that changes what they do. CometBFT takes its home and every setting from variables too (`CMTHOME`,
//! `TMHOME`, `CMT_…`, `TM_…`): with those of somebody's validator it would sign with that one's key.

use std::ffi::OsString;

/// Variables that are passed on as they are.
const PASSED: [&str; 19] = [
    "DYLD_LIBRARY_PATH",
    "GOGC",
    "GOMAXPROCS",
    "GOMEMLIMIT",
    "HOME",
    "LANG",
    "LD_LIBRARY_PATH",
    "LOGNAME",
    "NO_COLOR",
    "PATH",
    "RUST_BACKTRACE",
    "RUST_LIB_BACKTRACE",
    "SHELL",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TERM",
    "TMPDIR",
    "TZ",
    "USER",
];
/// As are those that begin so: the language of messages.
const PASSED_PREFIX: &str = "LC_";

/// The variables of this process that a program it starts gets.
pub fn passed_on() -> Vec<(OsString, OsString)> {
    let is_passed = |name: &str| PASSED.contains(&name) || name.starts_with(PASSED_PREFIX);
    std::env::vars_os()
        .filter(|(name, _)| name.to_str().is_some_and(is_passed))
        .collect()
}
