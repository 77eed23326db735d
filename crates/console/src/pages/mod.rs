//! One module a page: its handler and its template's data.

pub(crate) mod error;
pub(crate) mod keys;
pub(crate) mod ledger;
pub(crate) mod list;
pub(crate) mod live;
pub(crate) mod login;
pub(crate) mod overview;
pub(crate) mod policies;
pub(crate) mod request;
pub(crate) mod signin;
