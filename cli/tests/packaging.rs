//! What is packaged is what its reader takes.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::{fs, io::ErrorKind, process::Command};

#[test]
fn systemd_understands_every_line_of_the_unit() {
    let unit = concat!(env!("CARGO_MANIFEST_DIR"), "/../packaging/ait.service");
    let unit = fs::read_to_string(unit).unwrap();
    let installed = "/usr/local/bin/ait ";
    assert!(unit.contains(installed));
    // It looks whether the program is there.
    let built = format!("{} ", env!("CARGO_BIN_EXE_ait"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ait.service");
    fs::write(&path, unit.replace(installed, &built)).unwrap();
    let verify = Command::new("systemd-analyze")
        .arg("verify")
        .arg(&path)
        .output();
    let output = match verify {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            eprintln!("not checked: there is no systemd here");
            return;
        }
        Err(error) => panic!("{error}"),
    };
    let said = String::from_utf8_lossy(&output.stderr);
    // A line that it does not understand is named there, and is no failure.
    let of_the_unit: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("ait.service"))
        .collect();
    assert!(output.status.success() && of_the_unit.is_empty(), "{said}");
}
