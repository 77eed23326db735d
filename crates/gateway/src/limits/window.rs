//! Use over a time: any minute or hour, or one day or month of the calendar.
//!
//! A minute that slides is kept in sixty slots, and the slot that has half left it counts whole: in no stretch of a minute,
//! wherever it begins, is more used than the limit says. A bucket that refills would let twice as much through in one.
//! Days and months are those of the calendar, because budgets are.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use stockade_domain::Micros;

use super::rule::Window;

/// So many slots make a minute or an hour.
const SLOTS: i64 = 60;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// What was used lately.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Used {
    /// Slots or periods, by their number, oldest first.
    parts: VecDeque<(i64, u64)>,
}

impl Used {
    /// The sum of what counts now.
    pub(super) fn sum(&self, window: Window, now: Micros) -> u64 {
        let oldest = window.oldest(now);
        // What lies in the future was used before the clock was put back: it counts.
        self.parts.iter().filter(|(at, _)| *at >= oldest).fold(0, |sum, (_, n)| sum.saturating_add(*n))
    }

    pub(super) fn add(&mut self, window: Window, now: Micros, amount: u64) {
        let oldest = window.oldest(now);
        while self.parts.front().is_some_and(|(at, _)| *at < oldest) {
            self.parts.pop_front();
        }
        let slot = window.slot(now);
        match self.parts.back_mut() {
            Some((at, sum)) if *at >= slot => *sum = sum.saturating_add(amount),
            _ => self.parts.push_back((slot, amount)),
        }
    }

    /// How long until so much has passed out of the window, in microseconds; `None` when so much was never used.
    pub(super) fn until_freed(&self, window: Window, now: Micros, amount: u64) -> Option<u64> {
        let oldest = window.oldest(now);
        let mut freed = 0_u64;
        let last = self.parts.iter().filter(|(at, _)| *at >= oldest).find(|(_, used)| {
            freed = freed.saturating_add(*used);
            freed >= amount
        });
        last.map(|(at, _)| window.ends(*at).since(now))
    }
}

impl Window {
    /// The number of the slot that a time lies in.
    fn slot(self, now: Micros) -> i64 {
        let now = now.as_i64();
        match self {
            Self::Minute => now.div_euclid(SECOND),
            Self::Hour => now.div_euclid(60 * SECOND),
            Self::Day => now.div_euclid(DAY),
            Self::Month => {
                let (year, month) = month_of(now.div_euclid(DAY));
                year.saturating_mul(12).saturating_add(month)
            }
        }
    }

    /// The oldest slot that still counts.
    fn oldest(self, now: Micros) -> i64 {
        match self {
            Self::Minute | Self::Hour => self.slot(now).saturating_sub(SLOTS),
            Self::Day | Self::Month => self.slot(now),
        }
    }

    /// When a slot no longer counts.
    fn ends(self, slot: i64) -> Micros {
        let past = |slots: i64| slot.saturating_add(slots).saturating_add(1);
        let micros = match self {
            Self::Minute => past(SLOTS).saturating_mul(SECOND),
            Self::Hour => past(SLOTS).saturating_mul(60 * SECOND),
            Self::Day => past(0).saturating_mul(DAY),
            Self::Month => days_to(past(0).div_euclid(12), past(0).rem_euclid(12)).saturating_mul(DAY),
        };
        Micros::from_i64(micros)
    }
}

/// Year and month, from 0, of a day since 1970 (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms",
/// `civil_from_days`).
fn month_of(days: i64) -> (i64, i64) {
    let z = days.saturating_add(719_468);
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 2 } else { mp - 10 };
    (yoe + era * 400 + i64::from(month <= 1), month)
}

/// Days from 1970 to the first of a month, counted from 0 (the same source, `days_from_civil`).
fn days_to(year: i64, month: i64) -> i64 {
    let y = if month <= 1 { year.saturating_sub(1) } else { year };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let mp = (month + 10) % 12;
    let doy = (153 * mp + 2) / 5;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    era.saturating_mul(146_097).saturating_add(doe).saturating_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Micros {
        Micros::from_i64(seconds * SECOND)
    }

    #[test]
    fn months_begin_where_the_calendar_says() {
        for (month, day) in [((1970, 0), 0), ((1970, 1), 31), ((2000, 2), 11_017), ((2026, 11), 20_788)] {
            assert_eq!(days_to(month.0, month.1), day);
            assert_eq!(month_of(day), month);
            let before = month_of(day - 1);
            assert_eq!(before.0 * 12 + before.1 + 1, month.0 * 12 + month.1);
        }
        let mut used = Used::default();
        // 2026-11-30T23:59:59Z
        let now = at(1_796_083_199);
        used.add(Window::Month, now, 5);
        assert_eq!((used.sum(Window::Month, now), used.sum(Window::Month, at(1_796_083_200))), (5, 0));
        assert_eq!(used.until_freed(Window::Month, now, 5), Some(1_000_000));
    }

    #[test]
    fn in_no_stretch_of_a_minute_is_anything_forgotten() {
        let mut used = Used::default();
        used.add(Window::Minute, Micros::from_i64(10_999_999), 3);
        assert_eq!(used.sum(Window::Minute, Micros::from_i64(70_999_998)), 3);
        assert_eq!(used.until_freed(Window::Minute, at(11), 3), Some(60_000_000));
        assert_eq!(used.until_freed(Window::Minute, at(11), 4), None);
        assert_eq!(used.sum(Window::Minute, at(71)), 0);
        used.add(Window::Minute, at(71), 1);
        assert_eq!(used.parts.len(), 1);
    }

    #[test]
    fn a_clock_that_is_put_back_forgets_nothing() {
        let mut used = Used::default();
        used.add(Window::Day, at(3 * 86_400), 4);
        used.add(Window::Day, at(86_400), 1);
        assert_eq!(used.sum(Window::Day, at(86_400)), 5);
    }
}
