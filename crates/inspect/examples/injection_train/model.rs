//! Logistic regression over hashed features.

use crate::random::Random;

/// What is to be learned, and for how long.
pub(crate) struct Shape {
    pub(crate) weights: usize,
    pub(crate) epochs: usize,
    /// The weight of an honest text.
    pub(crate) honest: f32,
}

/// A text as the model sees it.
pub(crate) struct Sample {
    pub(crate) features: Vec<u32>,
    pub(crate) attack: bool,
    /// Its family, genre or language.
    pub(crate) group: String,
}

/// A linear model with weights of one byte.
pub(crate) struct Model {
    weights: Vec<i8>,
    scale: f32,
    bias: f32,
}

/// Logistic regression by AdaGrad with decay; features are divided by the root of their number.
pub(crate) fn fit(train: &[Sample], shape: &Shape, random: &mut Random) -> Model {
    let mut weights = vec![0.0_f32; shape.weights];
    let mut squares = vec![1e-4_f32; shape.weights];
    let mut bias = 0.0_f32;
    let mut order: Vec<usize> = (0..train.len()).collect();
    for epoch in 0..shape.epochs {
        random.shuffle(&mut order);
        let rate = 0.25 / (1.0 + epoch as f32 * 0.3);
        for sample in order.iter().filter_map(|at| train.get(*at)) {
            let norm = 1.0 / (sample.features.len().max(1) as f32).sqrt();
            let of = |at: &u32| weights.get(*at as usize).copied().unwrap_or(0.0);
            let logit = sample.features.iter().map(of).sum::<f32>() * norm + bias;
            let probability = 1.0 / (1.0 + (-logit).exp());
            let (wanted, importance) = if sample.attack { (1.0, 1.0) } else { (0.0, shape.honest) };
            let error = (probability - wanted) * importance;
            bias -= rate * 0.02 * error;
            for at in &sample.features {
                let at = *at as usize;
                if let (Some(weight), Some(square)) = (weights.get_mut(at), squares.get_mut(at)) {
                    let gradient = error * norm + 2e-5 * *weight;
                    *square += gradient * gradient;
                    *weight -= rate * gradient / square.sqrt();
                }
            }
        }
    }
    let most = weights.iter().fold(0.0_f32, |most, w| most.max(w.abs())).max(1e-6);
    let scale = most / 127.0;
    let weights = weights.iter().map(|w| (w / scale).round() as i8).collect();
    Model { weights, scale, bias }
}

impl Model {
    pub(crate) fn logit(&self, features: &[u32]) -> f32 {
        let sum: i32 =
            features.iter().map(|at| i32::from(self.weights.get(*at as usize).copied().unwrap_or(0))).sum();
        sum as f32 * self.scale / (features.len().max(1) as f32).sqrt() + self.bias
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.weights.len() + 8);
        out.extend(self.scale.to_le_bytes());
        out.extend(self.bias.to_le_bytes());
        out.extend(self.weights.iter().flat_map(|w| w.to_le_bytes()));
        out
    }
}
