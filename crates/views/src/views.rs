//! The port itself.

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use stockade_domain::RequestId;

use crate::detail::RequestDetail;
use crate::list::{Page, RequestFilter, RequestRow};
use crate::session::Reader;
use crate::status::StatusSummary;
use crate::verification::Verification;

/// What can be seen of requests. A view of recorded text is itself recorded by whoever implements this.
pub trait Views: Send + Sync + 'static {
    /// A page of requests, newest first.
    fn requests(&self, filter: RequestFilter) -> BoxFuture<'_, Result<Page<RequestRow>, ViewError>>;

    /// One request, as far as the reader may see it; `None` when there is none of this id.
    fn request(
        &self,
        id: RequestId,
        reader: Reader,
    ) -> BoxFuture<'_, Result<Option<RequestDetail>, ViewError>>;

    /// Checks a request's entries against the ledger on disk, now.
    fn verify(&self, id: RequestId) -> BoxFuture<'_, Result<Verification, ViewError>>;

    /// The proof bundle of a request: JSON that verifies alone.
    fn proof(&self, id: RequestId) -> BoxFuture<'_, Result<Vec<u8>, ViewError>>;

    /// Rows as requests begin and change; the same request comes again when it ends. Bounded: a listener that is too
    /// slow misses rows.
    fn live(&self) -> BoxStream<'static, RequestRow>;

    /// How the installation is.
    fn status(&self) -> BoxFuture<'_, Result<StatusSummary, ViewError>>;
}

/// Why something cannot be shown. The message is safe to show; the source is for the log only.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// There is no such request.
    #[error("there is no such request")]
    NotFound,
    /// No signed checkpoint covers the request yet; one is made within about a second.
    #[error("no signed checkpoint covers this request yet; try again in a second")]
    NotSigned,
    /// The store or the ledger could not be read.
    #[error("the records cannot be read at the moment")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}
