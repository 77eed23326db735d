//! Which AI assets a tree holds and what is dangerous in them. Bytes or a tree in, assets and findings out.

pub mod artifact;
