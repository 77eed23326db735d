//! Streams of Zstandard: frames one behind the other, and frames that are passed over.

use std::io::{self, BufRead, Read};

use super::Owned;

/// Zstandard frames, one behind the other.
pub(super) struct Zstd<'a> {
    decoder:
        Option<ruzstd::decoding::StreamingDecoder<io::BufReader<Owned<'a>>, ruzstd::decoding::FrameDecoder>>,
}

impl<'a> Zstd<'a> {
    pub(super) fn new(input: Owned<'a>) -> io::Result<Self> {
        let mut input = io::BufReader::new(input);
        pass_over(&mut input)?;
        let decoder = ruzstd::decoding::StreamingDecoder::new(input).map_err(io::Error::other)?;
        Ok(Self { decoder: Some(decoder) })
    }
}

/// Passes over frames that decoders skip (RFC 8878, section 3.1.2).
fn pass_over(input: &mut impl BufRead) -> io::Result<()> {
    const MOST: usize = 1024;
    for _ in 0..MOST {
        let head = input.fill_buf()?;
        let [0x50..=0x5f, 0x2a, 0x4d, 0x18, length @ ..] = head else { return Ok(()) };
        let Some(length) = length.first_chunk::<4>().map(|length| u32::from_le_bytes(*length)) else {
            return Ok(());
        };
        input.consume(8);
        io::copy(&mut input.by_ref().take(u64::from(length)), &mut io::sink())?;
    }
    Ok(())
}

impl Read for Zstd<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(decoder) = &mut self.decoder else { return Ok(0) };
            let n = decoder.read(buf)?;
            if n > 0 || buf.is_empty() {
                return Ok(n);
            }
            let Some(decoder) = self.decoder.take() else { return Ok(0) };
            let mut rest = decoder.into_inner();
            if rest.fill_buf()?.is_empty() {
                return Ok(0);
            }
            self.decoder = Some(ruzstd::decoding::StreamingDecoder::new(rest).map_err(io::Error::other)?);
        }
    }
}
