//! Owns the integers of the protocol (PROTOCOL section 2): uait, heights, nonces, basis points, voting
//! power and units of compute, each a type of its own. All are `0..=2^53-1`, exact in every JSON
//! parser. Sums and differences that cannot leave that range while the books are right are checked
//! into an [`InvariantViolation`]; only what the protocol says saturates does.

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::{error::InvariantViolation, prelude::*};

/// The largest integer of the protocol, 2^53-1. The supply never exceeds it either.
pub const MAX: u64 = (1 << 53) - 1;

/// uait in one AIT (PROTOCOL section 2).
pub const UAIT_PER_AIT: u64 = 1_000_000;

/// Ten thousand basis points are the whole.
pub const WHOLE_BPS: u64 = 10_000;

/// An integer of the protocol, `0..=2^53-1`.
pub trait Quantity: Copy + Ord + fmt::Display {
    /// The integer.
    fn get(self) -> u64;
}

macro_rules! quantities {
    ($($(#[doc = $doc:literal])+ $name:ident;)+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
            #[serde(transparent)]
            pub struct $name(u64);

            impl $name {
                /// Zero.
                pub const ZERO: Self = Self(0);
                /// 2^53-1.
                pub const MAX: Self = Self(MAX);

                /// `value`; `None` above 2^53-1.
                pub const fn new(value: u64) -> Option<Self> {
                    if value <= MAX { Some(Self(value)) } else { None }
                }

                /// A constant of the protocol; 2^53-1 where it is larger.
                pub const fn constant(value: u64) -> Self {
                    Self(if value <= MAX { value } else { MAX })
                }

                /// The integer.
                pub const fn get(self) -> u64 {
                    self.0
                }

                /// Whether it is 0.
                pub const fn is_zero(self) -> bool {
                    self.0 == 0
                }

                /// The sum.
                ///
                /// # Errors
                /// [`InvariantViolation`] where it passes 2^53-1.
                pub fn plus(self, other: Self) -> Result<Self, InvariantViolation> {
                    self.0
                        .checked_add(other.0)
                        .and_then(Self::new)
                        .ok_or_else(|| InvariantViolation::new(format!("{self} + {other} passes the limit {MAX}")))
                }

                /// The difference.
                ///
                /// # Errors
                /// [`InvariantViolation`] where it is negative: callers check first.
                pub fn minus(self, other: Self) -> Result<Self, InvariantViolation> {
                    self.0
                        .checked_sub(other.0)
                        .map(Self)
                        .ok_or_else(|| InvariantViolation::new(format!("{self} - {other} is negative")))
                }

                /// The sum, staying at 2^53-1: where the protocol says so.
                pub fn saturating_plus(self, other: Self) -> Self {
                    Self(self.0.saturating_add(other.0).min(MAX))
                }

                /// The difference, staying at 0.
                pub fn floored_minus(self, other: Self) -> Self {
                    Self(self.0.saturating_sub(other.0))
                }

                /// `floor(self * basis_points / 10000)`, for at most the whole.
                pub fn share(self, basis_points: BasisPoints) -> Self {
                    let product = u128::from(self.0).saturating_mul(u128::from(basis_points.0.min(WHOLE_BPS)));
                    let floor = product.checked_div(u128::from(WHOLE_BPS)).unwrap_or(0);
                    Self(u64::try_from(floor).unwrap_or(MAX))
                }
            }

            impl Quantity for $name {
                fn get(self) -> u64 {
                    self.0
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    fmt::Display::fmt(&self.0, f)
                }
            }

            impl TryFrom<u64> for $name {
                type Error = OutOfRange;
                fn try_from(value: u64) -> Result<Self, OutOfRange> {
                    Self::new(value).ok_or(OutOfRange)
                }
            }

            impl From<$name> for u64 {
                fn from(value: $name) -> u64 {
                    value.0
                }
            }

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    integer(deserializer, 0, MAX).map(Self)
                }
            }
        )+
    };
}

quantities! {
    /// An amount of coins in uait.
    Uait;
    /// A block's height, or a number of blocks.
    Height;
    /// The number of a sender's transaction; the first is 1.
    Nonce;
    /// A share in basis points: 10,000 are the whole.
    BasisPoints;
    /// Voting power.
    Power;
    /// Units of compute.
    Units;
    /// How many of something: claims, offences, epochs.
    Count;
}

/// A value above 2^53-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be at most 9007199254740991 (2^53-1)")]
pub struct OutOfRange;

impl Count {
    /// One more, staying at 2^53-1.
    pub fn next(self) -> Self {
        self.saturating_plus(Self(1))
    }
}

impl Nonce {
    /// The one after it, staying at 2^53-1.
    pub fn next(self) -> Self {
        self.saturating_plus(Self(1))
    }
}

impl Height {
    /// The one after it, staying at 2^53-1.
    pub fn next(self) -> Self {
        self.saturating_plus(Self(1))
    }

    /// Whether it is divisible by a number of blocks, which is not 0.
    pub fn is_divisible_by(self, blocks: Height) -> bool {
        self.0.checked_rem(blocks.0) == Some(0)
    }
}

/// A quantity above 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Positive<Q>(Q);

impl<Q: Quantity> Positive<Q> {
    /// `value`; `None` for 0.
    pub fn new(value: Q) -> Option<Self> {
        (value.get() > 0).then_some(Self(value))
    }

    /// The quantity.
    pub fn get(self) -> Q {
        self.0
    }
}

impl<Q: Quantity> fmt::Display for Positive<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl<'de, Q: Quantity + TryFrom<u64>> Deserialize<'de> for Positive<Q> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = integer(deserializer, 1, MAX)?;
        let value = Q::try_from(value).map_err(|_| D::Error::custom(OutOfRange))?;
        Ok(Self(value))
    }
}

/// An integer `MIN..=MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Ranged<const MIN: u64, const MAX: u64>(u64);

impl<const MIN: u64, const MAX: u64> Ranged<MIN, MAX> {
    /// `value`; `None` out of the range.
    pub fn new(value: u64) -> Option<Self> {
        (MIN..=MAX).contains(&value).then_some(Self(value))
    }

    /// The integer.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl<'de, const MIN: u64, const MAX: u64> Deserialize<'de> for Ranged<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        integer(deserializer, MIN, MAX).map(Self)
    }
}

/// An integer of the protocol within a range; fractions, exponents, negatives and `-0` are none.
pub(crate) fn integer<'de, D: Deserializer<'de>>(
    deserializer: D,
    min: u64,
    max: u64,
) -> Result<u64, D::Error> {
    struct Visitor {
        min: u64,
        max: u64,
    }
    impl serde::de::Visitor<'_> for Visitor {
        type Value = u64;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "an integer {}..={}", self.min, self.max)
        }
        fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<u64, E> {
            if (self.min..=self.max).contains(&value) {
                Ok(value)
            } else {
                Err(E::custom(format_args!(
                    "must be an integer {}..={}, not {value}",
                    self.min, self.max
                )))
            }
        }
    }
    deserializer.deserialize_u64(Visitor { min, max })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_integers_up_to_2_53_minus_1_are_quantities() {
        for bad in [
            "-1",
            "-0",
            "1.0",
            "1e2",
            "9007199254740992",
            "99999999999999999999",
            "\"1\"",
            "null",
        ] {
            assert!(serde_json::from_str::<Uait>(bad).is_err(), "{bad}");
        }
        assert_eq!(
            serde_json::from_str::<Uait>("9007199254740991").unwrap(),
            Uait::MAX
        );
        assert!(serde_json::from_str::<Positive<Uait>>("0").is_err());
        assert!(serde_json::from_str::<Ranged<1, 5>>("6").is_err());
    }

    #[test]
    fn what_leaves_the_range_is_an_invariant_violation() {
        assert!(Uait::MAX.plus(Uait::constant(1)).is_err());
        assert!(Uait::ZERO.minus(Uait::constant(1)).is_err());
        assert_eq!(Units::MAX.saturating_plus(Units::constant(1)), Units::MAX);
        assert_eq!(Uait::MAX.share(BasisPoints::constant(10_000)), Uait::MAX);
        assert_eq!(
            Uait::constant(19_999).share(BasisPoints::constant(1)),
            Uait::constant(1)
        );
    }
}
