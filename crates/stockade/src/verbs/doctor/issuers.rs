//! Whether the configured issuers can be reached, publish keys that can be used, and agree with this machine on the time.

use std::time::{Duration, SystemTime};

use stockade_egress::{Egress, EgressOptions, SystemClient};
use stockade_identity::{IssuerOptions, Published, fetch};

use super::Check;
use crate::config::Config;

const NAME: &str = "issuer";

pub(super) fn checks(config: &Config) -> Vec<Check> {
    // A configuration that makes no sense has a check of its own.
    let Ok(mut issuers) = config.identity.options() else { return Vec::new() };
    issuers.extend(config.identity.console.as_ref().map(|console| console.options(None).as_issuer()));
    if issuers.is_empty() {
        return Vec::new();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let (Ok(runtime), Ok((egress, _))) = (runtime, Egress::new(EgressOptions::default())) else {
        return vec![Check::fail(NAME, "no connection could be prepared", "see the other checks")];
    };
    let client = egress.system();
    runtime.block_on(async {
        let mut found = Vec::new();
        for issuer in &issuers {
            found.push(check(issuer, &client).await);
        }
        found
    })
}

async fn check(issuer: &IssuerOptions, client: &SystemClient) -> Check {
    let who = format!("{} ({})", issuer.name, issuer.issuer);
    let Published { set, keys_at, date } = match fetch(issuer, client).await {
        Ok(published) => published,
        Err(error) => {
            let fix = "nobody comes in by its tokens until its keys can be had";
            return Check::fail(NAME, format!("{who}: {error}"), fix);
        }
    };
    if set.is_empty() {
        let detail = format!("{who}: none of the {} keys at {keys_at} can check a signature", set.skipped);
        return Check::fail(NAME, detail, "it needs RSA keys of 2048 bits, EC or Ed25519 keys for `sig`");
    }
    let mut detail = format!("{who}: {} keys at {keys_at}", set.len());
    if set.skipped > 0 {
        detail = format!("{detail}, {} others that are not used", set.skipped);
    }
    match date.as_deref().and_then(|date| httpdate::parse_http_date(date).ok()).map(apart) {
        // The header has whole seconds and takes a while to arrive.
        Some(apart) if apart > issuer.clock_skew + Duration::from_secs(1) => Check::warn(
            NAME,
            format!("{detail}; its clock and ours are {} s apart", apart.as_secs()),
            "set this machine's clock: tokens are refused as not valid yet, or too late",
        ),
        Some(_) => Check::ok(NAME, format!("{detail}; its clock agrees with ours")),
        None => Check::ok(NAME, format!("{detail}; it does not tell the time")),
    }
}

fn apart(there: SystemTime) -> Duration {
    let here = SystemTime::now();
    here.duration_since(there).unwrap_or_else(|ahead| ahead.duration())
}
