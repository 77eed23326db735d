//! One module for each kind of thing that is remembered. A repository borrows the database and holds no state.

pub(crate) mod keys;
pub(crate) mod labels;
pub(crate) mod prompts;
pub(crate) mod requests;
pub(crate) mod sessions;
pub(crate) mod settings;
pub(crate) mod tokens;
pub(crate) mod usage;
pub(crate) mod workloads;

macro_rules! repository {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $name<'a> {
            db: &'a dyn crate::db::Db,
        }

        impl<'a> $name<'a> {
            pub(crate) fn new(db: &'a dyn crate::db::Db) -> Self {
                Self { db }
            }
        }
    };
}

use repository;
