//! Reads an input that may be compressed with gzip, whatever its name is.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

/// The first bytes of everything that gzip wrote (RFC 1952).
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// A reader that looks at the first bytes when it is first read, and not before: a pipe may have none yet.
pub(crate) enum MaybeGzip<R> {
    /// Nothing was read yet. `None` only while the first bytes are looked at.
    Unread(Option<BufReader<R>>),
    Plain(BufReader<R>),
    Compressed(Box<MultiGzDecoder<BufReader<R>>>),
}

impl<R: Read> MaybeGzip<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self::Unread(Some(BufReader::with_capacity(64 * 1024, reader)))
    }
}

impl<R: Read> Read for MaybeGzip<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if let Self::Unread(reader) = self {
            let is_compressed = match reader {
                Some(reader) => reader.fill_buf()?.starts_with(&MAGIC),
                None => false,
            };
            let Some(reader) = reader.take() else { return Ok(0) };
            *self = if is_compressed {
                Self::Compressed(Box::new(MultiGzDecoder::new(reader)))
            } else {
                Self::Plain(reader)
            };
        }
        match self {
            Self::Unread(_) => Ok(0),
            Self::Plain(reader) => reader.read(bytes),
            Self::Compressed(decoder) => decoder.read(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn compressed(text: &str) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn plain_and_compressed_inputs_read_alike() {
        for text in ["", "{", "{\"a\": 1}\n{\"a\": 2}\n"] {
            for bytes in [text.as_bytes().to_vec(), compressed(text)] {
                let mut read = String::new();
                MaybeGzip::new(bytes.as_slice()).read_to_string(&mut read).unwrap();
                assert_eq!(read, text);
            }
        }
        let mut cut = compressed("a text that is cut off");
        cut.truncate(cut.len() - 4);
        assert!(MaybeGzip::new(cut.as_slice()).read_to_end(&mut Vec::new()).is_err());
    }
}
