//! The state machine's determinism is the compiler's business: what could make two replicas disagree
//! does not build there. Each construct is planted into a copy of the crate, which is then checked as
//! `scripts/test.sh` checks the crate itself.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What the language itself refuses, since the crate has no std.
const WITHOUT_STD: &[(&str, &str)] = &[
    (
        "file",
        "pub fn f() -> bool { std::fs::read(\"x\").is_ok() }",
    ),
    (
        "clock",
        "pub fn f() -> bool { std::time::Instant::now().elapsed().is_zero() }",
    ),
    (
        "environment",
        "pub fn f() -> bool { std::env::var(\"X\").is_ok() }",
    ),
    (
        "socket",
        "pub fn f() -> bool { std::net::TcpStream::connect(\"x:1\").is_ok() }",
    ),
    (
        "scoped_threads",
        "pub fn f() { std::thread::scope(|_| {}) }",
    ),
    ("random_state", "pub type T = std::hash::RandomState;"),
    (
        "hash_map",
        "pub type T = std::collections::HashMap<u8, u8>;",
    ),
    (
        "mutex_static",
        "pub static S: std::sync::Mutex<u8> = std::sync::Mutex::new(0);",
    ),
    ("thread_local", "std::thread_local! { static S: u8 = 0; }"),
    ("printing", "pub fn f() { println!(\"x\") }"),
];

/// What lints refuse.
const BY_LINTS: &[(&str, &str)] = &[
    (
        "std_by_its_name",
        "extern crate std;\npub fn f() -> bool { std::fs::read(\"x\").is_ok() }",
    ),
    (
        "clock_of_std",
        "extern crate std;\npub fn f() -> bool { std::time::SystemTime::now().elapsed().is_ok() }",
    ),
    (
        "hash_map_of_std",
        "extern crate std;\npub type T = std::collections::HashMap<u8, u8>;",
    ),
    (
        "random_state_of_std",
        "extern crate std;\npub type T = std::hash::RandomState;",
    ),
    (
        "threads_of_std",
        "extern crate std;\npub fn f() { std::thread::scope(|_| {}) }",
    ),
    (
        "environment_of_std",
        "extern crate std;\npub fn f() -> bool { std::env::var(\"X\").is_ok() }",
    ),
    (
        "socket_of_std",
        "extern crate std;\npub fn f() -> bool { std::net::TcpStream::connect(\"x:1\").is_ok() }",
    ),
    (
        "hash_trie",
        "pub fn f(map: &rpds::HashTrieMapSync<u8, u8>) -> Option<u8> { map.values().next().copied() }",
    ),
    (
        "float_comparison",
        "pub fn f(a: f64, b: f64) -> bool { a < b }",
    ),
    (
        "float_cast",
        "pub fn f(a: u64) -> bool { (a as f64).is_nan() }",
    ),
    (
        "float_arithmetic",
        "pub fn f() -> bool { (0.1_f32 + 0.2_f32).is_nan() }",
    ),
    ("silent_cast", "pub fn f(a: u64) -> u32 { a as u32 }"),
    (
        "unchecked_arithmetic",
        "pub fn f(a: u64, b: u64) -> u64 { a + b }",
    ),
    (
        "atomic_static",
        "pub static S: core::sync::atomic::AtomicU64 = core::sync::atomic::AtomicU64::new(0);",
    ),
    (
        "mutable_static",
        "static mut S: u8 = 0;\npub fn f() -> u8 { unsafe { S } }",
    ),
    (
        "build_environment",
        "pub fn f() -> bool { option_env!(\"X\").is_some() }",
    ),
    ("panic", "pub fn f(a: Option<u8>) -> u8 { a.unwrap() }"),
];

#[test]
fn each_construct_that_could_fork_the_chain_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let clean = Copy::of_the_crate(scratch.path());
    assert_eq!(
        clean.refused_files(),
        BTreeSet::new(),
        "the crate itself is fine"
    );
    for group in [WITHOUT_STD, BY_LINTS] {
        for (name, code) in group {
            clean.plant(name, code);
        }
        let refused = clean.refused_files();
        for (name, _) in group {
            assert!(
                refused.contains(&format!("planted_{name}.rs")),
                "{name} builds"
            );
            clean.uproot(name);
        }
    }
}

#[test]
fn std_is_named_in_one_place_and_for_tests_alone() {
    let mut named = Vec::new();
    for file in sources(&workspace().join("app/src")) {
        let text = fs::read_to_string(&file).unwrap();
        if text.contains("extern crate std") {
            named.push(file);
        }
    }
    assert_eq!(named, [workspace().join("app/src/lib.rs")]);
    let root = fs::read_to_string(&named[0]).unwrap();
    assert!(root.contains("#[cfg(test)]\nextern crate std;"));
}

#[test]
fn the_crate_depends_on_these_alone() {
    let manifest = fs::read_to_string(workspace().join("app/Cargo.toml")).unwrap();
    let section = manifest.split("[dependencies]").nth(1).unwrap();
    let section = section.split("\n[").next().unwrap();
    let names: Vec<&str> = section
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .collect();
    let pure = [
        "bech32",
        "ed25519-dalek",
        "ethnum",
        "hex",
        "ics23",
        "prost-ics23",
        "rpds",
        "serde",
        "serde_json",
        "serde_path_to_error",
        "sha2",
        "thiserror",
    ];
    assert_eq!(names, pure);
}

/// A copy of the state machine's crate as a workspace of its own.
struct Copy {
    root: PathBuf,
}

impl Copy {
    fn of_the_crate(scratch: &Path) -> Self {
        let root = scratch.to_owned();
        let manifest = fs::read_to_string(workspace().join("Cargo.toml")).unwrap();
        let members = manifest.lines().find(|line| line.starts_with("members = "));
        let manifest = manifest.replace(members.unwrap(), "members = [\"app\"]");
        fs::write(root.join("Cargo.toml"), manifest).unwrap();
        for file in [
            "Cargo.lock",
            "clippy.toml",
            "app/Cargo.toml",
            "app/clippy.toml",
        ] {
            copy(&workspace().join(file), &root.join(file));
        }
        for file in sources(&workspace().join("app/src")) {
            let inside = file.strip_prefix(workspace()).unwrap();
            copy(&file, &root.join(inside));
        }
        Self { root }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.root.join(format!("app/src/planted_{name}.rs"))
    }

    fn plant(&self, name: &str, code: &str) {
        let text = format!("//! Planted.\n#![allow(missing_docs)]\n{code}\n");
        fs::write(self.file(name), text).unwrap();
        self.change_root(|root| format!("{root}\npub mod planted_{name};\n"));
    }

    fn uproot(&self, name: &str) {
        fs::remove_file(self.file(name)).unwrap();
        self.change_root(|root| root.replace(&format!("\npub mod planted_{name};\n"), ""));
    }

    fn change_root(&self, change: impl FnOnce(String) -> String) {
        let root = self.root.join("app/src/lib.rs");
        let text = fs::read_to_string(&root).unwrap();
        fs::write(root, change(text)).unwrap();
    }

    /// The files in which the check finds something to refuse.
    fn refused_files(&self) -> BTreeSet<String> {
        let output = Command::new(env!("CARGO"))
            .current_dir(&self.root)
            .args([
                "clippy",
                "--offline",
                "--package",
                "ait-app",
                "--message-format=short",
            ])
            .args(["--", "-D", "warnings"])
            .env("CARGO_TARGET_DIR", workspace().join("target/planted"))
            .env_remove("RUSTFLAGS")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let refused: BTreeSet<String> = text
            .lines()
            .filter(|line| line.contains(": error"))
            .filter_map(|line| line.split(':').next()?.rsplit('/').next())
            .map(str::to_owned)
            .collect();
        assert_eq!(output.status.success(), refused.is_empty(), "{text}");
        refused
    }
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::copy(from, to).unwrap();
}
