//! What `docs/errors.md` says of HTTP statuses is what nodes answer.

use std::{collections::BTreeMap, fs};

use ait_api::error::{ErrorCode, RestCode};
use ait_app::Code;
use ait_tests::comet::binaries::project;

/// The cells of the table below a heading, by rows.
fn table(heading: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(project().join("docs/errors.md")).unwrap();
    let below = text.split(heading).nth(1).expect(heading);
    let lines = below.lines().skip_while(|line| !line.starts_with('|'));
    let rows = lines.take_while(|line| line.starts_with('|')).skip(2);
    rows.map(|row| {
        let cells = row.trim_matches('|').split('|');
        cells.map(|cell| cell.trim().to_owned()).collect()
    })
    .collect()
}

/// The names in backticks.
fn names(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn refusals_of_the_chain_have_the_documented_status() {
    let rows = table("## HTTP statuses");
    let mut documented: BTreeMap<&str, u16> = BTreeMap::new();
    for row in &rows {
        let status = row[0].parse().unwrap();
        documented.extend(names(&row[1]).map(|name| (name, status)));
    }
    assert!(documented.len() > 20, "{documented:?}");
    for code in Code::ALL {
        let expected = documented.remove(code.name()).unwrap_or(422);
        let code = ErrorCode::from(*code);
        assert_eq!(code.status(), expected, "{code}");
    }
    assert!(documented.is_empty(), "unknown: {documented:?}");
}

#[test]
fn refusals_of_rest_are_documented_with_their_meaning() {
    let rows = table("## What REST itself refuses");
    let documented: Vec<(u16, &str, &str)> = rows
        .iter()
        .map(|row| {
            (
                row[0].parse().unwrap(),
                row[1].trim_matches('`'),
                row[2].as_str(),
            )
        })
        .collect();
    let known: Vec<(u16, &str, &str)> = RestCode::ALL
        .iter()
        .map(|code| (code.status(), code.name(), code.meaning()))
        .collect();
    assert_eq!(documented, known);
}
