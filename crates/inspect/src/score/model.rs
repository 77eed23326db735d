//! The weights, as `cargo xtask train injection` writes them: scale and bias as little-endian `f32`, then one signed
//! byte for each feature.

/// How many weights there are.
pub(crate) const WEIGHTS: usize = 1 << 17;

/// The model that is built in.
pub(crate) static MODEL: Model = Model::new(include_bytes!("injection.bin"));

/// A linear model over hashed features.
pub(crate) struct Model {
    weights: &'static [u8; WEIGHTS],
    scale: f32,
    bias: f32,
}

impl Model {
    const fn new(file: &'static [u8; WEIGHTS + 8]) -> Self {
        let Some((scale, rest)) = file.split_first_chunk() else { return Self::EMPTY };
        let Some((bias, weights)) = rest.split_first_chunk() else { return Self::EMPTY };
        let Some(weights) = weights.first_chunk() else { return Self::EMPTY };
        Self { weights, scale: f32::from_le_bytes(*scale), bias: f32::from_le_bytes(*bias) }
    }

    /// What no file of the right length comes to.
    const EMPTY: Self = Self { weights: &[0; WEIGHTS], scale: 0.0, bias: 0.0 };

    #[inline]
    pub(crate) fn weight(&self, at: usize) -> i8 {
        self.weights.get(at).map_or(0, |byte| i8::from_le_bytes([*byte]))
    }

    /// The logarithm of the odds that a stretch is of an attack, from the sum of the weights of its features.
    #[expect(clippy::cast_precision_loss, reason = "a stretch has a few hundred features")]
    pub(crate) fn logit(&self, sum: i32, features: u32) -> f32 {
        sum as f32 * self.scale / (features.max(1) as f32).sqrt() + self.bias
    }

    /// The same as a probability, in thousandths.
    pub(crate) fn probability(&self, logit: f32) -> u16 {
        let thousandths = 1_000.0 / (1.0 + (-logit.clamp(-20.0, 20.0)).exp());
        (0..=1_000).rev().find(|n| f32::from(*n) <= thousandths).unwrap_or(0)
    }
}
