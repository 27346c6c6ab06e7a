//! Owns moments: what the caller's clock says and what headers say. Reads no clock.

use core::{fmt, time::Duration};

use serde::{Deserialize, Serialize};
use tendermint::Time;

use crate::malformed::Malformed;

/// The last second of the year 9999, where CometBFT's times end.
const LAST_SECOND: u64 = 253_402_300_799;

/// A moment in UTC, to the nanosecond, from 1970 to the end of 9999. As text and as JSON it is RFC 3339 as
/// CometBFT writes it: `2026-01-31T12:00:00.5Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UnixTime {
    seconds: u64,
    nanoseconds: u32,
}

impl UnixTime {
    /// Seconds since 1970; what lies after the year 9999 is taken as its end.
    pub fn from_seconds(seconds: u64) -> Self {
        Self::from(Duration::from_secs(seconds))
    }

    /// Whole seconds since 1970.
    pub fn seconds(&self) -> u64 {
        self.seconds
    }

    /// Nanoseconds since that second, below 1,000,000,000.
    pub fn nanoseconds(&self) -> u32 {
        self.nanoseconds
    }

    /// A header's time; `None` before 1970.
    pub(crate) fn of_header(time: Time) -> Option<Self> {
        let seconds = u64::try_from(time.unix_timestamp()).ok()?;
        let nanoseconds = time.unix_timestamp_nanos().rem_euclid(1_000_000_000);
        Some(Self {
            seconds,
            nanoseconds: u32::try_from(nanoseconds).ok()?,
        })
    }

    /// The same moment as tendermint-rs has it.
    pub(crate) fn to_tendermint(self) -> Time {
        i64::try_from(self.seconds)
            .ok()
            .and_then(|seconds| Time::from_unix_timestamp(seconds, self.nanoseconds).ok())
            .unwrap_or_else(Time::unix_epoch)
    }

    /// This long afterwards, or the end of the year 9999.
    pub(crate) fn plus(self, duration: Duration) -> Self {
        let since_1970 = Duration::new(self.seconds, self.nanoseconds);
        Self::from(since_1970.saturating_add(duration))
    }

    /// So many seconds, or as many as there are until the year 9999 ends.
    pub(crate) fn at_most_until_the_end(self, seconds: u64) -> Duration {
        Duration::from_secs(seconds.min(LAST_SECOND.saturating_sub(self.seconds)))
    }
}

impl From<Duration> for UnixTime {
    /// Time since 1970, as `SystemTime::duration_since(UNIX_EPOCH)` has it.
    fn from(since_1970: Duration) -> Self {
        if since_1970.as_secs() > LAST_SECOND {
            return Self {
                seconds: LAST_SECOND,
                nanoseconds: 0,
            };
        }
        Self {
            seconds: since_1970.as_secs(),
            nanoseconds: since_1970.subsec_nanos(),
        }
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_tendermint().to_rfc3339())
    }
}

impl From<UnixTime> for String {
    fn from(time: UnixTime) -> Self {
        time.to_string()
    }
}

impl TryFrom<String> for UnixTime {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        Time::parse_from_rfc3339(&text)
            .ok()
            .and_then(Self::of_header)
            .filter(|time| time.to_string() == text)
            .ok_or_else(|| {
                Malformed::field(
                    "time",
                    "is not a moment like 2026-01-31T12:00:00.5Z from 1970 on",
                )
            })
    }
}
