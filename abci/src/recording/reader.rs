//! Owns the reading of a recording. Its bytes may be anybody's: no length is believed before it is compared with what
//! the file has, and what does not belong is named with its place.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufReader, Read as _},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use prost::Message as _;
use tendermint_proto::v0_38::abci::{Request, request};

use super::{
    RecordingError,
    frame::{Call, FORMAT, Frame, Kind, Run},
};
use crate::transport::MAX_FRAME_BYTES;

/// How the names of the files end.
pub(super) const EXTENSION: &str = "abci";

/// The longest frame, bytes: the longest message, and what a frame adds to it.
const LIMIT: u64 = MAX_FRAME_BYTES as u64 + 1024;
/// The longest request besides InitChain's, bytes: a block, its votes and its evidence, or a chunk of a snapshot. It is
/// taken apart into more memory than it has bytes, so it is bounded before.
pub const MAX_REQUEST_BYTES: usize = 32 * 1024 * 1024;
/// The field of `Request` that is InitChain, as its first byte (protobuf: field 5, length-delimited).
const INIT_CHAIN: u8 = (5 << 3) | 2;
/// Bytes of the longest varint of 64 bits.
const MAX_VARINT_BYTES: u32 = 10;

/// What comes next in a recording.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A connection, by its number.
    Opened(u32),
    /// A call, and what was asked.
    Call(Call, Box<request::Value>),
    /// The call of this number was answered with these bytes: ABCI's `Response`.
    Answer(u64, Bytes),
    /// A connection, by its number.
    Closed(u32),
    /// The node was asked to stop.
    Ended,
}

/// A file of a recording, read from its first frame on.
pub struct Recording {
    path: PathBuf,
    input: BufReader<File>,
    run: Run,
    /// Bytes that were read.
    position: u64,
    /// Bytes of the file when it was opened: a node may still write.
    length: u64,
    calls: u64,
    is_ended: bool,
    is_cut: bool,
}

impl Recording {
    /// Opens a file and reads what run it is of.
    ///
    /// # Errors
    /// [`RecordingError`].
    pub fn open(path: &Path) -> Result<Self, RecordingError> {
        let failed = |error| io_error("read", path, error);
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        let mut recording = Self {
            path: path.to_owned(),
            input: BufReader::new(file),
            run: Run::default(),
            position: 0,
            length: metadata.len(),
            calls: 0,
            is_ended: false,
            is_cut: false,
        };
        let no_recording = || RecordingError::NoRecording(path.to_owned());
        match recording.next_frame() {
            Ok(Some((_, Kind::Run(run)))) if run.format == FORMAT => recording.run = run,
            Ok(Some((_, Kind::Run(run)))) if run.format.starts_with("ait-abci-record/") => {
                return Err(RecordingError::Format { found: run.format });
            }
            Err(error @ RecordingError::Io { .. }) => return Err(error),
            _ => return Err(no_recording()),
        }
        Ok(recording)
    }

    /// The run that it is of.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the node was asked to stop: so the last frame says. A run without it was killed, or its disk was full.
    pub fn is_ended(&self) -> bool {
        self.is_ended
    }

    /// Whether bytes are left at its end that are no whole frame.
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// What comes next; `None` after the last whole frame.
    ///
    /// # Errors
    /// [`RecordingError`].
    pub fn next_item(&mut self) -> Result<Option<Item>, RecordingError> {
        let Some((at, kind)) = self.next_frame()? else {
            return Ok(None);
        };
        let wrong = |why: &str| RecordingError::Frame {
            at,
            why: why.to_owned(),
        };
        if self.is_ended {
            return Err(wrong("it comes after the end of the run"));
        }
        Ok(Some(match kind {
            Kind::Run(_) => return Err(wrong("a second run begins in the file")),
            Kind::Opened(connection) => Item::Opened(connection),
            Kind::Closed(connection) => Item::Closed(connection),
            Kind::Ended(_) => {
                self.is_ended = true;
                Item::Ended
            }
            Kind::Call(called) => {
                let expected = self.calls.saturating_add(1);
                if called.number != expected {
                    let found = called.number;
                    return Err(RecordingError::Number {
                        at,
                        found,
                        expected,
                    });
                }
                self.calls = expected;
                let call = Call {
                    number: called.number,
                    connection: called.connection,
                };
                Item::Call(call, Box::new(read_request(at, &called.request)?))
            }
            Kind::Answer(answer) if (1..=self.calls).contains(&answer.number) => {
                Item::Answer(answer.number, answer.response)
            }
            Kind::Answer(_) => return Err(wrong("it answers a call that was not made")),
        }))
    }

    fn next_frame(&mut self) -> Result<Option<(u64, Kind)>, RecordingError> {
        let at = self.position;
        let Some(length) = self.next_length(at)? else {
            return Ok(None);
        };
        if length > LIMIT {
            let limit = LIMIT;
            return Err(RecordingError::TooLong { at, length, limit });
        }
        if self.position.saturating_add(length) > self.length {
            self.is_cut = true;
            return Ok(None);
        }
        let mut bytes = Vec::new();
        let mut input = self.input.by_ref().take(length);
        let read = input.read_to_end(&mut bytes);
        let read = read.map_err(|error| io_error("read", &self.path, error))?;
        if read as u64 != length {
            self.is_cut = true;
            return Ok(None);
        }
        self.position = self.position.saturating_add(length);
        let wrong = |why: String| RecordingError::Frame { at, why };
        let frame = Frame::decode(Bytes::from(bytes)).map_err(|error| wrong(error.to_string()))?;
        let kind = frame.kind;
        let kind = kind.ok_or_else(|| wrong("it is empty or of an unknown kind".to_owned()))?;
        Ok(Some((at, kind)))
    }

    /// The length of the next frame; `None` at the end of the file.
    fn next_length(&mut self, at: u64) -> Result<Option<u64>, RecordingError> {
        let mut length: u64 = 0;
        for place in 0..MAX_VARINT_BYTES {
            let mut byte = [0];
            match self.input.read_exact(&mut byte) {
                Ok(()) if self.position < self.length => {}
                Ok(()) => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    self.is_cut = place > 0;
                    return Ok(None);
                }
                Err(error) => return Err(io_error("read", &self.path, error)),
            }
            self.position = self.position.saturating_add(1);
            let [byte] = byte;
            length |= u64::from(byte & 0x7f).checked_shl(7 * place).unwrap_or(0);
            if byte & 0x80 == 0 {
                return Ok(Some(length));
            }
        }
        let why = "its length is no varint of 64 bits".to_owned();
        Err(RecordingError::Frame { at, why })
    }
}

fn read_request(at: u64, bytes: &Bytes) -> Result<request::Value, RecordingError> {
    let limit = match bytes.first() {
        Some(&INIT_CHAIN) => MAX_FRAME_BYTES,
        _ => MAX_REQUEST_BYTES,
    };
    if bytes.len() > limit {
        return Err(RecordingError::TooLong {
            at,
            length: bytes.len() as u64,
            limit: limit as u64,
        });
    }
    let request = Request::decode(bytes.clone());
    let wrong = |why: String| RecordingError::Frame { at, why };
    let request = request.map_err(|error| wrong(format!("it has no ABCI request: {error}")))?;
    let value = request.value;
    value.ok_or_else(|| wrong("its request is empty or of an unknown kind".to_owned()))
}

/// The files of a recording in a folder, in the order of the runs.
///
/// # Errors
/// [`RecordingError::Io`].
pub fn files_in(folder: &Path) -> Result<Vec<PathBuf>, RecordingError> {
    Ok(numbers_in(folder)?.into_values().collect())
}

/// The same, by their numbers.
pub(super) fn numbers_in(folder: &Path) -> Result<BTreeMap<u64, PathBuf>, RecordingError> {
    let failed = |error| io_error("read the folder", folder, error);
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let is_of_a_recording = path.extension().is_some_and(|end| end == EXTENSION);
        let number = path
            .file_stem()
            .and_then(|stem| stem.to_str()?.parse().ok());
        if let (true, Some(number)) = (is_of_a_recording, number) {
            found.insert(number, path);
        }
    }
    Ok(found)
}

fn io_error(deed: &'static str, path: &Path, error: io::Error) -> RecordingError {
    RecordingError::Io {
        deed,
        path: path.to_owned(),
        error,
    }
}
