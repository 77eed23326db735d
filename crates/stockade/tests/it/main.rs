//! The real binary, in directories of its own, over sockets and signals.

mod support;
mod up;
mod verbs;
