//! Times as text without a calendar's machinery: what every line of a log begins with.

/// RFC 3339 from 1970 to 9999, by integers alone: every line of the journal has one. The date is found as in H. Hinnant,
/// chrono-compatible low-level date algorithms, `civil_from_days`.
pub(super) fn rfc3339(us: u64) -> String {
    let (days, second) = (us / 86_400_000_000, us / 1_000_000 % 86_400);
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Months from March on.
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let mut text = *b"0000-00-00T00:00:00.000000Z";
    let parts = [
        (0, 4, year),
        (5, 2, month),
        (8, 2, day),
        (11, 2, second / 3_600),
        (14, 2, second / 60 % 60),
        (17, 2, second % 60),
        (20, 6, us % 1_000_000),
    ];
    for (at, digits, mut value) in parts {
        for place in text[at..at + digits].iter_mut().rev() {
            *place = b'0' + (value % 10) as u8;
            value /= 10;
        }
    }
    let length = if us.is_multiple_of(1_000) { 24 } else { 27 };
    text[length - 1] = b'Z';
    text[..length].iter().map(|byte| char::from(*byte)).collect()
}
