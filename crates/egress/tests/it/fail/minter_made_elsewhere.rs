//! The minter comes from the client that accepts its decisions, and cannot be duplicated.
use stockade_egress::evidence::Minter;

fn forge() -> Minter {
    Minter { seal: Default::default() }
}

fn copy(minter: &Minter) -> Minter {
    minter.clone()
}

fn main() {}
