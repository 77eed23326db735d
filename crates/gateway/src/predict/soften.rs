//! What policy asks of a prediction: fewer digits (`round:N`), the best classes alone (`top_k:N`), or no score at all
//! (`label_only`). Exact scores are what models are copied from and training data is inferred with (ATLAS AML.T0024).

use std::cmp::Ordering;

use stockade_domain::Obligation;

use crate::translate::json::Json;

/// What is done to an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Softening {
    /// Digits behind the point.
    round: Option<u8>,
    /// So many scores of a row stay.
    top_k: Option<u16>,
    /// Of a row only which class is the best.
    label_only: bool,
}

/// Values of one answer.
const MAX_VALUES: usize = 1_000_000;

/// From here on a float has no digits behind the point (IEEE 754 binary64: 2^53).
const WHOLE: f64 = 9_007_199_254_740_992.0;

/// Names under which the score of a class stands beside its label.
const SCORES: [&str; 4] = ["score", "probability", "confidence", "logit"];

impl Softening {
    /// What the obligations of a permit come to: of several the strictest. None when they ask for nothing.
    pub(crate) fn of(obligations: &[Obligation]) -> Option<Self> {
        let mut out = Self::default();
        for obligation in obligations {
            match obligation {
                Obligation::Round(digits) => out.round = Some(out.round.map_or(*digits, |d| d.min(*digits))),
                Obligation::TopK(count) => out.top_k = Some(out.top_k.map_or(*count, |c| c.min(*count))),
                Obligation::LabelOnly => out.label_only = true,
                _ => {}
            }
        }
        (out != Self::default()).then_some(out)
    }

    /// The answer as it may leave; none when it is not JSON.
    pub(crate) fn apply(&self, body: &[u8]) -> Option<Vec<u8>> {
        let json = Json::parse_up_to(body, MAX_VALUES).ok()?;
        Some(self.answer(json).to_string().into_bytes())
    }

    fn answer(&self, json: Json) -> Json {
        match json {
            // Some servers put their JSON into a string.
            Json::Text(text) => match Json::parse_up_to(text.as_bytes(), MAX_VALUES) {
                Ok(inner @ (Json::Map(_) | Json::List(_))) => Json::Text(self.answer(inner).to_string()),
                _ => Json::Text(self.text(text)),
            },
            Json::Map(members) => {
                let soften = |(key, value): (String, Json)| {
                    let value = match (key.as_str(), value) {
                        ("outputs", Json::List(outputs))
                            if outputs.iter().all(|o| o.get("data").is_some()) =>
                        {
                            Json::List(outputs.into_iter().map(|output| self.tensor(output)).collect())
                        }
                        (_, value) => self.rows(value),
                    };
                    (key, value)
                };
                Json::Map(members.into_iter().map(soften).collect())
            }
            json => self.rows(json),
        }
    }

    /// A tensor of the Open Inference Protocol: its data may be flat, its shape says where a row ends.
    fn tensor(&self, output: Json) -> Json {
        let dimensions: Vec<usize> = output
            .get("shape")
            .and_then(Json::list)
            .unwrap_or_default()
            .iter()
            .filter_map(|size| usize::try_from(size.count()?).ok())
            .collect();
        let width = match dimensions.as_slice() {
            [_, .., last] => *last,
            _ => 1,
        };
        let Json::Map(members) = output else { return output };
        let soften = |(key, value): (String, Json)| match (key.as_str(), value) {
            ("data", Json::List(data)) if data.iter().all(is_number) => {
                let mut out = Vec::with_capacity(data.len());
                // Numbers without any fraction are labels, unless something beside them says otherwise.
                let is_scores = data.iter().any(is_float);
                for row in data.chunks(width.max(1)) {
                    let row = row.to_vec();
                    out.extend(if is_scores { self.vector(row, width > 1) } else { row });
                }
                (key, Json::List(out))
            }
            ("data", data) => (key, self.rows(data)),
            (_, value) => (key, value),
        };
        Json::Map(members.into_iter().map(soften).collect())
    }

    /// What a model says of several things.
    fn rows(&self, value: Json) -> Json {
        match value {
            Json::List(rows) => Json::List(rows.into_iter().map(|row| self.row(row)).collect()),
            row => self.row(row),
        }
    }

    /// What it says of one.
    fn row(&self, value: Json) -> Json {
        match value {
            Json::Number(digits) if is_fraction(&digits) => Json::Number(self.scalar(&digits)),
            Json::Text(text) => Json::Text(self.text(text)),
            Json::List(items) if items.iter().all(is_number) => {
                let is_scores = items.iter().any(is_float);
                Json::List(if is_scores { self.vector(items, true) } else { items })
            }
            Json::List(items) => {
                let items = self.best(items);
                Json::List(items.into_iter().map(|item| self.row(item)).collect())
            }
            Json::Map(members) => self.members(members),
            value => value,
        }
    }

    /// Scores by label, or a row with names.
    fn members(&self, members: Vec<(String, Json)>) -> Json {
        let is_scores = members.len() > 1
            && members.iter().all(|(_, value)| is_number(value))
            && members.iter().any(|(_, value)| is_float(value));
        if !is_scores {
            return Json::Map(members.into_iter().map(|(key, value)| (key, self.row(value))).collect());
        }
        let (keys, scores): (Vec<String>, Vec<Json>) = members.into_iter().unzip();
        let kept = self.kept(&scores);
        let softened = self.vector(scores, true);
        let members = keys.into_iter().zip(softened).zip(kept).filter(|(_, is_kept)| *is_kept);
        Json::Map(members.map(|(member, _)| member).collect())
    }

    /// Of a list of classes with their scores the best.
    fn best(&self, items: Vec<Json>) -> Vec<Json> {
        let score =
            |item: &Json| SCORES.iter().find_map(|key| item.get(key)).filter(|s| is_number(s)).cloned();
        let scores: Option<Vec<Json>> = items.iter().map(score).collect();
        let Some(scores) = scores.filter(|scores| scores.len() > 1) else { return items };
        let kept = self.kept(&scores);
        items.into_iter().zip(kept).filter_map(|(item, is_kept)| is_kept.then_some(item)).collect()
    }

    /// Which of some scores stay: as many as there may be, the largest; of like ones the first.
    fn kept(&self, scores: &[Json]) -> Vec<bool> {
        let most = if self.label_only { Some(1) } else { self.top_k.map(usize::from) };
        let Some(most) = most else { return vec![true; scores.len()] };
        let value = |at: &usize| scores.get(*at).and_then(Json::float).unwrap_or(f64::NEG_INFINITY);
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|a, b| value(b).partial_cmp(&value(a)).unwrap_or(Ordering::Equal));
        order.truncate(most);
        (0..scores.len()).map(|at| order.contains(&at)).collect()
    }

    /// The scores of one row; where classes stand beside each other, those that do not stay are zero.
    fn vector(&self, scores: Vec<Json>, is_row: bool) -> Vec<Json> {
        let kept = if is_row { self.kept(&scores) } else { vec![true; scores.len()] };
        let soften = |(score, is_kept): (Json, bool)| match score {
            _ if !is_kept => Json::Number("0.0".to_owned()),
            _ if is_row && self.label_only => Json::Number("1.0".to_owned()),
            Json::Number(digits) => Json::Number(self.scalar(&digits)),
            other => other,
        };
        scores.into_iter().zip(kept).map(soften).collect()
    }

    /// One number: rounded to as many digits as there may be; where only labels may leave, to a whole one.
    fn scalar(&self, digits: &str) -> String {
        let most = if self.label_only { Some(0) } else { self.round };
        let (Some(most), Ok(value)) = (most, digits.parse::<f64>()) else { return digits.to_owned() };
        if !is_fraction(digits) || value.abs() >= WHOLE {
            return digits.to_owned();
        }
        let rounded = format!("{value:.*}", usize::from(most));
        // It stays a float to whoever reads it.
        if most == 0 { format!("{rounded}.0") } else { rounded }
    }

    /// A number in words, or one before the label of a class (Triton's classification extension: `0.9:3:cat`).
    fn text(&self, text: String) -> String {
        let (head, rest) = text.split_at_checked(text.find(':').unwrap_or(text.len())).unwrap_or((&text, ""));
        let number = head.trim();
        let is_number = is_fraction(number) && number.parse::<f64>().is_ok_and(f64::is_finite);
        if is_number { format!("{}{rest}", self.scalar(number)) } else { text }
    }
}

fn is_number(value: &Json) -> bool {
    matches!(value, Json::Number(_))
}

fn is_float(value: &Json) -> bool {
    matches!(value, Json::Number(digits) if is_fraction(digits))
}

fn is_fraction(digits: &str) -> bool {
    digits.contains(['.', 'e', 'E'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn softened(obligations: &[&str], body: &str) -> String {
        let obligations: Vec<Obligation> = obligations.iter().map(|o| o.parse().unwrap()).collect();
        let softening = Softening::of(&obligations).unwrap();
        String::from_utf8(softening.apply(body.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn digits_are_as_many_as_there_may_be() {
        let round = |body: &str| softened(&["round:4", "round:2"], body);
        assert_eq!(round(r#"{"predictions":[0.12345,1,-7.5e-3]}"#), r#"{"predictions":[0.12,1,-0.01]}"#);
        assert_eq!(round(r#"[[0.999,3.0]]"#), "[[1.00,3.00]]");
        assert_eq!(round(r#""[0.123456]""#), r#""[0.12]""#);
        assert_eq!(round(r#"["0.98765","cat","0.98765:1:cat"]"#), r#"["0.99","cat","0.99:1:cat"]"#);
        let tensor = r#"{"outputs":[{"name":"y","datatype":"FP32","shape":[2],"data":[0.5555,2.25]}]}"#;
        assert_eq!(
            round(tensor),
            r#"{"outputs":[{"name":"y","datatype":"FP32","shape":[2],"data":[0.56,2.25]}]}"#
        );
    }

    #[test]
    fn the_best_classes_stay() {
        let top = |body: &str| softened(&["top_k:2"], body);
        assert_eq!(top(r#"{"predictions":[[0.1,0.7,0.2]]}"#), r#"{"predictions":[[0.0,0.7,0.2]]}"#);
        assert_eq!(top(r#"[{"cat":0.1,"dog":0.7,"cow":0.2}]"#), r#"[{"dog":0.7,"cow":0.2}]"#);
        assert_eq!(
            top(r#"[[{"label":"a","score":0.1},{"label":"b","score":0.7},{"label":"c","score":0.2}]]"#),
            r#"[[{"label":"b","score":0.7},{"label":"c","score":0.2}]]"#
        );
        let flat = r#"{"outputs":[{"shape":[2,3],"data":[0.1,0.7,0.2,0.5,0.3,0.2]}]}"#;
        assert_eq!(top(flat), r#"{"outputs":[{"shape":[2,3],"data":[0.0,0.7,0.2,0.5,0.3,0.0]}]}"#);
        // One score for each of several things is no choice among classes.
        assert_eq!(top(r#"{"predictions":[0.1,0.7,0.2]}"#), r#"{"predictions":[0.1,0.7,0.2]}"#);
    }

    #[test]
    fn a_label_is_all_there_is() {
        let label = |body: &str| softened(&["label_only"], body);
        assert_eq!(
            label(r#"{"predictions":[[0.1,0.7,0.2],[0.9,0.05,0.05]]}"#),
            r#"{"predictions":[[0.0,1.0,0.0],[1.0,0.0,0.0]]}"#
        );
        assert_eq!(label(r#"[{"cat":0.1,"dog":0.7}]"#), r#"[{"dog":1.0}]"#);
        assert_eq!(label(r#"{"predictions":[0.83,0.2]}"#), r#"{"predictions":[1.0,0.0]}"#);
        assert_eq!(label(r#"{"predictions":["cat",3]}"#), r#"{"predictions":["cat",3]}"#);
    }

    #[test]
    fn what_is_no_json_has_no_answer() {
        let softening = Softening::of(&[Obligation::LabelOnly]).unwrap();
        assert_eq!(softening.apply(b"0.9 or so"), None);
        assert_eq!(Softening::of(&[Obligation::Strict]), None);
    }
}
