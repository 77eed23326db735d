//! The short keyed digest: SipHash-2-4 (J.-P. Aumasson, D. J. Bernstein, "SipHash: a fast short-input PRF", 2012).

/// A state that has taken in whole words of eight bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sip {
    v: [u64; 4],
}

impl Sip {
    pub(crate) fn new(key: [u64; 2]) -> Self {
        let [k0, k1] = key;
        Self {
            v: [
                k0 ^ 0x736f_6d65_7073_6575,
                k1 ^ 0x646f_7261_6e64_6f6d,
                k0 ^ 0x6c79_6765_6e65_7261,
                k1 ^ 0x7465_6462_7974_6573,
            ],
        }
    }

    /// Takes in bytes and gives the digest; the state stays as it was.
    pub(crate) fn of(self, bytes: &[u8]) -> u64 {
        let mut state = self;
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            if let Ok(word) = <[u8; 8]>::try_from(chunk) {
                state.word(u64::from_le_bytes(word));
            }
        }
        let mut last = [0_u8; 8];
        for (to, from) in last.iter_mut().zip(chunks.remainder()) {
            *to = *from;
        }
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        state.word(u64::from_le_bytes(last) | length << 56);
        let [_, _, v2, _] = &mut state.v;
        *v2 ^= 0xff;
        (0..4).for_each(|_| state.round());
        state.v.iter().fold(0, |all, v| all ^ v)
    }

    fn word(&mut self, word: u64) {
        let [_, _, _, v3] = &mut self.v;
        *v3 ^= word;
        self.round();
        self.round();
        let [v0, ..] = &mut self.v;
        *v0 ^= word;
    }

    fn round(&mut self) {
        let [v0, v1, v2, v3] = &mut self.v;
        *v0 = v0.wrapping_add(*v1);
        *v2 = v2.wrapping_add(*v3);
        *v1 = v1.rotate_left(13) ^ *v0;
        *v3 = v3.rotate_left(16) ^ *v2;
        *v0 = v0.rotate_left(32);
        *v2 = v2.wrapping_add(*v1);
        *v0 = v0.wrapping_add(*v3);
        *v1 = v1.rotate_left(17) ^ *v2;
        *v3 = v3.rotate_left(21) ^ *v0;
        *v2 = v2.rotate_left(32);
    }
}

#[cfg(test)]
mod tests {
    use super::Sip;

    #[test]
    fn the_papers_vector_comes_out() {
        // Appendix A of the paper: key 00 01 .. 0f, message 00 01 .. 0e.
        let key = [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908];
        let message: Vec<u8> = (0..15).collect();
        assert_eq!(Sip::new(key).of(&message), 0xa129_ca61_49be_45e5);
    }
}
