use std::process::Command;

use ait_store::StoreError;

use crate::workload::{
    ENGINES, TestResult, assert_holds_block, batch, child, child_folder, contents, open,
};

const CHILD: &str = "failed_writes_stop_the_store::child_commits_until_a_write_fails";

/// Runs in a process of its own, which may not write files of more than a few megabytes.
#[test]
fn child_commits_until_a_write_fails() -> TestResult {
    let Some((engine, folder)) = child_folder() else {
        return Ok(());
    };
    let store = open(engine, &folder)?;
    // Now, since a database may ask for more room when it is opened than it ever writes here.
    let pid = std::process::id().to_string();
    let limited = Command::new("prlimit")
        .args(["--pid", &pid, "--fsize=3000000"])
        .status()?;
    assert!(limited.success());
    let mut height = 1;
    let failure = loop {
        match store.commit(&batch(height)) {
            Ok(()) => height += 1,
            Err(failure) => break failure,
        }
    };
    assert!(matches!(failure, StoreError::Io { .. }), "{failure}");
    for again in [height, height + 1] {
        let refused = store.commit(&batch(again));
        assert!(
            matches!(refused, Err(StoreError::Poisoned { .. })),
            "{refused:?}"
        );
    }
    let refused = store.save_pool(&[vec![1]]);
    assert!(
        matches!(refused, Err(StoreError::Poisoned { .. })),
        "{refused:?}"
    );
    println!("\nacknowledged {}", height - 1);
    Ok(())
}

#[test]
fn after_a_failed_write_nothing_is_written_and_nothing_acknowledged_is_lost() -> TestResult {
    for engine in ENGINES {
        let folder = tempfile::tempdir()?;
        let test = child(CHILD, engine, folder.path())?;
        let mut limited = Command::new("sh");
        limited.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]);
        limited.arg(test.get_program()).args(test.get_args());
        limited.env("STORE_FOLDER", folder.path());
        limited.env("STORE_ENGINE", engine.name());
        let output = limited.output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success(),
            "{text}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let acknowledged = text
            .lines()
            .find_map(|line| line.strip_prefix("acknowledged "));
        let acknowledged: u64 = acknowledged.ok_or("no height")?.parse()?;

        let store = open(engine, folder.path())?;
        let (height, ..) = contents(store.as_ref())?.ok_or("the store is empty")?;
        assert!(
            (acknowledged..=acknowledged + 1).contains(&height),
            "{acknowledged}, {height}"
        );
        assert_holds_block(store.as_ref(), height)?;
        store.commit(&batch(height + 1))?;
        assert_holds_block(store.as_ref(), height + 1)?;
    }
    Ok(())
}
