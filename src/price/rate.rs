//! What a token costs: the buckets that tokens are billed in, and exact rates for them. No figure is ever a float.

use crate::listed::listed;
use crate::units;
use std::fmt;

listed! {
    /// What tokens are billed as. A token is in one bucket alone.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    #[repr(usize)]
    pub enum Bucket {
        /// Input that was neither read from a cache nor written to one, and no audio.
        Input,
        /// Input read from the provider's cache.
        CacheRead,
        /// Input written to the provider's cache for its usual, short time.
        CacheWrite,
        /// Input written to the provider's cache for an hour.
        CacheWrite1h,
        /// Output, but for what has a bucket of its own.
        Output,
        /// Reasoning, where it has a price of its own.
        Reasoning,
        /// Audio in the input.
        AudioInput,
        /// Audio in the output.
        AudioOutput,
    }
}

impl Bucket {
    /// How many there are.
    pub const COUNT: usize = Bucket::ALL.len();

    /// Its field in price files and in the configuration.
    pub const fn word(self) -> &'static str {
        match self {
            Bucket::Input => "input",
            Bucket::CacheRead => "cache_read",
            Bucket::CacheWrite => "cache_write",
            Bucket::CacheWrite1h => "cache_write_1h",
            Bucket::Output => "output",
            Bucket::Reasoning => "reasoning",
            Bucket::AudioInput => "audio_input",
            Bucket::AudioOutput => "audio_output",
        }
    }

    /// Its name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Bucket::Input => "input",
            Bucket::CacheRead => "cache read",
            Bucket::CacheWrite => "cache write",
            Bucket::CacheWrite1h => "cache write 1h",
            Bucket::Output => "output",
            Bucket::Reasoning => "reasoning",
            Bucket::AudioInput => "audio input",
            Bucket::AudioOutput => "audio output",
        }
    }

    /// The bucket of a field.
    pub fn from_word(word: &str) -> Option<Bucket> {
        Bucket::ALL.into_iter().find(|bucket| bucket.word() == word)
    }
}

/// A price of a token in pico-dollars, which is as many millionths of a dollar for a million tokens: exact for every list
/// price there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(u32);

impl Rate {
    /// No rate is higher, dollars per million tokens: more is a slip of the unit.
    pub const MAX_USD: u32 = 1_000;

    /// What is free.
    pub const FREE: Rate = Rate(0);

    /// A rate of so many pico-dollars a token; `None` above the highest.
    pub const fn from_picos(picos: u32) -> Option<Rate> {
        if picos <= Rate::MAX_USD * 1_000_000 { Some(Rate(picos)) } else { None }
    }

    /// Pico-dollars a token.
    pub const fn picos(self) -> u32 {
        self.0
    }

    /// Reads dollars per million tokens, a plain decimal.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Rate, String> {
        let nanos = units::parse_usd_nano(text).ok_or_else(|| format!("{text:?} is no price"))?;
        if nanos < 0 {
            return Err(format!("{text} is less than nothing"));
        }
        if nanos % 1_000 != 0 {
            return Err(format!("{text} has more than six decimals"));
        }
        let picos = u32::try_from(nanos / 1_000).ok().and_then(Rate::from_picos);
        picos.ok_or_else(|| format!("{text} is more than {} dollars per million tokens", Rate::MAX_USD))
    }

    /// Dollars for a token, or for as many as make `scale` 1, with the noise that floats carry removed.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_float(dollars: f64, scale: f64) -> Result<Rate, String> {
        let picos = dollars * scale;
        let whole = picos.round();
        if !picos.is_finite() || picos < 0.0 {
            return Err(format!("{dollars} is no price"));
        }
        if picos > f64::from(Rate::MAX_USD) * 1e6 {
            return Err(format!("{dollars} is more than {} dollars per million tokens", Rate::MAX_USD));
        }
        if (picos - whole).abs() > 1e-3 {
            return Err(format!("{dollars} is finer than a millionth of a dollar per million tokens"));
        }
        Ok(Rate(whole as u32))
    }
}

/// Dollars per million tokens, as short as is exact: `0.075`, `3`.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / 1_000_000, self.0 % 1_000_000);
        if part == 0 {
            return write!(f, "{whole}");
        }
        let part = format!("{part:06}");
        write!(f, "{whole}.{}", part.trim_end_matches('0'))
    }
}

/// A rate for each bucket, as far as they are known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rates([Option<Rate>; Bucket::COUNT]);

impl Rates {
    /// The rate of a bucket.
    pub const fn get(&self, bucket: Bucket) -> Option<Rate> {
        self.0[bucket as usize]
    }

    /// Sets the rate of a bucket.
    pub const fn set(&mut self, bucket: Bucket, rate: Rate) {
        self.0[bucket as usize] = Some(rate);
    }

    /// Takes a rate away.
    pub const fn unset(&mut self, bucket: Bucket) {
        self.0[bucket as usize] = None;
    }

    /// A rate for writing to a cache that cannot be right, and the one that it is below: no provider writes for less than
    /// plain input costs, nor for an hour for less than for a short time.
    pub fn doubtful(&self) -> Option<(Bucket, Bucket)> {
        const RISING: [(Bucket, Bucket); 3] = [
            (Bucket::CacheWrite, Bucket::Input),
            (Bucket::CacheWrite1h, Bucket::Input),
            (Bucket::CacheWrite1h, Bucket::CacheWrite),
        ];
        let is_below = |(rate, least): &(Bucket, Bucket)| {
            self.get(*rate).zip(self.get(*least)).is_some_and(|(rate, least)| rate < least)
        };
        RISING.into_iter().find(is_below)
    }

    /// Those that are known, in the order of the buckets.
    pub fn known(&self) -> impl Iterator<Item = (Bucket, Rate)> {
        Bucket::ALL.into_iter().filter_map(|bucket| Some((bucket, self.get(bucket)?)))
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.known().next().is_none()
    }

    /// These, and the others' where these have none.
    #[must_use]
    pub fn or(self, others: Rates) -> Rates {
        let mut all = self;
        others
            .known()
            .filter(|(bucket, _)| self.get(*bucket).is_none())
            .for_each(|(bucket, rate)| all.set(bucket, rate));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_read_exactly_and_print_as_they_were() {
        for (text, picos) in [
            ("0.075", 75_000),
            ("3", 3_000_000),
            ("0.000001", 1),
            ("2.1875", 2_187_500),
            ("0", 0),
            ("1000", 1_000_000_000),
        ] {
            let rate = Rate::parse(text).unwrap();
            assert_eq!(rate.picos(), picos, "{text}");
            assert_eq!(rate.to_string(), text);
        }
        assert_eq!(Rate::parse("15.0").unwrap().to_string(), "15");
        assert_eq!(Rate::parse(".5"), Ok(Rate(500_000)));
    }

    #[test]
    fn what_cannot_be_a_rate_is_told() {
        for (text, says) in [
            ("-1", "-1 is less than nothing"),
            ("0.0000001", "0.0000001 has more than six decimals"),
            ("1000.000001", "more than 1000 dollars per million tokens"),
            ("99999999999999999999", "is no price"),
            ("NaN", "is no price"),
            ("3e-6", "is no price"),
            ("", "is no price"),
        ] {
            let error = Rate::parse(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
        for bad in [f64::NAN, f64::INFINITY, -1e-6, 0.002, 1.5e-13] {
            assert!(Rate::from_float(bad, 1e12).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_noise_of_floats_goes_and_nothing_else() {
        assert_eq!(Rate::from_float(7.5e-8, 1e12), Ok(Rate(75_000)));
        assert_eq!(Rate::from_float((0.1 + 0.2) * 1e-6, 1e12), Ok(Rate(300_000)));
        assert_eq!(Rate::from_float(0.546_875, 1e6), Ok(Rate(546_875)));
    }

    #[test]
    fn words_of_buckets_read_back() {
        for bucket in Bucket::ALL {
            assert_eq!(Bucket::from_word(bucket.word()), Some(bucket));
        }
        assert_eq!(Bucket::from_word("cache"), None);
    }
}
