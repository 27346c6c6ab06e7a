use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    thread,
    time::Duration,
};

use ait_store::{Engine, StoreError};

use crate::workload::{
    ENGINES, TestResult, assert_holds_block, batch, child, child_folder, contents, database, open,
    state,
};

const CHILD: &str = "killed_processes_lose_nothing::child_commits_until_it_is_killed";

/// Runs in a process of its own, for the tests below.
#[test]
fn child_commits_until_it_is_killed() -> TestResult {
    let Some((engine, folder)) = child_folder() else {
        return Ok(());
    };
    println!("\nopens");
    let store = open(engine, &folder)?;
    let mut height = contents(store.as_ref())?.map_or(0, |(height, ..)| height);
    println!("\nacknowledged {height}");
    loop {
        height += 1;
        store.commit(&batch(height))?;
        println!("\nacknowledged {height}");
        std::io::stdout().flush()?;
    }
}

/// Kills a committing process some time after it acknowledged some blocks. Returns the last block that it
/// acknowledged.
fn kill_after(
    engine: Engine,
    folder: &Path,
    blocks: usize,
    delay: Duration,
) -> Result<u64, Box<dyn std::error::Error>> {
    let mut process = child(CHILD, engine, folder)?.spawn()?;
    let output = process.stdout.take().ok_or("no output")?;
    let mut acknowledged = BufReader::new(output).lines().filter_map(|line| {
        let height = line.ok()?.strip_prefix("acknowledged ")?.parse().ok()?;
        Some(height)
    });
    let mut last: Option<u64> = acknowledged.by_ref().take(blocks).last();
    thread::sleep(delay);
    process.kill()?;
    process.wait()?;
    last = acknowledged.last().or(last);
    last.ok_or_else(|| "the process did not begin".into())
}

#[test]
fn a_killed_process_leaves_the_last_block_it_acknowledged_or_the_next_one() -> TestResult {
    for engine in ENGINES {
        let folder = tempfile::tempdir()?;
        for (round, blocks) in [2, 30, 1, 90, 5, 14, 60, 3].into_iter().enumerate() {
            let delay = Duration::from_micros(150 * round as u64);
            let acknowledged = kill_after(engine, folder.path(), blocks, delay)?;
            let store = open(engine, folder.path())?;
            let (height, ..) = contents(store.as_ref())?.ok_or("the store is empty")?;
            assert!(
                (acknowledged..=acknowledged + 1).contains(&height),
                "{acknowledged}, {height}"
            );
            assert_holds_block(store.as_ref(), height)?;
        }
    }
    Ok(())
}

#[test]
fn a_process_killed_in_its_first_block_leaves_nothing_or_the_whole_block() -> TestResult {
    for engine in ENGINES {
        for delay in [0, 1, 2, 3, 5, 8] {
            let folder = tempfile::tempdir()?;
            kill_after(engine, folder.path(), 1, Duration::from_millis(delay))?;
            let store = open(engine, folder.path())?;
            match contents(store.as_ref())? {
                None => store.commit(&batch(1))?,
                Some((height, ..)) => assert_holds_block(store.as_ref(), height)?,
            }
            let (height, ..) = contents(store.as_ref())?.ok_or("the store is empty")?;
            store.commit(&batch(height + 1))?;
            assert_holds_block(store.as_ref(), height + 1)?;
        }
    }
    Ok(())
}

#[test]
fn a_process_killed_while_it_begins_a_store_leaves_nothing_that_the_next_one_stumbles_over()
-> TestResult {
    for engine in ENGINES {
        let mut delay = Duration::ZERO;
        let mut began = false;
        while !began && delay < Duration::from_secs(10) {
            let folder = tempfile::tempdir()?;
            let mut process = child(CHILD, engine, folder.path())?.spawn()?;
            let output = process.stdout.take().ok_or("no output")?;
            let mut lines = BufReader::new(output).lines().map_while(Result::ok);
            assert!(lines.any(|line| line == "opens"));
            thread::sleep(delay);
            process.kill()?;
            process.wait()?;
            began = lines.any(|line| line.starts_with("acknowledged"));
            let store = open(engine, folder.path());
            drop(store.map_err(|error| format!("killed after {delay:?}: {error}"))?);
            delay += delay / 8 + Duration::from_micros(200);
        }
        assert!(began);
    }
    Ok(())
}

#[test]
fn what_an_unfinished_first_block_left_behind_is_not_part_of_the_state() -> TestResult {
    let folder = tempfile::tempdir()?;
    drop(open(Engine::Sled, folder.path())?);
    let database = database(folder.path())?;
    for number in 0..2_345 {
        database.insert(format!("r/left/{number}"), &[0, 0, 0, 1, 9][..])?;
        database.insert(format!("+r/left/{number}\0\0\0\0"), &[9][..])?;
    }
    database.flush()?;
    drop(database);

    let store = open(Engine::Sled, folder.path())?;
    assert_eq!(contents(store.as_ref())?, None);
    store.commit(&batch(1))?;
    let (_, _, found) = contents(store.as_ref())?.ok_or("the store is empty")?;
    assert!(found == state(1));
    Ok(())
}

#[test]
fn the_lock_of_a_killed_process_is_free() -> TestResult {
    for engine in ENGINES {
        let folder = tempfile::tempdir()?;
        let mut process = child(CHILD, engine, folder.path())?.spawn()?;
        let output = process.stdout.take().ok_or("no output")?;
        let mut lines = BufReader::new(output).lines();
        let began = lines.any(|line| line.is_ok_and(|line| line.starts_with("acknowledged")));
        assert!(began);
        let refused = open(engine, folder.path()).err();
        process.kill()?;
        process.wait()?;
        assert!(
            matches!(refused, Some(StoreError::Locked { .. })),
            "{refused:?}"
        );
        open(engine, folder.path())?;
    }
    Ok(())
}
