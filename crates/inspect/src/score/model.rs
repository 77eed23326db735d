//! Weights, as `cargo xtask train injection` writes them: scale and bias as little-endian `f32`, then one signed byte for
//! each feature.

/// How many weights the model of attacks has.
pub(crate) const WEIGHTS: usize = 1 << 17;

/// How many the model of orders has.
pub(crate) const ORDER_WEIGHTS: usize = 1 << 16;

/// The model of attacks that is built in.
pub(crate) static MODEL: Model = Model::new(include_bytes!("injection.bin"));

/// The model of orders that is built in.
pub(crate) static ORDERS: Model = Model::new(include_bytes!("orders.bin"));

/// A linear model over hashed features.
pub(crate) struct Model {
    weights: &'static [u8],
    scale: f32,
    bias: f32,
}

impl Model {
    const fn new(file: &'static [u8]) -> Self {
        let Some((scale, rest)) = file.split_first_chunk() else { return Self::EMPTY };
        let Some((bias, weights)) = rest.split_first_chunk() else { return Self::EMPTY };
        Self { weights, scale: f32::from_le_bytes(*scale), bias: f32::from_le_bytes(*bias) }
    }

    /// What a file that is too short comes to: it knows nothing.
    const EMPTY: Self = Self { weights: &[], scale: 0.0, bias: 0.0 };

    #[inline]
    pub(crate) fn weight(&self, at: usize) -> i8 {
        self.weights.get(at).map_or(0, |byte| i8::from_le_bytes([*byte]))
    }

    /// The logarithm of the odds that a stretch is what the model looks for, from the sum of the weights of its features.
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

#[cfg(test)]
mod tests {
    use super::{MODEL, ORDER_WEIGHTS, ORDERS, WEIGHTS};

    #[test]
    fn the_built_in_files_are_whole() {
        assert_eq!(MODEL.weights.len(), WEIGHTS);
        assert_eq!(ORDERS.weights.len(), ORDER_WEIGHTS);
    }
}
