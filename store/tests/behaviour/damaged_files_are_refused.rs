//! Every trial opens a damaged copy in a process of its own, so that a panic or an abort shows.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::{self, Read as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use ait_store::{Engine, StoreError, WriteBatch};

use crate::workload::{
    ENGINES, Numbers, State, TestResult, batch, child, child_folder, contents, copy_folder, open,
    state,
};

const CHILD: &str = "damaged_files_are_refused::child_opens_a_damaged_store";
/// Far more than opening takes: a trial that needs it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the caller keeps to recognise its state, as the node keeps the state's root.
fn root(state: &State) -> Vec<u8> {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish().to_be_bytes().to_vec()
}

fn fill(
    engine: Engine,
    folder: &Path,
    blocks: std::ops::RangeInclusive<u64>,
) -> Result<(), StoreError> {
    let store = open(engine, folder)?;
    for height in blocks {
        store.commit(&WriteBatch {
            meta: root(&state(height)),
            ..batch(height)
        })?;
    }
    Ok(())
}

/// Runs in a process of its own, for the tests below.
#[test]
fn child_opens_a_damaged_store() -> TestResult {
    let Some((engine, folder)) = child_folder() else {
        return Ok(());
    };
    let outcome = match open(engine, &folder).and_then(|store| contents(store.as_ref())) {
        Err(refusal) => format!("refused: {refusal}"),
        Ok(None) => "empty".to_owned(),
        Ok(Some((_, meta, found))) if meta != root(&found) => "other root".to_owned(),
        Ok(Some((height, _, found))) if found == state(height) => format!("intact {height}"),
        Ok(Some(_)) => "unnoticed".to_owned(),
    };
    println!("\noutcome {outcome}");
    Ok(())
}

fn open_in_child(engine: Engine, folder: &Path) -> Result<String, Box<dyn std::error::Error>> {
    let mut process = child(CHILD, engine, folder)?
        .stderr(std::process::Stdio::null())
        .spawn()?;
    let deadline = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = process.try_wait()? {
            break status;
        }
        if Instant::now() > deadline {
            process.kill()?;
            process.wait()?;
            return Err("opening a damaged store hangs".into());
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    let mut output = String::new();
    process
        .stdout
        .take()
        .ok_or("no output")?
        .read_to_string(&mut output)?;
    assert!(status.success(), "{status}: {output}");
    let outcome = output
        .lines()
        .find_map(|line| line.strip_prefix("outcome "));
    Ok(outcome.ok_or("no outcome")?.to_owned())
}

/// The file that holds most of what was written: sled's only one, or fjall's journal.
fn largest_file(engine: Engine, store: &Path) -> io::Result<PathBuf> {
    let files = fs::read_dir(store.join(engine.name()))?;
    let mut sizes = Vec::new();
    for file in files {
        let file = file?;
        if file.file_type()?.is_file() {
            sizes.push((file.metadata()?.len(), file.path()));
        }
    }
    let largest = sizes.into_iter().max();
    largest
        .map(|(_, path)| path)
        .ok_or_else(|| io::Error::other("no file"))
}

/// Damages copies of a store in one way, and returns what opening each of them said.
fn outcomes(
    engine: Engine,
    source: &Path,
    trials: u64,
    damage: fn(Vec<u8>, &mut Numbers) -> Vec<u8>,
) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let mut numbers = Numbers(trials);
    let mut outcomes = Vec::new();
    for trial in 0..trials {
        let copy = folder.path().join(trial.to_string());
        copy_folder(source, &copy)?;
        let file = largest_file(engine, &copy)?;
        let data = fs::read(&file)?;
        fs::write(file, damage(data, &mut numbers))?;
        outcomes.push(open_in_child(engine, &copy)?);
        fs::remove_dir_all(&copy)?;
    }
    Ok(outcomes)
}

fn flip_a_bit(mut data: Vec<u8>, numbers: &mut Numbers) -> Vec<u8> {
    let position = numbers.below(data.len() as u64) as usize;
    data[position] ^= 1 << numbers.below(8);
    data
}

fn write_zeros(mut data: Vec<u8>, numbers: &mut Numbers) -> Vec<u8> {
    let position = numbers.below(data.len() as u64) as usize;
    data.iter_mut()
        .skip(position)
        .take(4_096)
        .for_each(|byte| *byte = 0);
    data
}

fn write_noise(mut data: Vec<u8>, numbers: &mut Numbers) -> Vec<u8> {
    let position = numbers.below(data.len() as u64) as usize;
    data.iter_mut().skip(position).take(4_096).for_each(|byte| {
        *byte = numbers.next().to_le_bytes()[0];
    });
    data
}

/// Cuts into what was written: behind it a file may have room for more.
fn cut_off(mut data: Vec<u8>, numbers: &mut Numbers) -> Vec<u8> {
    let written = data.iter().rposition(|byte| *byte != 0).unwrap_or_default();
    let position = numbers.below(written as u64) as usize;
    data.truncate(position);
    data
}

#[test]
fn damage_is_refused_or_harmless_or_shows_in_the_root() -> TestResult {
    for engine in ENGINES {
        let folder = tempfile::tempdir()?;
        fill(engine, folder.path(), 1..=120)?;
        for damage in [flip_a_bit, write_zeros, write_noise] {
            for outcome in outcomes(engine, folder.path(), 20, damage)? {
                let expected = outcome == "intact 120"
                    || outcome == "other root"
                    || outcome.starts_with("refused: ");
                assert!(expected, "{engine:?}: {outcome}");
            }
        }
    }
    Ok(())
}

#[test]
fn a_cut_off_database_is_never_taken_for_a_whole_one() -> TestResult {
    for engine in ENGINES {
        let folder = tempfile::tempdir()?;
        fill(engine, folder.path(), 1..=120)?;
        for outcome in outcomes(engine, folder.path(), 20, cut_off)? {
            assert!(outcome.starts_with("refused: "), "{engine:?}: {outcome}");
        }
    }
    Ok(())
}

#[test]
fn damage_to_what_was_stored_before_the_last_start_is_refused_or_harmless() -> TestResult {
    for engine in ENGINES {
        let folder = tempfile::tempdir()?;
        fill(engine, folder.path(), 1..=120)?;
        drop(open(engine, folder.path())?);
        for damage in [flip_a_bit, write_zeros, cut_off] {
            for outcome in outcomes(engine, folder.path(), 20, damage)? {
                assert!(
                    outcome == "intact 120" || outcome.starts_with("refused: "),
                    "{engine:?}: {outcome}"
                );
            }
        }
    }
    Ok(())
}
