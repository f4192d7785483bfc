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

/// Appends digits to a number: the number (meaningless past 19 digits), and where they end.
#[inline]
fn digits(bytes: &[u8], at: usize, start: u64) -> (u64, usize) {
    let mut value = start;
    let mut end = at;
    while let Some(&b) = bytes.get(end) {
        let digit = b.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
        end += 1;
    }
    (value, end)
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
