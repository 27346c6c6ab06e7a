//! The table of codes that the documentation of `Rejection` shows is the one that `Rejection::code` answers.

use std::collections::BTreeMap;

const SOURCE: &str = include_str!("../../src/rejection.rs");

#[test]
fn the_documented_codes_are_the_codes() {
    let documented: BTreeMap<&str, &str> = SOURCE
        .lines()
        .filter_map(|line| {
            let (code, name) = line.strip_prefix("/// | ")?.split_once(" | [`")?;
            Some((name.split_once('`')?.0, code))
        })
        .collect();
    let answered: BTreeMap<&str, &str> = SOURCE
        .lines()
        .filter_map(|line| {
            let (name, code) = line.trim().strip_prefix("Self::")?.split_once(" => ")?;
            let code = code
                .strip_suffix(',')
                .filter(|code| code.parse::<u16>().is_ok())?;
            Some((name.split([' ', '(']).next()?, code))
        })
        .collect();
    assert!(documented.len() > 20, "{documented:?}");
    assert_eq!(documented, answered);
}
