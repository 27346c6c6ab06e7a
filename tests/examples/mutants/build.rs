//! Owns the copy of the workspace that holds the mutants, and its build.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

/// Copies every file that git knows.
pub fn copy(project: &Path, tree: &Path) {
    if tree.exists() {
        fs::remove_dir_all(tree).expect("the old copy removed");
    }
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(project)
        .output()
        .expect("git");
    for file in String::from_utf8(listed.stdout).expect("names").lines() {
        if !project.join(file).is_file() {
            continue;
        }
        let copied = tree.join(file);
        fs::create_dir_all(copied.parent().expect("a folder")).expect("a folder");
        fs::copy(project.join(file), copied).unwrap_or_else(|e| panic!("{file}: {e}"));
    }
}

/// Builds and lists the programs that test the state machine in process.
pub fn test_programs(tree: &Path, target: &Path) -> Vec<PathBuf> {
    let built = Command::new("cargo")
        .args([
            "test",
            "--locked",
            "--release",
            "--no-run",
            "--message-format=json",
        ])
        .args(["-p", "ait-app", "-p", "ait-tests", "--lib", "--tests"])
        .current_dir(tree)
        .env("CARGO_TARGET_DIR", target)
        .env("RUSTFLAGS", "-Awarnings")
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo");
    assert!(built.status.success(), "the mutants don't build");
    let lines = String::from_utf8(built.stdout).expect("JSON lines");
    lines
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["profile"]["test"] == true)
        .filter(|message| {
            let name = message["target"]["name"].as_str().unwrap_or_default();
            !name.starts_with("comet") && name != "nondeterminism_does_not_build"
        })
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
        .collect()
}
