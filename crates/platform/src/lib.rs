//! Use-cases over the engines, the store and the ledger, one module a capability.
//!
//! Nothing here knows a socket or a command line; the binary wires these to both.

mod keys;
