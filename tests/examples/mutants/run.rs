//! Owns running test programs: once with no mutant on, then with one.

use std::{
    collections::BTreeSet,
    fmt, fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use sha2::{Digest, Sha256};

/// A test program, how long it takes, and the mutants that it reaches.
pub struct Program {
    path: PathBuf,
    takes: Duration,
    reaches: BTreeSet<usize>,
}

/// What became of a mutant.
pub enum Verdict {
    /// A test failed.
    Caught(String),
    /// A test went on for ever.
    TimedOut(String),
    /// No test noticed; so many programs reach it.
    Survived(usize),
}

impl Verdict {
    /// Whether a test noticed.
    pub fn is_caught(&self) -> bool {
        !matches!(self, Self::Survived(_))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Caught(by) => write!(f, "caught by {by}"),
            Self::TimedOut(by) => write!(f, "caught by {by}, which did not end"),
            Self::Survived(reached_by) => write!(f, "SURVIVED, reached by {reached_by} programs"),
        }
    }
}

/// Runs every program with no mutant on. The fastest come first.
pub fn baseline(programs: Vec<PathBuf>, target: &Path) -> Vec<Program> {
    let notes = target.join("reached");
    let mut runs = Vec::new();
    for path in programs {
        let _ = fs::remove_file(&notes);
        let begun = Instant::now();
        let ran = command(&path)
            .env("AIT_MUTANTS_REACHED", &notes)
            .stdout(Stdio::null())
            .status()
            .expect("a test program");
        assert!(ran.success(), "{} fails without a mutant", path.display());
        let reaches = fs::read_to_string(&notes).unwrap_or_default();
        let reaches: BTreeSet<usize> = reaches.lines().filter_map(|n| n.parse().ok()).collect();
        if !reaches.is_empty() {
            let takes = begun.elapsed();
            println!(
                "{:6.1} s {:5} {}",
                takes.as_secs_f32(),
                reaches.len(),
                name(&path)
            );
            runs.push(Program {
                path,
                takes,
                reaches,
            });
        }
    }
    runs.sort_by_key(|program| program.takes);
    runs
}

/// `wanted` of the numbers below `count`, drawn by `seed`, or all of them.
pub fn sample(count: usize, wanted: usize, seed: u64) -> Vec<usize> {
    let mut numbers: Vec<usize> = (0..count).collect();
    numbers.sort_by_cached_key(|number| Sha256::digest(format!("{seed} {number}")).to_vec());
    numbers.truncate(wanted);
    numbers
}

/// Runs the programs that reach the mutant until one of them fails.
pub fn judge(mutant: usize, programs: &[Program]) -> Verdict {
    let reaching = || programs.iter().filter(|p| p.reaches.contains(&mutant));
    for program in reaching() {
        let by = name(&program.path);
        let child = command(&program.path)
            .env("AIT_MUTANT", mutant.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a test program");
        match ends_well(child, program.takes * 5 + Duration::from_secs(20)) {
            Some(true) => {}
            Some(false) => return Verdict::Caught(by),
            None => return Verdict::TimedOut(by),
        }
    }
    Verdict::Survived(reaching().count())
}

fn ends_well(mut child: Child, within: Duration) -> Option<bool> {
    let deadline = Instant::now() + within;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait().expect("a child") {
            return Some(status.success());
        }
        thread::sleep(Duration::from_millis(20));
    }
    child.kill().expect("killed");
    child.wait().expect("ended");
    None
}

/// Few cases each: what one mutant breaks shows early.
fn command(path: &Path) -> Command {
    let mut command = Command::new(path);
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("RUST_BACKTRACE", "0")
        .env("PROPTEST_MAX_SHRINK_ITERS", "0")
        .env("AIT_CASES", "16")
        .env("AIT_SIM_HISTORIES", "60")
        .env("AIT_SIM_BLOCKS", "300")
        .env("AIT_INTERLEAVINGS", "4");
    command
}

fn name(path: &Path) -> String {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    file.rsplit_once('-').map_or("", |(name, _)| name).into()
}
