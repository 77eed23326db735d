//! Requests of every kind, hostile ones included, for the tests and for the preview (`examples/demo.rs`).

mod installation;
mod requests;

use std::sync::Mutex;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use stockade_domain::{Micros, RequestId};
use stockade_views::{
    Check, CheckResult, CheckStep, EntryKind, LinkError, NewSession, Page, Reader, RequestDetail,
    RequestFilter, RequestRow, Session, Sessions, StatusSummary, Verification, ViewError, Views,
};

pub(crate) use requests::{START, details};

/// Text that tries to become something else on a page.
pub(crate) const HOSTILE: &str =
    "</pre><script>alert(1)</script><img src=x onerror=alert(2)>\u{202e}gnp.exe\u{200b}'\"{{7*7}}";
/// The token that signs in, once.
pub(crate) const TOKEN: &str = "good-token_0123456789";
/// The cookie of a session that is there from the beginning.
pub(crate) const COOKIE: &str = "cookie-of-ana";
/// That session's form token.
pub(crate) const CSRF: &str = "form-token-of-ana";

/// Records that do not change.
pub(crate) struct Sample {
    details: Vec<RequestDetail>,
    /// How long a live row is waited for; `None` when none comes.
    beat: Option<Duration>,
    /// What the ledger says that it has stopped for.
    stopped: Option<String>,
}

/// Sessions in memory.
#[derive(Default)]
pub(crate) struct People {
    ended: Mutex<Vec<String>>,
    used: Mutex<bool>,
}

impl Sample {
    pub(crate) fn new() -> Self {
        Self { details: details(), beat: None, stopped: None }
    }

    /// Nothing was asked yet.
    pub(crate) fn empty() -> Self {
        Self { details: Vec::new(), ..Self::new() }
    }

    fn is_empty(&self) -> bool {
        self.details.is_empty()
    }

    /// A ledger that has stopped.
    pub(crate) fn stopped() -> Self {
        Self { stopped: Some(format!("the disk is full {HOSTILE}")), ..Self::new() }
    }

    /// New rows come, one a beat.
    pub(crate) fn live(beat: Duration) -> Self {
        Self { beat: Some(beat), ..Self::new() }
    }
}

impl Views for Sample {
    fn requests(&self, filter: RequestFilter) -> BoxFuture<'_, Result<Page<RequestRow>, ViewError>> {
        let all = self.details.iter().map(|d| d.row.clone());
        let mut rows: Vec<_> =
            all.filter(|r| filter.admits(r) && filter.before.is_none_or(|before| r.id < before)).collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.id));
        let next = rows.get(filter.page_size()).and_then(|_| rows.get(filter.page_size() - 1)).map(|r| r.id);
        rows.truncate(filter.page_size());
        Box::pin(async move { Ok(Page { rows, next }) })
    }

    fn request(&self, id: RequestId, _: Reader) -> BoxFuture<'_, Result<Option<RequestDetail>, ViewError>> {
        Box::pin(async move { Ok(self.details.iter().find(|d| d.row.id == id).cloned()) })
    }

    fn verify(&self, id: RequestId) -> BoxFuture<'_, Result<Verification, ViewError>> {
        Box::pin(async move {
            let detail = self.details.iter().find(|d| d.row.id == id).ok_or(ViewError::NotFound)?;
            let step = |check, entry, result, detail: String| CheckStep { check, entry, result, detail };
            let entries = [(EntryKind::Intent, detail.row.intent), (EntryKind::Outcome, detail.row.outcome)];
            let mut steps = Vec::new();
            for (entry, index) in entries.into_iter().filter_map(|(e, i)| i.map(|i| (e, i))) {
                let hash = format!("leaf 5f1c{index:04x}9b0e27aa41d3 at index {index}");
                steps.push(step(Check::Leaf, Some(entry), CheckResult::Passed, hash));
                let path = "11 hashes to root 9c40be1f7d20".to_owned();
                steps.push(step(Check::Inclusion, Some(entry), CheckResult::Passed, path));
            }
            let erased = "salt erased 2026-11-19".to_owned();
            let signed = "tree size 1,204, root 9c40be1f7d20".to_owned();
            let key = "stockade/0k7s+8f21c3d0, Ed25519".to_owned();
            steps.push(step(Check::Checkpoint, None, CheckResult::Passed, signed));
            steps.push(step(Check::Signature, None, CheckResult::Passed, key));
            steps.push(step(Check::Commitment, Some(EntryKind::Intent), CheckResult::Erased, erased));
            Ok(Verification { steps })
        })
    }

    fn proof(&self, id: RequestId) -> BoxFuture<'_, Result<Vec<u8>, ViewError>> {
        Box::pin(async move {
            let detail = self.details.iter().find(|d| d.row.id == id).ok_or(ViewError::NotFound)?;
            detail.row.outcome.map(|_| b"{\"v\":1}".to_vec()).ok_or(ViewError::NotSigned)
        })
    }

    fn live(&self) -> BoxStream<'static, RequestRow> {
        let Some(beat) = self.beat else { return stream::pending().boxed() };
        let rows: Vec<_> = self.details.iter().map(|d| d.row.clone()).collect();
        stream::unfold(0_u8, move |n| {
            let row = rows.get(usize::from(n) % rows.len()).cloned();
            async move {
                tokio::time::sleep(beat).await;
                let mut row = row?;
                let time = Micros::from_i64(START + 60_000_000 + i64::from(n) * 1_000_000);
                row.id = RequestId::new(time, [n; 10]);
                row.time = time;
                Some((row, n.wrapping_add(1)))
            }
        })
        .boxed()
    }

    fn status(&self) -> BoxFuture<'_, Result<StatusSummary, ViewError>> {
        let (entries, signed) = if self.details.is_empty() { (0, 0) } else { (1_204, 1_204) };
        let status = StatusSummary {
            version: "0.1.0".to_owned(),
            origin: "stockade/0k7s".to_owned(),
            entries,
            signed,
            signed_at: Some(Micros::from_i64(START)),
            stopped: self.stopped.clone(),
            open: 1,
        };
        Box::pin(async move { Ok(status) })
    }
}

impl Sessions for People {
    fn consume_link(&self, token: &str) -> Result<NewSession, LinkError> {
        let mut used = self.used.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if token != TOKEN || *used {
            return Err(LinkError::Spent);
        }
        *used = true;
        let since = Micros::from_i64(START);
        Ok(NewSession {
            cookie: "new-cookie".to_owned(),
            since,
            expires: since.plus(Duration::from_secs(43_200)),
        })
    }

    fn session(&self, cookie: &str) -> Option<Session> {
        let known = cookie == COOKIE || cookie == "new-cookie";
        let ended = self.ended.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        (known && !ended.iter().any(|e| e == cookie)).then(|| Session {
            role: stockade_views::Role::Admin,
            who: "console".to_owned(),
            csrf: CSRF.to_owned(),
            since: Micros::from_i64(START),
            expires: Micros::from_i64(START).plus(Duration::from_secs(43_200)),
        })
    }

    fn end(&self, cookie: &str) {
        self.ended.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(cookie.to_owned());
    }
}

/// Nobody has a token.
pub(crate) struct NoTokens;

impl stockade_views::Tokens for NoTokens {
    fn reader(&self, _: &str) -> Option<Reader> {
        None
    }
}
