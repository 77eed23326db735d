//! The bytes of payload segments: records in one file, their salts in fixed slots of another.

/// Length of a slot in bytes: index, offset of the record, salt.
pub(crate) const SLOT_BYTES: u64 = 48;
/// Length of a record before its sealed bytes: length, checksum, index.
const RECORD_BYTES: usize = 16;

/// A slot of the file of salts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    /// Index of the entry.
    pub(crate) index: u64,
    /// Where the record begins in the segment.
    pub(crate) offset: u64,
    /// The salt; zeros once erased.
    pub(crate) salt: [u8; 32],
}

/// Why there is no record at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RecordError {
    #[error("a payload record is cut short")]
    Short,
    #[error("a payload record's checksum does not fit")]
    Checksum,
}

impl Slot {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(48);
        out.extend_from_slice(&self.index.to_be_bytes());
        out.extend_from_slice(&self.offset.to_be_bytes());
        out.extend_from_slice(&self.salt);
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (index, rest) = bytes.split_first_chunk::<8>()?;
        let (offset, rest) = rest.split_first_chunk::<8>()?;
        let salt = <[u8; 32]>::try_from(rest).ok()?;
        Some(Self { index: u64::from_be_bytes(*index), offset: u64::from_be_bytes(*offset), salt })
    }

    pub(crate) fn is_erased(&self) -> bool {
        self.salt == [0; 32]
    }
}

/// Appends a record: length of the sealed bytes, CRC-32 over the rest of the record with that length, index, sealed bytes.
pub(crate) fn push_record(out: &mut Vec<u8>, index: u64, sealed: &[u8]) {
    let length = u32::try_from(sealed.len()).unwrap_or(u32::MAX).to_be_bytes();
    out.extend_from_slice(&length);
    out.extend_from_slice(&checksum(&length, &index.to_be_bytes(), sealed).to_be_bytes());
    out.extend_from_slice(&index.to_be_bytes());
    out.extend_from_slice(sealed);
}

fn checksum(length: &[u8; 4], index: &[u8; 8], sealed: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(length);
    hasher.update(index);
    hasher.update(sealed);
    hasher.finalize()
}

/// The length in bytes of the whole record that begins here.
pub(crate) fn record_length(bytes: &[u8]) -> Result<u64, RecordError> {
    let length = bytes.first_chunk::<4>().ok_or(RecordError::Short)?;
    Ok(u64::from(u32::from_be_bytes(*length)).saturating_add(16))
}

/// Reads the one record that the bytes are: its index and its sealed bytes.
pub(crate) fn read_record(bytes: &[u8]) -> Result<(u64, &[u8]), RecordError> {
    let (head, sealed) = bytes.split_first_chunk::<RECORD_BYTES>().ok_or(RecordError::Short)?;
    let [l0, l1, l2, l3, c0, c1, c2, c3, index @ ..] = head;
    let length = [*l0, *l1, *l2, *l3];
    if usize::try_from(u32::from_be_bytes(length)) != Ok(sealed.len()) {
        return Err(RecordError::Short);
    }
    if checksum(&length, index, sealed) != u32::from_be_bytes([*c0, *c1, *c2, *c3]) {
        return Err(RecordError::Checksum);
    }
    Ok((u64::from_be_bytes(*index), sealed))
}
