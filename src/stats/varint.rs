//! LEB128 varints, the building block of everything the store packs into blobs.

/// Appends an unsigned number, seven bits a byte, lowest first.
#[inline]
pub fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value as u8) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a signed number, zigzag.
#[inline]
pub fn put_signed(out: &mut Vec<u8>, value: i64) {
    put(out, ((value << 1) ^ (value >> 63)) as u64);
}

/// Appends bytes with their length before them.
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Takes an unsigned number off the front; `None` where the bytes end or the number is longer than 64 bits.
#[inline]
pub fn take(bytes: &mut &[u8]) -> Option<u64> {
    let (&first, rest) = bytes.split_first()?;
    if first < 0x80 {
        *bytes = rest;
        return Some(u64::from(first));
    }
    let mut value = u64::from(first & 0x7f);
    for (i, &byte) in rest.iter().enumerate().take(9) {
        value |= u64::from(byte & 0x7f) << (7 * (i + 1));
        if byte < 0x80 {
            *bytes = &rest[i + 1..];
            return Some(value);
        }
    }
    None
}

/// Takes a signed number off the front.
#[inline]
pub fn take_signed(bytes: &mut &[u8]) -> Option<i64> {
    let raw = take(bytes)?;
    Some(((raw >> 1) as i64) ^ -((raw & 1) as i64))
}

/// Takes bytes with their length before them off the front.
#[inline]
pub fn take_bytes<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = usize::try_from(take(bytes)?).ok()?;
    let (head, tail) = bytes.split_at_checked(len)?;
    *bytes = tail;
    Some(head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_and_bytes_come_back(a: u64, b: i64, c: Vec<u8>) {
            let mut out = Vec::new();
            put(&mut out, a);
            put_signed(&mut out, b);
            put_bytes(&mut out, &c);
            let mut rest = out.as_slice();
            prop_assert_eq!(take(&mut rest), Some(a));
            prop_assert_eq!(take_signed(&mut rest), Some(b));
            prop_assert_eq!(take_bytes(&mut rest), Some(c.as_slice()));
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn cut_bytes_are_none_and_never_panic(bytes: Vec<u8>) {
            let mut rest = bytes.as_slice();
            while take_bytes(&mut rest).is_some() {}
            let mut rest = bytes.as_slice();
            while take_signed(&mut rest).is_some() {}
        }
    }
}
