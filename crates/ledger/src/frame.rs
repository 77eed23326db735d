//! The bytes of append segments: a header, then one frame after the other.
//!
//! A frame names its round (the first entry that was written with the same sync). A sync separates rounds, so a
//! crash can tear the last round only: a bad frame that is followed by a good frame of a later round was once durable
//! and has been damaged since.

use crate::MAX_ENTRY_BYTES;

/// Length of a segment header in bytes.
pub(crate) const HEADER_BYTES: usize = 32;
/// Length of a frame before its entry, in bytes.
pub(crate) const FRAME_BYTES: usize = 24;

/// What a segment holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SegmentKind {
    /// Entries.
    Frames,
    /// Sealed payloads with their salts.
    Records,
    /// Sealed payloads, in the first version.
    Payloads,
    /// Salts of sealed payloads, in the first version.
    Salts,
}

/// The first 32 bytes of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) kind: SegmentKind,
    /// Index of the first entry that the segment can hold something of.
    pub(crate) first: u64,
    /// When it was made, in microseconds since 1970.
    pub(crate) created: i64,
}

/// A frame as it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub(crate) seq: u64,
    pub(crate) round: u64,
    pub(crate) entry: &'a [u8],
}

/// Why there is no frame at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FrameError {
    /// The bytes end inside the frame.
    #[error("a frame is cut short")]
    Short,
    /// The length is zero or above the limit.
    #[error("a frame has an impossible length")]
    Length,
    /// The checksum does not fit.
    #[error("a frame's checksum does not fit")]
    Checksum,
}

impl SegmentKind {
    const fn magic(self) -> &'static [u8; 8] {
        match self {
            Self::Frames => b"STKFRM1\n",
            Self::Records => b"STKREC1\n",
            Self::Payloads => b"STKPAY1\n",
            Self::Salts => b"STKSLT1\n",
        }
    }
}

impl SegmentHeader {
    /// The header's bytes: magic, first index, creation time, four zero bytes, CRC-32 of the 28 bytes before it. All
    /// integers are big-endian.
    pub(crate) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut text = Vec::with_capacity(HEADER_BYTES);
        text.extend_from_slice(self.kind.magic());
        text.extend_from_slice(&self.first.to_be_bytes());
        text.extend_from_slice(&self.created.to_be_bytes());
        text.extend_from_slice(&[0; 4]);
        text.extend_from_slice(&crc32fast::hash(&text).to_be_bytes());
        text.try_into().unwrap_or([0; HEADER_BYTES])
    }

    /// Reads a header of the kind; `None` for anything else.
    pub(crate) fn decode(kind: SegmentKind, bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.first_chunk::<HEADER_BYTES>()?;
        let header = Self {
            kind,
            first: u64::from_be_bytes(*bytes.get(8..16)?.first_chunk()?),
            created: i64::from_be_bytes(*bytes.get(16..24)?.first_chunk()?),
        };
        (header.encode() == *bytes).then_some(header)
    }
}

/// Appends a frame whose round and checksum are filled in later by [`seal`].
pub(crate) fn push(out: &mut Vec<u8>, seq: u64, entry: &[u8]) {
    out.extend_from_slice(&u32::try_from(entry.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&seq.to_be_bytes());
    out.extend_from_slice(&[0; 8]);
    out.extend_from_slice(entry);
}

/// Fills in the round and the checksum of the one frame that the bytes are.
pub(crate) fn seal(frame: &mut [u8], round: u64) {
    if let Some(place) = frame.get_mut(16..24) {
        place.copy_from_slice(&round.to_be_bytes());
    }
    let crc = checksum(frame);
    if let Some(place) = frame.get_mut(4..8) {
        place.copy_from_slice(&crc.to_be_bytes());
    }
}

/// CRC-32 (ISO 3309, as in zlib) over the frame without its checksum field.
fn checksum(frame: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(frame.get(..4).unwrap_or_default());
    hasher.update(frame.get(8..).unwrap_or_default());
    hasher.finalize()
}

/// Reads the frame at the beginning of the bytes; also its length in bytes.
pub(crate) fn read(bytes: &[u8]) -> Result<(Frame<'_>, usize), FrameError> {
    let header = bytes.first_chunk::<FRAME_BYTES>().ok_or(FrameError::Short)?;
    let [l0, l1, l2, l3, c0, c1, c2, c3, seq @ .., _, _, _, _, _, _, _, _] = header;
    let round = header.last_chunk::<8>().ok_or(FrameError::Short)?;
    let length = usize::try_from(u32::from_be_bytes([*l0, *l1, *l2, *l3])).unwrap_or(usize::MAX);
    if length == 0 || length > MAX_ENTRY_BYTES {
        return Err(FrameError::Length);
    }
    let whole = FRAME_BYTES.saturating_add(length);
    let frame = bytes.get(..whole).ok_or(FrameError::Short)?;
    if checksum(frame) != u32::from_be_bytes([*c0, *c1, *c2, *c3]) {
        return Err(FrameError::Checksum);
    }
    let entry = frame.get(FRAME_BYTES..).ok_or(FrameError::Short)?;
    let seq = u64::from_be_bytes(*seq);
    Ok((Frame { seq, round: u64::from_be_bytes(*round), entry }, whole))
}

/// Whether a good frame of a round after `seq` begins anywhere in the bytes: proof that what stood at `seq` was synced.
pub(crate) fn later_round_follows(bytes: &[u8], seq: u64) -> bool {
    (0..bytes.len()).any(|at| {
        let Some(rest) = bytes.get(at..) else { return false };
        // A length above 16 KiB cannot be one; this spares the checksum nearly everywhere.
        rest.first_chunk::<3>().is_some_and(|[a, b, c]| *a == 0 && *b == 0 && *c <= 0x40)
            && read(rest).is_ok_and(|(frame, _)| frame.round > seq)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(seq: u64, round: u64, entry: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        push(&mut out, seq, entry);
        seal(&mut out, round);
        out
    }

    #[test]
    fn every_bit_counts() {
        let good = frame(7, 5, b"{\"v\":1}");
        assert_eq!(read(&good), Ok((Frame { seq: 7, round: 5, entry: b"{\"v\":1}" }, good.len())));
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&bad).is_err(), "bit {bit}");
        }
        for kind in [SegmentKind::Frames, SegmentKind::Records, SegmentKind::Payloads, SegmentKind::Salts] {
            let header = SegmentHeader { kind, first: 512, created: -1 };
            let bytes = header.encode();
            assert_eq!(SegmentHeader::decode(kind, &bytes), Some(header));
            for bit in 0..bytes.len() * 8 {
                let mut bad = bytes;
                bad[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(SegmentHeader::decode(kind, &bad), None, "bit {bit}");
            }
        }
    }

    #[test]
    fn a_later_round_is_told_from_the_same_one() {
        let mut bytes = vec![0xaa; 33];
        bytes.extend(frame(8, 5, b"same round"));
        assert!(!later_round_follows(&bytes, 7));
        bytes.extend(frame(9, 9, b"later round"));
        assert!(later_round_follows(&bytes, 7));
    }
}
