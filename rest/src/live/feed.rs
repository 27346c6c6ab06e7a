//! Owns the log of live events. It is bounded by bytes, not by blocks: a chain may make hundreds of small
//! blocks a second or one of 4 MiB. Readers keep a place in it and nothing else, so a slow one costs no
//! memory; what it missed it is told as a number.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::extract::ws::Utf8Bytes;
use tokio::sync::watch;

/// Bytes of messages that are kept for readers.
const MAX_BYTES: usize = 32 * 1024 * 1024;
/// Bundles that are kept, however small.
const MAX_BUNDLES: usize = 4_096;

/// Messages that became known together: a block and its transactions.
pub struct Bundle {
    /// The number of its first message, counted since the start.
    first: u64,
    /// JSON each.
    pub messages: Vec<Utf8Bytes>,
    bytes: usize,
}

impl Bundle {
    /// The number of the first message after it.
    fn end(&self) -> u64 {
        let count = u64::try_from(self.messages.len()).unwrap_or(u64::MAX);
        self.first.saturating_add(count)
    }
}

/// The log. Cheap to read from many places.
pub struct Feed {
    log: Mutex<Log>,
    end: watch::Sender<u64>,
    max_bytes: usize,
}

#[derive(Default)]
struct Log {
    bundles: VecDeque<Arc<Bundle>>,
    bytes: usize,
}

/// A place in the log.
pub struct Reader {
    next: u64,
    end: watch::Receiver<u64>,
}

/// What a reader finds.
pub struct Read {
    /// Messages that it came too late for.
    pub skipped: u64,
    /// The next ones.
    pub bundle: Arc<Bundle>,
}

impl Feed {
    /// An empty log.
    pub fn new() -> Self {
        Self::bounded(MAX_BYTES)
    }

    fn bounded(max_bytes: usize) -> Self {
        Self {
            log: Mutex::default(),
            end: watch::Sender::new(0),
            max_bytes,
        }
    }

    /// Whether anybody reads: nothing needs to be rendered for nobody.
    pub fn has_readers(&self) -> bool {
        self.end.receiver_count() > 0
    }

    /// Adds messages that belong together.
    pub fn push(&self, messages: Vec<String>) {
        let mut log = self.log();
        let bundle = Bundle {
            first: *self.end.borrow(),
            bytes: messages.iter().map(String::len).sum(),
            messages: messages.into_iter().map(Utf8Bytes::from).collect(),
        };
        let end = bundle.end();
        log.bytes = log.bytes.saturating_add(bundle.bytes);
        log.bundles.push_back(Arc::new(bundle));
        while log.bundles.len() > 1
            && (log.bytes > self.max_bytes || log.bundles.len() > MAX_BUNDLES)
        {
            let Some(oldest) = log.bundles.pop_front() else {
                break;
            };
            log.bytes = log.bytes.saturating_sub(oldest.bytes);
        }
        self.end.send_replace(end);
    }

    /// A reader of all that comes from now on.
    pub fn reader(&self) -> Reader {
        let end = self.end.subscribe();
        let next = *end.borrow();
        Reader { next, end }
    }

    /// The next bundle for a reader; `None` when it has read all.
    pub fn read(&self, reader: &mut Reader) -> Option<Read> {
        let log = self.log();
        let place = log
            .bundles
            .partition_point(|bundle| bundle.first < reader.next);
        let bundle = log.bundles.get(place)?.clone();
        let skipped = bundle.first.saturating_sub(reader.next);
        reader.next = bundle.end();
        Some(Read { skipped, bundle })
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reader {
    /// Resolves when there may be more to read.
    pub async fn more(&mut self) {
        // The feed outlives its readers; without one there is nothing to wait for.
        if self.end.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(read: &Read) -> Vec<&str> {
        read.bundle.messages.iter().map(Utf8Bytes::as_str).collect()
    }

    #[test]
    fn a_reader_sees_everything_after_it_came_once_and_in_order() {
        let feed = Feed::new();
        feed.push(vec!["before".into()]);
        let mut reader = feed.reader();
        assert!(feed.read(&mut reader).is_none());
        feed.push(vec!["a".into(), "b".into()]);
        feed.push(vec!["c".into()]);
        assert_eq!(texts(&feed.read(&mut reader).unwrap()), ["a", "b"]);
        let last = feed.read(&mut reader).unwrap();
        assert_eq!((last.skipped, texts(&last)), (0, vec!["c"]));
        assert!(feed.read(&mut reader).is_none());
    }

    #[test]
    fn a_slow_reader_is_told_what_it_missed_and_holds_no_memory() {
        let feed = Feed::bounded(100);
        let mut slow = feed.reader();
        for _ in 0..1_000 {
            feed.push(vec!["0123456789".into(), "0123456789".into()]);
        }
        assert!(feed.log().bytes <= 100);
        let read = feed.read(&mut slow).unwrap();
        assert_eq!(read.skipped, 2_000 - 10);
        let mut rest = read.bundle.messages.len();
        while let Some(read) = feed.read(&mut slow) {
            assert_eq!(read.skipped, 0);
            rest += read.bundle.messages.len();
        }
        assert_eq!(rest, 10);
    }

    #[test]
    fn a_batch_larger_than_the_bound_is_still_told() {
        let feed = Feed::bounded(4);
        let mut reader = feed.reader();
        feed.push(vec!["0123456789".into()]);
        assert_eq!(texts(&feed.read(&mut reader).unwrap()), ["0123456789"]);
    }
}
