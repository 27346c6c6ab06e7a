//! Owns how people write amounts and ratios: exactly, in decimals, never through a float.

use ait_app::quantity::{BasisPoints, MAX, Positive, UAIT_PER_AIT, Uait, WHOLE_BPS};

/// What amounts look like, for messages.
const FORMS: &str = "an amount is a whole number of uait such as 1500000, or AIT with at most 6 decimals such \
                     as 1.5ait";

/// Reads uait: `12345` or `12345uait`, or AIT: `1.5ait` (at most 6 decimals).
///
/// # Errors
/// What is wrong with it, and what is taken.
pub fn parse_uait(text: &str) -> Result<Uait, String> {
    let value = if let Some(uait) = text.strip_suffix("uait") {
        scaled(uait, 1)
    } else if let Some(ait) = text.strip_suffix("ait") {
        scaled(ait, UAIT_PER_AIT)
    } else {
        scaled(text, 1)
    };
    value
        .and_then(Uait::new)
        .ok_or_else(|| format!("{}; {FORMS}", fault(text)))
}

/// What is wrong with an amount.
fn fault(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let (number, unit) = match lower.strip_suffix("uait") {
        Some(number) => (number, "uait"),
        None => match lower.strip_suffix("ait") {
            Some(number) => (number, "ait"),
            None => (lower.as_str(), ""),
        },
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if number.is_empty() {
        return "there is no number".to_owned();
    }
    if number.starts_with('-') {
        return "amounts are never negative".to_owned();
    }
    if number.starts_with('+') {
        return "a sign is not taken".to_owned();
    }
    if number.contains(',') || number.contains('_') || number.contains(' ') {
        return "digits stand without spaces or commas, decimals behind a point".to_owned();
    }
    if !is_digits(whole) || !is_digits(fraction) {
        return format!("{text:?} is no number with a unit that is known");
    }
    if whole.is_empty() {
        return format!("a digit is missing before the point: 0.{fraction}{unit}");
    }
    if number.ends_with('.') {
        return format!("a digit is missing behind the point: {whole}.0{unit}");
    }
    if !text.ends_with(unit) {
        return format!("units are written in lower case: {number}{unit}");
    }
    if unit != "ait" && number.contains('.') {
        return format!("a uait has no parts; {number}ait is that much AIT");
    }
    if fraction.trim_end_matches('0').len() > 6 {
        return "an AIT has 6 decimals".to_owned();
    }
    format!("no amount is above {MAX} uait")
}

/// As [`parse_uait`], above 0.
///
/// # Errors
/// The rule it breaks.
pub fn parse_amount(text: &str) -> Result<Positive<Uait>, String> {
    Positive::new(parse_uait(text)?).ok_or_else(|| "the amount must be above 0".to_owned())
}

/// Reads a ratio 0..=1 with at most 4 decimals as basis points: `0.05` is 500.
///
/// # Errors
/// The rule it breaks.
pub fn parse_ratio(text: &str) -> Result<BasisPoints, String> {
    scaled(text, WHOLE_BPS)
        .filter(|basis_points| *basis_points <= WHOLE_BPS)
        .and_then(BasisPoints::new)
        .ok_or_else(|| "must be a ratio 0..=1 with at most 4 decimals, such as 0.05".to_owned())
}

/// `text` times `scale`, a power of ten, if that is a whole number.
fn scaled(text: &str, scale: u64) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let dangling = text.ends_with('.');
    if whole.is_empty() || dangling || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let mut value = whole.parse::<u64>().ok()?.checked_mul(scale)?;
    let mut unit = scale;
    for digit in fraction.trim_end_matches('0').bytes() {
        if !unit.is_multiple_of(10) {
            return None;
        }
        unit /= 10;
        let digit = u64::from(digit.checked_sub(b'0')?);
        value = value.checked_add(digit.checked_mul(unit)?)?;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_exactly() {
        for (text, uait) in [
            ("0", 0),
            ("12345", 12_345),
            ("12345uait", 12_345),
            ("1ait", 1_000_000),
            ("1.5ait", 1_500_000),
            ("0.000001ait", 1),
            ("1.50000000ait", 1_500_000),
            ("9007199254740991", MAX),
            ("9007199254.740991ait", MAX),
        ] {
            assert_eq!(parse_uait(text).map(Uait::get), Ok(uait), "{text}");
        }
        for bad in [
            "",
            "ait",
            "-1",
            "+1",
            "1e3",
            "1.5",
            "1.",
            ".5ait",
            "1 ait",
            "0.0000001ait",
            "9007199254740992",
            "9007199254.740992ait",
            "99999999999999999999",
        ] {
            assert!(parse_uait(bad).is_err(), "{bad}");
        }
        for (text, says) in [
            ("-1", "never negative"),
            ("-1.5ait", "never negative"),
            ("+1", "sign"),
            ("1AIT", "lower case: 1ait"),
            ("1.5Ait", "lower case: 1.5ait"),
            ("5UAIT", "lower case: 5uait"),
            (".5ait", "before the point: 0.5ait"),
            ("5.ait", "behind the point: 5.0ait"),
            ("1.5", "1.5ait is that much AIT"),
            ("1.5uait", "1.5ait is that much AIT"),
            ("1,5ait", "without spaces or commas"),
            ("1 ait", "without spaces or commas"),
            ("1.0000001ait", "6 decimals"),
            ("9007199254740992", "no amount is above 9007199254740991"),
            ("99999999999999999999ait", "no amount is above"),
            ("ait", "no number"),
            ("1btc", "is no number"),
            ("1e3", "is no number"),
        ] {
            let message = parse_uait(text).unwrap_err();
            assert!(message.contains(says), "{text}: {message}");
            assert!(message.contains(FORMS), "{text}: {message}");
        }
        assert!(parse_amount("0ait").is_err());
        assert_eq!(parse_amount("1").map(|one| one.get().get()), Ok(1));
    }

    #[test]
    fn ratios_become_basis_points_exactly() {
        for (text, basis_points) in [("0.05", 500), ("0", 0), ("1", 10_000), ("0.0001", 1)] {
            let found = parse_ratio(text).map(BasisPoints::get);
            assert_eq!(found, Ok(basis_points), "{text}");
        }
        for bad in ["", "1.0001", "0.00001", "-0.1", "5%", ".05"] {
            assert!(parse_ratio(bad).is_err(), "{bad}");
        }
    }
}
