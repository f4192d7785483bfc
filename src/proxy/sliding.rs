//! Sums over a sliding time, in a fixed number of slots: between eleven and twelve twelfths of it.

use std::time::{Duration, Instant};

/// Slots of the window.
const SLOTS: usize = 12;

/// `N` sums side by side.
#[derive(Debug)]
pub struct Sliding<const N: usize> {
    slot: Duration,
    began: Option<Instant>,
    present: u64,
    slots: [[u64; N]; SLOTS],
}

impl<const N: usize> Sliding<N> {
    /// Sums over `window`.
    pub fn new(window: Duration) -> Sliding<N> {
        let slot = (window / SLOTS as u32).max(Duration::from_nanos(1));
        Sliding { slot, began: None, present: 0, slots: [[0; N]; SLOTS] }
    }

    /// Adds to the sums.
    pub fn add(&mut self, amounts: [u64; N], now: Instant) {
        let at = self.turn(now);
        for (sum, amount) in self.slots[at].iter_mut().zip(amounts) {
            *sum = sum.saturating_add(amount);
        }
    }

    /// The sums.
    pub fn sums(&mut self, now: Instant) -> [u64; N] {
        self.turn(now);
        let mut sums = [0_u64; N];
        for slot in &self.slots {
            for (sum, amount) in sums.iter_mut().zip(slot) {
                *sum = sum.saturating_add(*amount);
            }
        }
        sums
    }

    /// The sums per second: of the window, or of the time since the first was added where that is shorter.
    pub fn per_second(&mut self, now: Instant) -> [f64; N] {
        let window = self.slot * SLOTS as u32;
        let since = self.began.map_or(window, |began| now.saturating_duration_since(began));
        let seconds = since.clamp(self.slot, window).as_secs_f64();
        self.sums(now).map(|sum| sum as f64 / seconds)
    }

    /// Forgets what is older than the window; the index of the present slot. A time before the last one is the last one.
    fn turn(&mut self, now: Instant) -> usize {
        let began = *self.began.get_or_insert(now);
        let present = now.saturating_duration_since(began).as_nanos() / self.slot.as_nanos();
        let present = u64::try_from(present).unwrap_or(u64::MAX).max(self.present);
        for gone in (self.present..present).take(SLOTS) {
            self.slots[index(gone + 1)] = [0; N];
        }
        self.present = present;
        index(present)
    }
}

fn index(slot: u64) -> usize {
    (slot % SLOTS as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_old_is_forgotten_and_what_is_new_is_not() {
        let (mut sums, began) = (Sliding::<2>::new(Duration::from_secs(60)), Instant::now());
        let at = |seconds| began + Duration::from_secs(seconds);
        sums.add([1, 10], at(0));
        sums.add([1, u64::MAX], at(30));
        assert_eq!(sums.sums(at(59)), [2, u64::MAX]);
        assert_eq!(sums.sums(at(60)), [1, u64::MAX]);
        sums.add([5, 0], at(61));
        assert_eq!(sums.sums(at(40)), [6, u64::MAX], "time does not go back");
        assert_eq!(sums.sums(at(1_000_000)), [0, 0]);
    }

    #[test]
    fn a_rate_is_of_the_time_there_was() {
        let (mut sums, began) = (Sliding::<1>::new(Duration::from_secs(60)), Instant::now());
        sums.add([30], began);
        assert_eq!(sums.per_second(began), [6.0], "of one slot at least");
        assert_eq!(sums.per_second(began + Duration::from_secs(10)), [3.0]);
        sums.add([30], began + Duration::from_secs(119));
        assert_eq!(sums.per_second(began + Duration::from_secs(119)), [0.5]);
    }
}
