//! Mutation testing of the state machine's components: which small changes to a rule does no test
//! notice?
//!
//! Every mutant of the chosen components is written into one copy of the workspace, each behind a
//! number, so that one build has them all. A run without a number records which mutants each test
//! program reaches; then each mutant meets the programs that reach it, the fastest first, until one
//! fails. Programs with the real CometBFT are left out.
//!
//! ```text
//! cargo run --release --example mutants -- [--components escrow,staking] [--sample 200] [--seed 1]
//! ```
//!
//! The exit code is 1 when fewer than `--at-least` (90) of a hundred are caught.

mod build;
mod mutate;
mod run;

use std::{env, path::Path, process::ExitCode};

/// What the command line asks for.
struct Asked {
    components: Vec<String>,
    sample: usize,
    seed: u64,
    at_least: usize,
}

impl Asked {
    fn read() -> Result<Self, String> {
        let mut asked = Self {
            components: ["escrow", "receipts", "coordinators", "staking"]
                .map(String::from)
                .to_vec(),
            sample: usize::MAX,
            seed: 1,
            at_least: 90,
        };
        let mut words = env::args().skip(1);
        while let Some(flag) = words.next() {
            let value = words.next().ok_or(format!("{flag} needs a value"))?;
            let number = || value.parse::<u64>().map_err(|e| format!("{flag}: {e}"));
            match flag.as_str() {
                "--components" => asked.components = value.split(',').map(String::from).collect(),
                "--sample" => asked.sample = number()? as usize,
                "--seed" => asked.seed = number()?,
                "--at-least" => asked.at_least = number()? as usize,
                _ => {
                    return Err(format!(
                        "{flag} is not --components, --sample, --seed or --at-least"
                    ));
                }
            }
        }
        Ok(asked)
    }
}

fn main() -> ExitCode {
    let asked = match Asked::read() {
        Ok(asked) => asked,
        Err(fault) => {
            eprintln!("{fault}");
            return ExitCode::from(2);
        }
    };
    let project = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace");
    let target = project.join("target/mutants");
    let tree = target.join("tree");
    build::copy(project, &tree);
    let mutants = mutate::plant(&tree.join("app/src"), &asked.components);
    println!(
        "{} mutants of {}",
        mutants.len(),
        asked.components.join(", ")
    );
    let programs = build::test_programs(&tree, &target.join("build"));
    let baseline = run::baseline(programs, &target);
    let chosen = run::sample(mutants.len(), asked.sample, asked.seed);
    let mut caught = 0;
    for (done, number) in chosen.iter().enumerate() {
        let verdict = run::judge(*number, &baseline);
        caught += usize::from(verdict.is_caught());
        let place = &mutants[*number];
        println!("[{caught}/{}] {verdict} | {place}", done + 1);
    }
    let share = caught * 100 / chosen.len().max(1);
    println!("{caught} of {} caught, {share} of a hundred", chosen.len());
    if share >= asked.at_least {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
