//! The client sends attempts, not bytes.
async fn leak(egress: &stockade_egress::Egress) {
    let _ = egress.send(&b"a prompt"[..]).await;
}

fn main() {}
