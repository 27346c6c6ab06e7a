//! Where settings come from, and what is said of those that break a rule: a flag wins over the environment, that over
//! the settings file, that over the default.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use tempfile::TempDir;

/// `ait` in a folder with this settings file, with no variables but these.
fn ait(settings: &str, arguments: &[&str], variables: &[(&str, &str)]) -> (Output, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".env"), settings).unwrap();
    (ait_in(folder.path(), arguments, variables), folder)
}

fn ait_in(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ait"))
        .current_dir(folder)
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    String::from_utf8_lossy(&[out.as_slice(), err].concat()).into_owned()
}

#[test]
fn a_flag_wins_over_the_environment_over_the_file_over_the_default() {
    // Nothing listens at these: what cannot be reached is named.
    let asked = |flag: Option<&str>, variable: &str, line: &str| {
        let mut arguments = vec!["query", "head"];
        arguments.extend(flag.into_iter().flat_map(|url| ["--node", url]));
        let variables = [("AIT_NODE", variable)];
        let (output, _) = ait(&format!("AIT_NODE={line}\n"), &arguments, &variables);
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        said(&output)
    };
    let [one, two, three] = [1, 2, 3].map(|port| format!("http://127.0.0.1:{port}"));
    assert!(asked(Some(&one), &two, &three).contains(":1/"));
    assert!(asked(None, &two, &three).contains(":2/"));
    // An empty variable counts as none.
    assert!(asked(None, "", &three).contains(":3/"));
    let (help, _) = ait("", &["query", "head", "--help"], &[("AIT_NODE", "")]);
    assert!(said(&help).contains("[default: http://127.0.0.1:8080]"));
}

#[test]
fn every_bad_setting_is_refused_by_its_name_and_with_its_limit() {
    for (name, value, limit) in [
        ("CHAIN_ID", "Has Spaces", "1 to 50 characters"),
        ("RPC_BIND", "localhost", "must be IP:PORT"),
        ("ABCI_BIND", "http://127.0.0.1:1", "unix:///path or tcp://"),
        ("COMETBFT_RPC", "127.0.0.1:26657", "http:// or https:// URL"),
        ("COORDINATOR_URLS", "http://127.0.0.1:9100", "ADDRESS=URL"),
        ("ADMIN_TOKEN", "two words", "visible ASCII"),
        ("ADMIN_KEY", "00", "key file"),
        ("FAUCET_KEY", "no such file", "key file"),
        ("TRUSTED_PROXIES", "10.0.0.0/8", "IP addresses"),
        ("RATE_PER_SECOND", "0", "1..=4294967295"),
        ("RATE_BURST", "many", "1..=4294967295"),
        ("KEEP_BLOCKS", "-1", "0..=2^53-1"),
        ("MAX_CONNECTIONS", "0", "1..=4294967295"),
        ("MAX_WEBSOCKETS_PER_ADDRESS", "-1", "1..=4294967295"),
        ("READS_BURST", "4294967296", "1..=4294967295"),
        ("OPS_BIND", "8081", "must be IP:PORT"),
        ("CORS_ORIGINS", "example.org", "origin"),
        ("CORS_ORIGINS", "https://example.org/path", "origin"),
        ("CORS_ORIGINS", "*,https://example.org", "*"),
        ("CA_FILE", "no such file", "no such file"),
        ("LOG_FORMAT", "xml", "json, text"),
        ("LOG_LEVEL", "loud=very", "log level"),
    ] {
        // From the environment, and from the file. A node that took it would find no place for its store.
        let variables = [("DB_PATH", "/dev/null/store"), (name, value)];
        let line = format!("{name}='{value}'\n");
        for (settings, variables) in [("", &variables[..]), (&line, &variables[..1])] {
            let (output, _) = ait(settings, &["start"], variables);
            let said = said(&output);
            assert_eq!(output.status.code(), Some(2), "{name}: {said}");
            assert!(
                said.contains(name) && said.contains(limit),
                "{name}: {said}"
            );
        }
    }
}

#[test]
fn no_secret_is_shown_in_help_or_in_an_error() {
    let secrets = ["ADMIN_TOKEN", "ADMIN_KEY", "FAUCET_KEY", "PROPOSER_KEY"];
    // None of them is what it should be.
    let value = "hunter2 0123456789abcdef0123456789abcdef";
    for secret in secrets {
        let command = match secret {
            "PROPOSER_KEY" => &["init", "--home", "home"][..],
            _ => &["start"],
        };
        let mut help = command.to_vec();
        help.push("--help");
        let (output, _) = ait("", &help, &[(secret, value)]);
        assert!(output.status.success());
        assert!(said(&output).contains(secret), "{}", said(&output));
        assert!(!said(&output).contains("hunter2"), "{}", said(&output));
        if secret == "ADMIN_TOKEN" {
            let (output, _) = ait("", command, &[(secret, value)]);
            assert_eq!(output.status.code(), Some(2));
            assert!(!said(&output).contains("hunter2"), "{}", said(&output));
        }
        // A seed that was mistyped.
        let seed = "2BD806C97F0E00AF1A1FC3328FA763A9";
        if secret != "ADMIN_TOKEN" {
            let (output, _) = ait("", command, &[(secret, seed)]);
            assert_eq!(output.status.code(), Some(2), "{}", said(&output));
            assert!(said(&output).contains(secret), "{}", said(&output));
            assert!(!said(&output).contains(seed), "{}", said(&output));
        }
        // A line that is none.
        let (output, _) = ait(&format!("{secret}={value}\n"), command, &[]);
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(secret), "{}", said(&output));
        assert!(!said(&output).contains("hunter2"), "{}", said(&output));
    }
}

#[test]
fn a_settings_file_that_was_named_must_be_there_and_is_read_wherever_it_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = ait_in(folder.path(), &["--env-file", "mine", "query", "head"], &[]);
    assert_eq!(missing.status.code(), Some(2), "{}", said(&missing));
    assert!(said(&missing).contains("mine"), "{}", said(&missing));
    let settings = "# comment\nAIT_NODE='http://127.0.0.1:3'\n";
    fs::write(folder.path().join("mine"), settings).unwrap();
    for arguments in [
        ["--env-file", "mine", "query", "head"],
        ["query", "head", "--env-file", "mine"],
    ] {
        let output = ait_in(folder.path(), &arguments, &[]);
        assert!(said(&output).contains(":3/"), "{}", said(&output));
    }
}

#[test]
fn a_misspelt_name_is_refused_and_those_of_other_programs_are_left_alone() {
    let (output, _) = ait("ADMIN_TOKN=x\n", &["query", "head"], &[]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("nearest one is ADMIN_TOKEN"));
    let (output, _) = ait("POSTGRES_PASSWORD=x\n", &["--help"], &[]);
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn a_base_port_stands_between_the_flags_and_the_environment() {
    let flags = ["init", "--home", "home", "--base-port", "4000"];
    let flags = [&flags[..], &["--comet-rpc", "http://127.0.0.1:5001"]].concat();
    let variables = [
        ("P2P_BIND", "0.0.0.0:6000"),
        ("COMETBFT_RPC", "http://127.0.0.1:6001"),
    ];
    let (output, folder) = ait("", &flags, &variables);
    assert!(output.status.success(), "{}", said(&output));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["p2p"], "0.0.0.0:4000");
    assert_eq!(report["rpc"], "127.0.0.1:5001");
    // A port that was named for others opens none for whoever speaks for CometBFT.
    let abci = report["abci"].as_str().unwrap();
    assert!(
        abci.starts_with("unix:///") && abci.ends_with("/home/app.sock"),
        "{abci}"
    );
    assert!(folder.path().join("home/config/config.toml").exists());
}
