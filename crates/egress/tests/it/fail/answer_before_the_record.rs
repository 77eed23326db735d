//! A filter asks for proof that the intent is on disk; a pending intent is not that proof.
use stockade_egress::UpstreamResponse;
use stockade_egress::evidence::{Dispatch, PendingIntent, ResponseFilter, filter};

fn early(dispatch: Dispatch, pending: PendingIntent, response: UpstreamResponse, f: Box<dyn ResponseFilter>) {
    let never = Box::pin(std::future::pending());
    let _ = filter(dispatch, pending, response, 200, |_| f, never);
}

fn main() {}
