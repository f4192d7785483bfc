//! Numbers of JSON: a hand-written scanner for the fast path, and the standard library's reading for all others.
//! Both give the same `f64`, correctly rounded.

/// A number as read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Num {
    /// A whole number without sign, fraction or exponent, that fits.
    Int(u64),
    /// Any other; infinite where it is beyond `f64`.
    Float(f64),
}

/// Powers of ten that `f64` holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// Digits that always fit in a `u64`.
const MAX_DIGITS: usize = 19;

/// Integers up to here are exact in `f64`.
const MAX_EXACT: u64 = 1 << 53;

/// Scans a plain JSON number (no sign, no exponent, at most 19 digits) at `at`: its value and where it ends.
/// `None` where it is any other number, or none.
#[inline]
pub fn scan(bytes: &[u8], at: usize) -> Option<(Num, usize)> {
    let (whole, mut end) = digits(bytes, at, 0);
    let whole_len = end - at;
    if whole_len == 0 || whole_len > MAX_DIGITS || (whole_len > 1 && bytes[at] == b'0') {
        return None;
    }
    let mut num = Num::Int(whole);
    if bytes.get(end) == Some(&b'.') {
        let from = end + 1;
        let (mantissa, to) = digits(bytes, from, whole);
        let fraction_len = to - from;
        if fraction_len == 0 || whole_len + fraction_len > MAX_DIGITS || mantissa > MAX_EXACT {
            return None;
        }
        // Both operands are exact, so the one rounding of the division is the right one (Clinger 1990).
        num = Num::Float(mantissa as f64 / POWERS[fraction_len]);
        end = to;
    }
    match bytes.get(end) {
        Some(b'e' | b'E' | b'.') => None,
        _ => Some((num, end)),
    }
}

/// Appends digits to a number: the number (meaningless past 19 digits), and where they end. Eight at a time, for a loop
/// over digits ends where no predictor expects it.
#[inline]
fn digits(bytes: &[u8], at: usize, start: u64) -> (u64, usize) {
    let mut value = start;
    let mut end = at;
    while let Some(chunk) = bytes.get(end..).and_then(|rest| rest.first_chunk::<8>()) {
        let (number, length) = leading_digits(u64::from_le_bytes(*chunk));
        value = value.wrapping_mul(WHOLE_POWERS[length]).wrapping_add(number);
        end += length;
        if length < 8 {
            return (value, end);
        }
    }
    while let Some(digit) = bytes.get(end).map(|b| b.wrapping_sub(b'0')).filter(|digit| *digit <= 9) {
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
        end += 1;
    }
    (value, end)
}

/// Powers of ten by number of digits.
const WHOLE_POWERS: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// The number that the first digits of eight bytes make, the first byte being the lowest, and how many digits it has.
#[inline]
fn leading_digits(word: u64) -> (u64, usize) {
    const ONES: u64 = u64::MAX / 255;
    let values = word ^ (ONES * u64::from(b'0'));
    // A byte above 9 sets its highest bit here, or has it set; the lowest such byte is exact.
    let others = (values.wrapping_add(ONES * 0x76) | values) & (ONES * 0x80);
    let length = others.trailing_zeros() as usize / 8;
    if length == 0 {
        return (0, 0);
    }
    // Moving the digits up fills with zeros in front, which are digits that change nothing.
    let digits = values << (64 - length * 8);
    let pairs = (digits & 0x000f_000f_000f_000f) * 10 + ((digits >> 8) & 0x000f_000f_000f_000f);
    let fours = (pairs & 0x0000_00ff_0000_00ff) * 100 + ((pairs >> 16) & 0x0000_00ff_0000_00ff);
    ((fours & 0xffff) * 10_000 + (fours >> 32), length)
}

/// Reads the text of a number in the way of the standard library; `None` where it is none. Takes also what is no JSON,
/// such as `NaN` or `+1`, for numbers that come as strings.
pub fn parse(text: &str) -> Option<Num> {
    if text.bytes().all(|b| b.is_ascii_digit())
        && let Ok(whole) = text.parse()
    {
        return Some(Num::Int(whole));
    }
    text.parse().ok().map(Num::Float)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_numbers_scan() {
        let cases = [
            ("0", Some((Num::Int(0), 1))),
            ("812,", Some((Num::Int(812), 3))),
            ("1528.151}", Some((Num::Float(1528.151), 8))),
            ("9999999999999999999", Some((Num::Int(9_999_999_999_999_999_999), 19))),
            ("10000000000000000000", None),
            ("012", None),
            ("1.", None),
            ("1e5", None),
            ("-1", None),
            ("", None),
        ];
        for (text, want) in cases {
            assert_eq!(scan(text.as_bytes(), 0), want, "{text}");
        }
    }

    #[test]
    fn digits_are_taken_eight_at_a_time() {
        for text in
            ["7", "12345678", "123456789012345678", "12345678,", "1234567/9", "12:45678", "0000001x", "99999999 "]
        {
            let want = text.bytes().take_while(u8::is_ascii_digit).count();
            let (value, end) = digits(text.as_bytes(), 0, 0);
            assert_eq!((value, end), (text[..want].parse().unwrap(), want), "{text}");
        }
        for byte in (0..=255_u8).filter(|b| !b.is_ascii_digit()) {
            assert_eq!(digits(&[b'4', b'2', byte, b'1', b'1', b'1', b'1', b'1', b'1'], 0, 0), (42, 2), "{byte}");
        }
    }

    proptest! {
        #[test]
        fn the_scanner_agrees_with_the_standard_library(text in "(0|[1-9][0-9]{0,18})(\\.[0-9]{1,18})?") {
            if let Some((num, end)) = scan(text.as_bytes(), 0) {
                prop_assert_eq!(end, text.len());
                prop_assert_eq!(Some(num), parse(&text));
            }
        }

        #[test]
        fn every_float_reads_back(value in 0.0f64..1e9) {
            let text = format!("{value}");
            if let Some((num, _)) = scan(text.as_bytes(), 0) {
                prop_assert_eq!(Some(num), parse(&text));
            }
        }
    }
}
