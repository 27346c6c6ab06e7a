//! Owns how people write amounts and ratios: exactly, in decimals, never through a float.

use ait_app::quantity::{BasisPoints, MAX, Positive, UAIT_PER_AIT, Uait, WHOLE_BPS};

/// Reads uait: `12345` or `12345uait`, or AIT: `1.5ait` (at most 6 decimals).
///
/// # Errors
/// The rule it breaks.
pub fn parse_uait(text: &str) -> Result<Uait, String> {
    let rule = || {
        format!(
            "an amount is a whole number of uait 0..={MAX} such as 1500000, or AIT with at most 6 \
             decimals such as 1.5ait"
        )
    };
    let value = if let Some(uait) = text.strip_suffix("uait") {
        scaled(uait, 1)
    } else if let Some(ait) = text.strip_suffix("ait") {
        scaled(ait, UAIT_PER_AIT)
    } else {
        scaled(text, 1)
    };
    value.and_then(Uait::new).ok_or_else(rule)
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
