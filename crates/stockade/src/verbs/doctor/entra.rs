//! Whether the tokens that upstreams want can be had.

use stockade_egress::{Egress, EgressOptions, TokenSource as _};

use super::Check;
use crate::config::Config;
use crate::up::secret;

const NAME: &str = "upstream token";

pub(super) fn checks(config: &Config) -> Vec<Check> {
    let wanted: Vec<_> = config
        .upstreams
        .iter()
        .filter_map(|(name, upstream)| Some((name, upstream.entra.as_ref()?)))
        .collect();
    if wanted.is_empty() {
        return Vec::new();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let (Ok(runtime), Ok((egress, _))) = (runtime, Egress::new(EgressOptions::default())) else {
        return vec![Check::fail(NAME, "no connection could be prepared", "see the other checks")];
    };
    let client = egress.system();
    let fix = "requests to its models get `upstream_unauthorized` until a token can be had";
    let check = |(name, entra): (&String, &crate::config::EntraConfig)| match entra.tokens(secret) {
        Err(error) => Check::fail(NAME, format!("{name}: {error:#}"), fix),
        Ok(tokens) => match runtime.block_on(tokens.token(&client)) {
            Ok(_) => Check::ok(NAME, format!("{name}: Entra gives one")),
            Err(error) => Check::fail(NAME, format!("{name}: {error}"), fix),
        },
    };
    wanted.into_iter().map(check).collect()
}
