//! A permit is for one request: it cannot be copied for another.
use stockade_egress::evidence::Permit;

fn keep(permit: &Permit) -> Permit {
    permit.clone()
}

fn main() {}
