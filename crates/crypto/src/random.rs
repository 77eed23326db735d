//! Randomness, as a trait where a test must bend it.

use aws_lc_rs::rand;

use crate::CryptoError;

/// A source of random bytes.
pub trait Random: Send + Sync {
    /// Fills the buffer.
    ///
    /// # Errors
    /// [`CryptoError`] when the source has none to give.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), CryptoError>;
}

/// The operating system's generator, by way of the library's DRBG.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), CryptoError> {
        rand::fill(buffer).map_err(|_| CryptoError)
    }
}
