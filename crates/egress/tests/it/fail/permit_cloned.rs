//! A permit is for one request: it cannot be copied for another.
use stockade_egress::evidence::Permit;

fn copies<T: Clone>() {}

fn main() {
    copies::<Permit>();
}
