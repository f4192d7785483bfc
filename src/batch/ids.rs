//! Ids packed: 32 lower-case hex digits take 16 bytes, a lower-case UUID 17; anything else stays text.

const UUID: u8 = 1;

/// Packs an id into `out`; `None` where it has to stay text. The packed form is 16 bytes for plain hex, 17 for a UUID.
pub fn pack_id(id: &str, out: &mut [u8; 17]) -> Option<usize> {
    let bytes = id.as_bytes();
    match bytes.len() {
        32 => {
            for (byte, pair) in out.iter_mut().zip(bytes.chunks_exact(2)) {
                *byte = hex(pair[0])? << 4 | hex(pair[1])?;
            }
            Some(16)
        }
        36 => pack_uuid(bytes, out),
        _ => None,
    }
}

fn pack_uuid(bytes: &[u8], out: &mut [u8; 17]) -> Option<usize> {
    out[0] = UUID;
    let (mut at, mut to) = (0, 1);
    while at < 36 {
        if matches!(at, 8 | 13 | 18 | 23) {
            if bytes[at] != b'-' {
                return None;
            }
            at += 1;
            continue;
        }
        out[to] = hex(bytes[at])? << 4 | hex(bytes[at + 1])?;
        (at, to) = (at + 2, to + 1);
    }
    Some(17)
}

#[inline]
fn hex(c: u8) -> Option<u8> {
    match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    }
}

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
