//! Units, and all text made of numbers: durations, counts, money, rates, bytes, times. One form everywhere.

/// Reads a length of time: `250ms`, `5s`, `1.5m`, `2h`, `7d`, `1w`, `80us`; µs, or `None` where it does not read.
pub fn parse_duration_us(text: &str) -> Option<i64> {
    let text = text.trim();
    let split = text.find(|c: char| c.is_ascii_alphabetic() || c == 'µ')?;
    let (number, unit) = text.split_at(split);
    let number: f64 = number.trim().parse().ok()?;
    let unit_us = match unit {
        "us" | "µs" => 1.0,
        "ms" => 1e3,
        "s" => 1e6,
        "m" | "min" => 60e6,
        "h" => 3_600e6,
        "d" => 86_400e6,
        "w" => 7.0 * 86_400e6,
        _ => return None,
    };
    let us = number * unit_us;
    (us.is_finite() && us.abs() < 9e18).then_some(us.round() as i64)
}
