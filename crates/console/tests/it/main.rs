//! The console from outside, as a browser and as somebody who should not be there.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that cannot go on has failed"
)]

mod call;
mod golden;
mod headers;
mod hostile;
mod live;
mod pages;
#[path = "../sample/mod.rs"]
mod sample;
mod signin;
