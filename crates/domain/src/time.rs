//! Time: UTC microseconds since 1970 in storage and in the ledger, RFC 3339 for people.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Microseconds since 1970-01-01T00:00:00Z. Leap seconds are not counted (POSIX time).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Micros(i64);

/// Where the time comes from; a trait, so that tests can bend it.
pub trait Clock: Send + Sync + 'static {
    /// The wall-clock time. It may jump, in both directions.
    fn now(&self) -> Micros;
}

impl Micros {
    /// From a count of microseconds since 1970.
    #[must_use]
    pub const fn from_i64(micros: i64) -> Self {
        Self(micros)
    }

    /// The count of microseconds since 1970.
    #[must_use]
    pub const fn as_i64(self) -> i64 {
        self.0
    }

    /// This time plus a duration; stops at the end of the range instead of wrapping.
    #[must_use]
    pub fn plus(self, duration: std::time::Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// The time a duration earlier.
    #[must_use]
    pub fn minus(self, duration: std::time::Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// Microseconds from `earlier` to this time; zero when the clock went backwards.
    #[must_use]
    pub fn since(self, earlier: Self) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }
}

impl fmt::Display for Micros {
    /// RFC 3339 in UTC with microseconds, for example `2026-11-20T12:00:00.000001Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(1_000_000);
        let micros = self.0.rem_euclid(1_000_000);
        let (year, month, day) = civil(seconds.div_euclid(86_400));
        let in_day = seconds.rem_euclid(86_400);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{micros:06}Z",
            in_day / 3_600,
            in_day / 60 % 60,
            in_day % 60
        )
    }
}

/// Days since 1970 to a date of the proleptic Gregorian calendar (Howard Hinnant, "chrono-Compatible Low-Level
/// Date Algorithms", `civil_from_days`).
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days.saturating_add(719_468);
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_rfc_3339() {
        for (micros, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_400_000_001, "2000-02-29T00:00:00.000001Z"),
            (1_795_176_000_000_000, "2026-11-20T12:00:00.000000Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
        ] {
            assert_eq!(Micros::from_i64(micros).to_string(), text);
        }
    }

    #[test]
    fn a_clock_that_jumps_back_gives_zero() {
        assert_eq!(Micros::from_i64(5).since(Micros::from_i64(9)), 0);
    }
}
