//! A cleared request is dispatched once.
use stockade_egress::evidence::Cleared;

async fn twice(cleared: Cleared) {
    let _ = cleared.dispatch().await;
    let _ = cleared.dispatch().await;
}

fn main() {}
