//! Content codings undone while bytes pass: gzip, deflate, br and zstd. A copy is decoded for reading; what goes to the
//! client stays as it is.

use brotli_decompressor::DecompressorWriter;
use flate2::write::{MultiGzDecoder, ZlibDecoder};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use std::io::{self, Write};

/// Beyond this a body is not read: nothing that a model says is so long.
pub const MOST: usize = 64 << 20;

/// Undoes a coding.
pub enum Decoder {
    /// There is none.
    Plain,
    /// gzip, one member or several.
    Gzip(Box<MultiGzDecoder<Buffer>>),
    /// deflate, in its zlib wrapping.
    Deflate(Box<ZlibDecoder<Buffer>>),
    /// Brotli.
    Brotli(Box<DecompressorWriter<Buffer>>),
    /// Zstandard.
    Zstd(Box<zstd::stream::write::Decoder<'static, Buffer>>),
    /// A coding that is not known, or a body that is broken: nothing is read of it.
    Unreadable,
}

/// What came out and was not taken yet.
#[derive(Default)]
pub struct Buffer {
    bytes: Vec<u8>,
    total: usize,
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.total = self.total.saturating_add(bytes.len());
        if self.total > MOST {
            return Err(io::Error::other("longer than any answer"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Decoder {
    /// The decoder of an answer with these headers.
    pub fn of(headers: &HeaderMap) -> Decoder {
        let coding = headers.get(CONTENT_ENCODING).map_or("", |value| value.to_str().unwrap_or("?"));
        match coding.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Decoder::Plain,
            "gzip" | "x-gzip" => Decoder::Gzip(Box::new(MultiGzDecoder::new(Buffer::default()))),
            "deflate" => Decoder::Deflate(Box::new(ZlibDecoder::new(Buffer::default()))),
            "br" => Decoder::Brotli(Box::new(DecompressorWriter::new(Buffer::default(), 4096))),
            "zstd" => zstd::stream::write::Decoder::new(Buffer::default())
                .map_or(Decoder::Unreadable, |decoder| Decoder::Zstd(Box::new(decoder))),
            _ => Decoder::Unreadable,
        }
    }

    /// Whether bytes are what they mean.
    pub fn is_plain(&self) -> bool {
        matches!(self, Decoder::Plain)
    }

    /// Undoes the coding of what came: what that gives goes to `on`.
    pub fn push(&mut self, bytes: &[u8], on: &mut dyn FnMut(&[u8])) {
        let result = match self {
            Decoder::Plain => return on(bytes),
            Decoder::Unreadable => return,
            Decoder::Gzip(decoder) => pass(&mut **decoder, bytes),
            Decoder::Deflate(decoder) => pass(&mut **decoder, bytes),
            Decoder::Brotli(decoder) => pass(&mut **decoder, bytes),
            Decoder::Zstd(decoder) => pass(&mut **decoder, bytes),
        };
        let out = self.buffer().map(|buffer| std::mem::take(&mut buffer.bytes)).unwrap_or_default();
        if result.is_err() {
            *self = Decoder::Unreadable;
        }
        if !out.is_empty() {
            on(&out);
        }
    }

    fn buffer(&mut self) -> Option<&mut Buffer> {
        match self {
            Decoder::Plain | Decoder::Unreadable => None,
            Decoder::Gzip(decoder) => Some(decoder.get_mut()),
            Decoder::Deflate(decoder) => Some(decoder.get_mut()),
            Decoder::Brotli(decoder) => Some(decoder.get_mut()),
            Decoder::Zstd(decoder) => Some(decoder.get_mut()),
        }
    }
}

/// Everything that can come out does, so that a stream is read as it goes.
fn pass(decoder: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    decoder.write_all(bytes)?;
    decoder.flush()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use http::HeaderValue;

    const TEXT: &[u8] = b"data: {\"a\":1}\n\ndata: [DONE]\n\n";

    fn coded(coding: &str) -> Vec<u8> {
        match coding {
            "gzip" => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
                encoder.write_all(TEXT).unwrap();
                encoder.finish().unwrap()
            }
            "deflate" => {
                let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
                encoder.write_all(TEXT).unwrap();
                encoder.finish().unwrap()
            }
            "zstd" => zstd::encode_all(TEXT, 3).unwrap(),
            _ => TEXT.to_vec(),
        }
    }

    #[test]
    fn every_coding_reads_the_same_in_any_pieces() {
        for coding in ["", "identity", "gzip", "deflate", "zstd"] {
            for size in [1, 7, 1000] {
                let mut headers = HeaderMap::new();
                headers.insert(CONTENT_ENCODING, HeaderValue::from_str(coding).unwrap());
                let mut decoder = Decoder::of(&headers);
                let mut read = Vec::new();
                for piece in coded(coding).chunks(size) {
                    decoder.push(piece, &mut |bytes| read.extend_from_slice(bytes));
                }
                assert_eq!(read, TEXT, "{coding} in pieces of {size}");
            }
        }
    }

    #[test]
    fn rubbish_ends_the_reading_and_nothing_else() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        let mut decoder = Decoder::of(&headers);
        for _ in 0..3 {
            decoder.push(b"this is no gzip at all, whatever they say", &mut |_| ());
        }
        assert!(matches!(decoder, Decoder::Unreadable));
    }
}
