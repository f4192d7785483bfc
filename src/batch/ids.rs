//! Ids packed: 32 lower-case hex digits take 16 bytes, a lower-case UUID 17; anything else stays text.

const UUID: u8 = 1;

/// Packs an id into `out`; `None` where it has to stay text. The packed form is 16 bytes for plain hex, 17 for a UUID.
pub fn pack_id(id: &str, out: &mut [u8; 17]) -> Option<usize> {
    if let Ok(digits) = <&[u8; 32]>::try_from(id.as_bytes()) {
        return pack_hex(digits, &mut out[..16]).then_some(16);
    }
    let uuid = <&[u8; 36]>::try_from(id.as_bytes()).ok()?;
    let mut digits = [0; 32];
    let mut at = 0;
    for (i, part) in uuid.split(|c| *c == b'-').enumerate() {
        if part.len() != *[8, 4, 4, 4, 12].get(i)? {
            return None;
        }
        digits[at..at + part.len()].copy_from_slice(part);
        at += part.len();
    }
    out[0] = UUID;
    (at == 32 && pack_hex(&digits, &mut out[1..])).then_some(17)
}

/// Whether all were lower-case hex digits. Looked up without a branch: ids are packed for every line.
fn pack_hex(digits: &[u8; 32], out: &mut [u8]) -> bool {
    let mut seen = 0;
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        let (high, low) = (VALUES[usize::from(pair[0])], VALUES[usize::from(pair[1])]);
        seen |= high | low;
        *byte = high << 4 | (low & 15);
    }
    seen < 16
}

/// The value of each lower-case hex digit; 255 for anything else.
const VALUES: [u8; 256] = {
    let mut values = [255; 256];
    let mut i = 0;
    while i < 16 {
        values[b"0123456789abcdef"[i] as usize] = i as u8;
        i += 1;
    }
    values
};

/// The id behind packed bytes; `None` for what [`pack_id`] never makes.
pub fn unpack_id(packed: &[u8]) -> Option<String> {
    let digits = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    match packed {
        [UUID, rest @ ..] if rest.len() == 16 => {
            let parts = [&rest[..4], &rest[4..6], &rest[6..8], &rest[8..10], &rest[10..]];
            Some(parts.map(digits).join("-"))
        }
        plain if plain.len() == 16 => Some(digits(plain)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_back_as_they_were() {
        let mut out = [0; 17];
        for id in ["9f3c0000aa00bb11cc22dd33ee44ff55", "123e4567-e89b-12d3-a456-426614174000"] {
            let len = pack_id(id, &mut out).expect("packs");
            assert_eq!(unpack_id(&out[..len]).as_deref(), Some(id));
        }
        for id in ["9F3C0000AA00BB11CC22DD33EE44FF55", "req_1", "123e4567-e89b-12d3-a456_426614174000", ""] {
            assert_eq!(pack_id(id, &mut out), None);
        }
    }
}
