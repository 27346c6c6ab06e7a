//! `ait bench compare`: contenders are measured in one run, the result is told in three ways, and nothing is left.

use std::{fs, path::Path};

use ait_tests::comet::{binaries, devnet::said, node};
use serde_json::Value;

/// Some of each kind, and the figure that is told of them.
const CONTENDERS: [(&str, &str); 6] = [
    ("rest", "committed_per_second"),
    ("kvstore-in-process", "committed_per_second"),
    ("idle-kvstore", "blocks_per_second"),
    ("idle-reads", "blocks_per_second"),
    ("balance", "answers_per_second"),
    ("join", "replayed_per_second"),
];

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).expect("a folder").next().is_none()
}

#[test]
fn contenders_are_measured_side_by_side_and_nothing_is_left() {
    let folder = tempfile::tempdir().expect("a folder");
    let (scratch, out) = (folder.path().join("scratch"), folder.path().join("out"));
    fs::create_dir(&scratch).expect("a folder");
    let output = node::ait(folder.path())
        .args(["bench", "compare", "--quick", "--json", "--repeats", "2"])
        .args(["--count", "200", "--idle", "500ms"])
        .args(["--only", &CONTENDERS.map(|(name, _)| name).join(",")])
        .arg("--cometbft")
        .arg(binaries::cometbft())
        .arg("--out")
        .arg(&out)
        .env("TMPDIR", &scratch)
        .output()
        .expect("ait starts");
    assert!(output.status.success(), "{}", said(&output));
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let rows = told["rows"].as_array().expect("rows");
    let names: Vec<_> = rows.iter().map(|row| &row["contender"]).collect();
    assert_eq!(names, CONTENDERS.map(|(name, _)| name));
    for (row, (_, figure)) in rows.iter().zip(CONTENDERS) {
        let spread = &row["figures"][figure];
        let of = |name: &str| spread[name].as_f64().expect("a number");
        assert!(0.0 < of("least") && of("least") <= of("median"), "{row}");
        assert!(of("median") <= of("most"), "{row}");
        assert_eq!(row["samples"].as_array().expect("samples").len(), 2);
    }
    assert!(told["machine"]["cores"].as_u64() > Some(0), "{told}");

    let written = fs::read(out.join("bench.json")).expect("bench.json");
    assert_eq!(
        serde_json::from_slice::<Value>(&written).expect("JSON"),
        told
    );
    let picture = fs::read_to_string(out.join("bench.svg")).expect("bench.svg");
    for name in names.iter().filter_map(|name| name.as_str()) {
        assert!(picture.contains(name), "{name} is no bar of the picture");
    }
    assert!(is_empty(&scratch), "folders are left");
}
