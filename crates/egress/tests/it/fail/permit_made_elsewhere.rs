//! A permit has private fields: only `evidence::clear` makes one.
use stockade_egress::evidence::Permit;

fn forge(request: stockade_domain::RequestId) -> Permit {
    Permit { request }
}

fn main() {}
