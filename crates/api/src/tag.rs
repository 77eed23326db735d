//! Small things that every route needs: an id to find a request in the log by, and an end to waiting.

use std::future::Future;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use stockade_crypto::{CryptoError, Random as _, SystemRandom};
use stockade_domain::{Micros, RequestId};
use stockade_views::ViewError;

use crate::error::ApiError;

/// How long a view may take before the caller is told to try again.
const PATIENCE: Duration = Duration::from_secs(15);

/// A new id for one call of the console or the API. It is in the answer and in the log, not in the ledger.
///
/// # Errors
/// [`CryptoError`] when there is no randomness.
pub fn fresh_request_id() -> Result<RequestId, CryptoError> {
    let mut random = [0; 10];
    SystemRandom.fill(&mut random)?;
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX);
    Ok(RequestId::new(Micros::from_i64(now), random))
}

/// Waits for a view, but not for ever.
///
/// # Errors
/// What the view says, or [`ApiError::TimedOut`] after fifteen seconds.
pub async fn within<T>(view: impl Future<Output = Result<T, ViewError>>) -> Result<T, ApiError> {
    match tokio::time::timeout(PATIENCE, view).await {
        Ok(result) => result.map_err(ApiError::from),
        Err(_) => Err(ApiError::TimedOut),
    }
}
