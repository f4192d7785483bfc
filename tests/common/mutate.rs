//! Breaking things: bytes changed the way crashes, bad disks, other programs and bad will change them.

use super::Rng;

/// Bytes and runs of bytes that mean something to some parser.
const ODD: [&[u8]; 40] = [
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b"\0",
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xef\xbb\xbf",
    b"\r",
    b"\t",
    b"\x1b[2J",
    b"'",
    b"None",
    b"True",
    b"null",
    b"NaN",
    b"-",
    b"-0",
    b"1e999",
    b"1e-999",
    b"18446744073709551616",
    b"-9223372036854775809",
    b"0.1e",
    b"\\u0000",
    b"\\ud800",
    b"\\ud83d\\ude00",
    b"\\x",
    b"llm_call",
    b"llm_span",
    b"llm_score",
    b"*",
    b"(",
    b"\xe2\x80\xae",
    b"<",
];

/// Numbers that few expect.
const NUMBERS: [&[u8]; 16] = [
    b"0",
    b"-1",
    b"1e308",
    b"1e309",
    b"-1e309",
    b"9007199254740993",
    b"9223372036854775807",
    b"9223372036854775808",
    b"340282366920938463463374607431768211456",
    b"1e-400",
    b"0.000000000000000000000001",
    b"00",
    b"1.",
    b".5",
    b"+1",
    b"0x10",
];

/// Changes one of a set of inputs in a few places; `others` lend their parts.
pub fn mutated(rng: &mut Rng, input: &[u8], others: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..1 + rng.below(4) {
        mutate(rng, &mut bytes, others);
    }
    bytes
}

fn mutate(rng: &mut Rng, bytes: &mut Vec<u8>, others: &[Vec<u8>]) {
    match rng.below(12) {
        0 => flip(rng, bytes),
        1 => insert(rng, bytes, &[rng.clone().next() as u8]),
        2 | 3 => {
            let odd = *rng.pick(&ODD);
            insert(rng, bytes, odd);
        }
        4 => drop(bytes.drain(range(rng, bytes.len()))),
        5 => bytes.truncate(rng.below(bytes.len() as u64 + 1) as usize),
        6 => {
            let part = bytes[range(rng, bytes.len())].to_vec();
            insert(rng, bytes, &part);
        }
        7 if !others.is_empty() => splice(rng, bytes, others),
        8 => member_again(rng, bytes),
        9 | 10 => number(rng, bytes),
        _ => nest(rng, bytes),
    }
}

fn at(rng: &mut Rng, bytes: &[u8]) -> usize {
    rng.below(bytes.len() as u64 + 1) as usize
}

/// A part of so many bytes, mostly a short one.
fn range(rng: &mut Rng, len: usize) -> std::ops::Range<usize> {
    let start = rng.below(len as u64 + 1) as usize;
    let most = if rng.chance(80) { 16 } else { len as u64 };
    start..(start + rng.below(most + 1) as usize).min(len)
}

fn flip(rng: &mut Rng, bytes: &mut [u8]) {
    if !bytes.is_empty() {
        let at = rng.below(bytes.len() as u64) as usize;
        bytes[at] ^= 1 << rng.below(8);
    }
}

fn insert(rng: &mut Rng, bytes: &mut Vec<u8>, part: &[u8]) {
    let at = at(rng, bytes);
    bytes.splice(at..at, part.iter().copied());
}

/// The beginning of this, the end of another.
fn splice(rng: &mut Rng, bytes: &mut Vec<u8>, others: &[Vec<u8>]) {
    let other = rng.pick(others);
    let from = at(rng, other);
    let to = at(rng, bytes);
    bytes.truncate(to);
    bytes.extend_from_slice(&other[from..]);
}

/// What stands between two commas comes twice, perhaps somewhere else.
fn member_again(rng: &mut Rng, bytes: &mut Vec<u8>) {
    let commas: Vec<usize> = bytes.iter().enumerate().filter(|(_, b)| **b == b',').map(|(i, _)| i).collect();
    if commas.len() >= 2 {
        let first = rng.below(commas.len() as u64 - 1) as usize;
        let part = bytes[commas[first]..commas[first + 1]].to_vec();
        let to = *rng.pick(&commas);
        bytes.splice(to..to, part);
    }
}

/// A number becomes another one.
fn number(rng: &mut Rng, bytes: &mut Vec<u8>) {
    let from = at(rng, bytes);
    let Some(start) = bytes[from..].iter().position(u8::is_ascii_digit).map(|i| from + i) else { return };
    let end = bytes[start..].iter().position(|b| !b.is_ascii_digit() && *b != b'.').map_or(bytes.len(), |i| start + i);
    let number = *rng.pick(&NUMBERS);
    bytes.splice(start..end, number.iter().copied());
}

/// A value far within others, closed or not.
fn nest(rng: &mut Rng, bytes: &mut Vec<u8>) {
    let depth = *rng.pick(&[2usize, 7, 9, 126, 129, 3_000]);
    let (open, close): (&[u8], &[u8]) = *rng.pick(&[(&b"["[..], &b"]"[..]), (b"{\"a\":", b"}"), (b"(", b")")]);
    let mut deep = open.repeat(depth);
    deep.push(b'1');
    if rng.chance(70) {
        deep.extend(close.repeat(depth));
    }
    let colons: Vec<usize> = bytes.iter().enumerate().filter(|(_, b)| **b == b':').map(|(i, _)| i + 1).collect();
    let to = if colons.is_empty() { at(rng, bytes) } else { *rng.pick(&colons) };
    bytes.splice(to..to, deep);
}
