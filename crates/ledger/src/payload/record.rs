//! The bytes of a payload's record: length, checksum, index, salt, sealed bytes.

/// Length of a record before its sealed bytes.
pub(super) const HEAD_BYTES: usize = 48;

/// Appends a record: length of the sealed bytes, CRC-32 of length, index and sealed bytes, index, salt, sealed bytes. The
/// checksum leaves out the salt, which an erasure overwrites.
pub(super) fn push(out: &mut Vec<u8>, index: u64, salt: &[u8; 32], sealed: &[u8]) {
    let length = u32::try_from(sealed.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&checksum(length, index, sealed).to_be_bytes());
    out.extend_from_slice(&index.to_be_bytes());
    out.extend_from_slice(salt);
    out.extend_from_slice(sealed);
}

/// CRC-32 (ISO 3309) of length, index and sealed bytes.
pub(super) fn checksum(length: u32, index: u64, sealed: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length.to_be_bytes());
    hasher.update(&index.to_be_bytes());
    hasher.update(sealed);
    hasher.finalize()
}

/// Length, checksum and index at the beginning of a record.
pub(super) fn head(bytes: &[u8]) -> Option<(u32, u32, u64)> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (crc, rest) = rest.split_first_chunk::<4>()?;
    let index = rest.first_chunk::<8>()?;
    Some((u32::from_be_bytes(*length), u32::from_be_bytes(*crc), u64::from_be_bytes(*index)))
}
