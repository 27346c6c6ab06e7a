//! Citations of the protocol lead somewhere: each "PROTOCOL section N" in the repository names a
//! heading of `docs/PROTOCOL.md`, and within that page each "section N".

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

const PAGE: &str = include_str!("../../../docs/PROTOCOL.md");

fn headings() -> BTreeSet<String> {
    let titles = PAGE.lines().filter(|line| line.starts_with('#'));
    titles
        .filter_map(|line| line.split(' ').nth(1))
        .map(|number| number.trim_end_matches('.').to_owned())
        .collect()
}

/// The numbers that follow `lead` in a text whose lines are joined, comment marks left out.
fn cited(text: &str, lead: &str) -> Vec<String> {
    let joined = text
        .lines()
        .map(|line| {
            let line = line.trim_start();
            line.trim_start_matches(['/', '!', '#', '*']).trim()
        })
        .collect::<Vec<_>>()
        .join(" ");
    let mut numbers = Vec::new();
    for rest in joined.split(lead).skip(1) {
        let rest = rest.strip_prefix('s').unwrap_or(rest).trim_start();
        // "sections 3, 4.1 and 5", "section 3, outcome", "section 2): 20 bytes".
        let mut words = rest.split(' ').filter(|word| !word.is_empty());
        while let Some(word) = words.next() {
            let number: String = word
                .chars()
                .take_while(|c| c.is_ascii_digit() || *c == '.')
                .collect();
            let number = number.trim_end_matches('.').to_owned();
            let goes_on = word.trim_start_matches(number.as_str()) == ",";
            if number.is_empty() {
                break;
            }
            numbers.push(number);
            if !goes_on && !matches!(words.next(), Some("and" | "to" | "or")) {
                break;
            }
        }
    }
    numbers
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            let skipped = ["target", ".git", ".tools", "node_modules", "data"];
            if !skipped.contains(&name.as_str()) {
                files(&path, found);
            }
        } else if [
            ".rs", ".md", ".sh", ".js", ".mjs", ".toml", ".json", ".html",
        ]
        .iter()
        .any(|ending| name.ends_with(ending))
        {
            found.push(path);
        }
    }
}

#[test]
fn every_citation_of_the_protocol_names_a_section_of_it() {
    let headings = headings();
    assert!(headings.contains("12") && headings.contains("4.8"));
    let mut all = Vec::new();
    files(
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap(),
        &mut all,
    );
    let (mut count, mut lost) = (0, Vec::new());
    for file in all {
        let text = fs::read_to_string(&file).unwrap_or_default();
        let mut numbers = cited(&text, "PROTOCOL section");
        if file.ends_with("docs/PROTOCOL.md") {
            numbers.extend(cited(&text, "(section"));
        }
        count += numbers.len();
        let missing = numbers
            .into_iter()
            .filter(|number| !headings.contains(number));
        lost.extend(missing.map(|number| format!("{}: {number}", file.display())));
    }
    assert!(count > 100, "only {count} citations were found");
    assert_eq!(lost, Vec::<String>::new());
}
