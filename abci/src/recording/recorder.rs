//! Owns the writing of a recording: one file for a run, in a folder, and no more in memory than the calls of an
//! instant. Where it can't be written the node goes on without, and says so once.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::SystemTime,
};

use ait_app::upgrades::record::ProtocolVersion;
use prost::Message as _;
use tendermint_proto::v0_38::abci::{
    ResponseException, request::Value as Request, response::Value as Answer,
};

use super::{
    RecordingError,
    frame::{Answered, Called, Ended, FORMAT, Frame, Kind, Run},
    reader::{EXTENSION, numbers_in},
};
use crate::Application;

/// Bytes that wait in memory at most, besides the frame that is being written.
const BUFFER_BYTES: usize = 64 * 1024;

/// Writes what a node is asked, and what it answers, into a file.
pub struct Recorder {
    path: PathBuf,
    file: Mutex<Output>,
    /// No file any more: what comes is not recorded.
    is_lost: AtomicBool,
    /// Held alone by calls that change what is committed, and together by those that read it: the order in the file is
    /// the order in which they were answered.
    pub(super) order: RwLock<()>,
}

struct Output {
    file: File,
    /// Whole frames that are not in the file yet.
    buffer: Vec<u8>,
    /// Bytes of the whole frames in the file.
    written: u64,
    calls: u64,
    connections: u32,
}

impl Recorder {
    /// Begins the next file in a folder, which is made if need be: `000001.abci` is the first. Only the owner may read
    /// it.
    ///
    /// # Errors
    /// [`RecordingError::Io`].
    pub fn begin(
        folder: &Path,
        application: &Application,
        keep_blocks: u64,
        snapshot_interval: u64,
    ) -> Result<Self, RecordingError> {
        let (height, app_hash) = application.last_block().unzip();
        let started = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Self::create(
            folder,
            Run {
                format: FORMAT.to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                app_version: ProtocolVersion::NEWEST.number(),
                chain_id: application.reader().chain_id().to_string(),
                started: started.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(0)),
                height: height.unwrap_or(0),
                app_hash: app_hash
                    .map(|hash| hash.0.to_vec().into())
                    .unwrap_or_default(),
                keep_blocks,
                snapshot_interval,
            },
        )
    }

    /// The same, of this run.
    pub(super) fn create(folder: &Path, run: Run) -> Result<Self, RecordingError> {
        let failed = |deed: &'static str, path: &Path| {
            let path = path.to_owned();
            move |error: io::Error| RecordingError::Io { deed, path, error }
        };
        let mut builder = DirBuilder::new();
        let made = builder.recursive(true).mode(0o700).create(folder);
        made.map_err(failed("make the folder", folder))?;
        let last = numbers_in(folder)?.into_keys().next_back().unwrap_or(0);
        let name = format!("{:06}.{EXTENSION}", last.saturating_add(1));
        let path = folder.join(name);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(failed("make", &path))?;
        let mut recorder = Self::of(path, file);
        let output = recorder.file.get_mut();
        let output = output.unwrap_or_else(PoisonError::into_inner);
        output.push(Kind::Run(run));
        let written = output.flush();
        written.map_err(failed("write", &recorder.path))?;
        Ok(recorder)
    }

    fn of(path: PathBuf, file: File) -> Self {
        Self {
            path,
            file: Mutex::new(Output {
                file,
                buffer: Vec::new(),
                written: 0,
                calls: 0,
                connections: 0,
            }),
            is_lost: AtomicBool::new(false),
            order: RwLock::new(()),
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Says that the node was asked to stop. Nothing is written after it.
    pub fn end(&self) {
        self.write(true, |output| output.push(Kind::Ended(Ended {})));
        self.is_lost.store(true, Ordering::Relaxed);
    }

    /// A new connection: its number.
    pub(super) fn opened(&self) -> u32 {
        let mut number = 0;
        self.write(true, |output| {
            output.connections = output.connections.saturating_add(1);
            number = output.connections;
            output.push(Kind::Opened(number));
        });
        number
    }

    /// A connection has ended.
    pub(super) fn closed(&self, connection: u32) {
        self.write(true, |output| output.push(Kind::Closed(connection)));
    }

    /// A call begins: its number, if it is recorded.
    pub(super) fn called(&self, connection: u32, request: &Request) -> Option<u64> {
        if self.is_lost.load(Ordering::Relaxed) || matches!(request, Request::Flush(_)) {
            return None;
        }
        let mut bytes = Vec::with_capacity(request.encoded_len());
        request.encode(&mut bytes);
        let mut number = 0;
        let is_written = self.write(!waits(request), |output| {
            output.calls = output.calls.saturating_add(1);
            number = output.calls;
            output.push(Kind::Call(Called {
                number,
                connection,
                request: bytes.into(),
            }));
        });
        is_written.then_some(number)
    }

    /// A call was answered.
    pub(super) fn answered(&self, number: u64, answer: &Answer) {
        let mut bytes = Vec::with_capacity(answer.encoded_len());
        answer.encode(&mut bytes);
        self.write(!matches!(answer, Answer::CheckTx(_)), |output| {
            output.push(Kind::Answer(Answered {
                number,
                response: bytes.into(),
            }));
        });
    }

    /// A call was answered with ABCI's exception, since the application can't go on.
    pub(super) fn failed(&self, number: u64, why: String) {
        self.answered(number, &Answer::Exception(ResponseException { error: why }));
    }

    /// Adds frames; with `flush` they are the operating system's before it returns, and a kill of the process loses
    /// none of them. Says whether there is a file.
    fn write(&self, flush: bool, add: impl FnOnce(&mut Output)) -> bool {
        if self.is_lost.load(Ordering::Relaxed) {
            return false;
        }
        let mut output = self.output();
        if self.is_lost.load(Ordering::Relaxed) {
            return false;
        }
        add(&mut output);
        if !flush && output.buffer.len() < BUFFER_BYTES {
            return true;
        }
        let Err(error) = output.flush() else {
            return true;
        };
        self.is_lost.store(true, Ordering::Relaxed);
        let path = self.path.display();
        tracing::warn!(
            component = "abci",
            event = "recording_lost",
            %path,
            %error,
            "the node goes on, and this run is recorded no further: its file ends with the last call that fitted"
        );
        false
    }

    fn output(&self) -> MutexGuard<'_, Output> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a call may wait in memory for others: a kill loses nothing that a block depends on.
fn waits(request: &Request) -> bool {
    matches!(request, Request::CheckTx(_) | Request::Echo(_))
}

impl Output {
    fn push(&mut self, kind: Kind) {
        let frame = Frame { kind: Some(kind) };
        // A Vec grows as needed, so encoding fails for no reason.
        let _ = frame.encode_length_delimited(&mut self.buffer);
    }

    fn flush(&mut self) -> io::Result<()> {
        if let Err(error) = self.file.write_all(&self.buffer) {
            // What of it fitted is no whole frame maybe.
            let _ = self.file.set_len(self.written);
            self.buffer = Vec::new();
            return Err(error);
        }
        self.written = self.written.saturating_add(self.buffer.len() as u64);
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER_BYTES);
        Ok(())
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.write(true, |_| {});
    }
}

#[cfg(test)]
mod tests {
    use tendermint_proto::v0_38::abci::RequestCommit;

    use super::*;

    fn commit() -> Request {
        Request::Commit(RequestCommit {})
    }

    #[test]
    fn a_node_goes_on_without_its_recording_where_there_is_no_room() {
        // Every write of it says that the disk is full (null(4)).
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let recorder = Recorder::of(PathBuf::from("/dev/full"), full);
        assert_eq!(recorder.called(1, &commit()), None);
        for _ in 0..1_000 {
            assert_eq!(recorder.called(1, &commit()), None);
        }
        // Nothing waits for a disk that has no room.
        assert!(recorder.output().buffer.len() < 100);
        recorder.closed(1);
        recorder.end();
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let refused = Recorder::create(&file.join("in"), Run::default()).map(drop);
        let text = refused.unwrap_err().to_string();
        assert!(text.contains(&file.display().to_string()), "{text}");
    }
}
