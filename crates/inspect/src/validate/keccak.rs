//! Keccak-256 as Ethereum uses it: the submission to the SHA-3 competition, before FIPS 202 changed its padding.

/// Bytes that one block takes in: 1600 bits less twice 256.
const RATE: usize = 136;

/// What the rounds add to the first lane (Keccak reference, version 3.0, section 1.2).
const ROUNDS: [u64; 24] = [
    0x0000_0000_0000_0001,
    0x0000_0000_0000_8082,
    0x8000_0000_0000_808a,
    0x8000_0000_8000_8000,
    0x0000_0000_0000_808b,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8009,
    0x0000_0000_0000_008a,
    0x0000_0000_0000_0088,
    0x0000_0000_8000_8009,
    0x0000_0000_8000_000a,
    0x0000_0000_8000_808b,
    0x8000_0000_0000_008b,
    0x8000_0000_0000_8089,
    0x8000_0000_0000_8003,
    0x8000_0000_0000_8002,
    0x8000_0000_0000_0080,
    0x0000_0000_0000_800a,
    0x8000_0000_8000_000a,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8080,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8008,
];

/// Where each lane goes on the way of the second, and by how many bits each is turned.
const PATH: [(usize, u32); 24] = [
    (10, 1),
    (7, 3),
    (11, 6),
    (17, 10),
    (18, 15),
    (3, 21),
    (5, 28),
    (16, 36),
    (8, 45),
    (21, 55),
    (24, 2),
    (4, 14),
    (15, 27),
    (23, 41),
    (19, 56),
    (13, 8),
    (12, 25),
    (2, 43),
    (20, 62),
    (14, 18),
    (22, 39),
    (9, 61),
    (6, 20),
    (1, 44),
];

/// The digest of a text of one block: 135 bytes at most, none for a longer one.
pub(super) fn keccak_256(text: &[u8]) -> Option<[u8; 32]> {
    let mut block = [0_u8; RATE];
    block.get_mut(..text.len()).filter(|room| room.len() < RATE)?.copy_from_slice(text);
    *block.get_mut(text.len())? |= 0x01;
    *block.last_mut()? |= 0x80;
    let mut lanes = [0_u64; 25];
    for (lane, bytes) in lanes.iter_mut().zip(block.as_chunks::<8>().0) {
        *lane = u64::from_le_bytes(*bytes);
    }
    permute(&mut lanes);
    let mut digest = [0; 32];
    for (bytes, lane) in digest.as_chunks_mut::<8>().0.iter_mut().zip(lanes) {
        *bytes = lane.to_le_bytes();
    }
    Some(digest)
}

/// Keccak-f[1600].
#[expect(clippy::indexing_slicing, reason = "every place is a remainder or a constant below 25")]
fn permute(lanes: &mut [u64; 25]) {
    for constant in ROUNDS {
        let columns: [u64; 5] =
            std::array::from_fn(|x| lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20]);
        for (at, lane) in lanes.iter_mut().enumerate() {
            *lane ^= columns[(at + 4) % 5] ^ columns[(at + 1) % 5].rotate_left(1);
        }
        let mut carried = lanes[1];
        for (to, turn) in PATH {
            carried = std::mem::replace(&mut lanes[to], carried.rotate_left(turn));
        }
        for row in lanes.as_chunks_mut::<5>().0 {
            let before = *row;
            *row = std::array::from_fn(|x| before[x] ^ (!before[(x + 1) % 5] & before[(x + 2) % 5]));
        }
        lanes[0] ^= constant;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known answers of the Keccak team (KeccakKAT, ShortMsgKAT_256) and of Ethereum.
    #[test]
    fn agrees_with_published_answers() {
        for (text, digest) in [
            (b"".as_slice(), "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
            (b"\xcc", "eead6dbfc7340a56caedc044696a168870549a6a7f6f56961e84a54bd9970b8a"),
            (b"abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
        ] {
            let computed = keccak_256(text).map(|bytes| stockade_crypto::to_hex(&bytes));
            assert_eq!(computed.as_deref(), Some(digest));
        }
        assert_eq!(keccak_256(&[0; RATE]), None);
        assert!(keccak_256(&[0; RATE - 1]).is_some());
    }
}
