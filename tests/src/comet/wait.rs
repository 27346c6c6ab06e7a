//! Owns waiting for conditions: never for a length of time.

use std::time::{Duration, Instant};

/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(25);

/// Far longer than anything here takes on a busy machine: passing it means it never happens.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// Waits until `probe` has something and gives it.
///
/// # Panics
/// When it has nothing within [`PATIENCE`]; `what` says what was waited for.
pub async fn eventually<T>(what: &str, probe: impl AsyncFnMut() -> Option<T>) -> T {
    eventually_within(PATIENCE, what, probe).await
}

/// [`eventually`] with its own patience.
///
/// # Panics
/// When it has nothing within `patience`.
pub async fn eventually_within<T>(
    patience: Duration,
    what: &str,
    mut probe: impl AsyncFnMut() -> Option<T>,
) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}: not within {patience:?}");
        tokio::time::sleep(POLL).await;
    }
}
