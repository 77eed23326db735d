pub struct Car { pub model: &'static str }
pub const CAR: Car = Car { model: "gpt-roadster" };
