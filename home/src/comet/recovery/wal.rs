//! Owns the mending of CometBFT's write-ahead log after two crashes. One between storing block N and noting its end
//! leaves a log without that note; the next start can't replay the log and begins block N+1 afresh, and never notes
//! the end of N either. After a second crash the votes for N+1 are on record and can't be repeated, as the log with
//! their proposal can't be replayed: a validator without which there are no two thirds signs nothing any more.
//!
//! What is missing is the note alone. Put where block N+1 begins, it lets CometBFT replay what this validator did at
//! N+1, as after any other crash. What the validator signed last stays untouched, so nothing can be signed twice.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use crc::{CRC_32_ISCSI, Crc};
use prost::Message as _;
use serde::Serialize;
use tendermint_proto::v0_38::consensus::{
    EndHeight, MsgInfo, TimedWalMessage, WalMessage, message, wal_message,
};

use super::{Home, RecoveryError};

/// The log's newest file; older ones have a number behind it.
const NEWEST: &str = "data/cs.wal/wal";
/// A message's checksum and length.
const HEAD_BYTES: usize = 8;
/// CometBFT begins a new file at 10 MB, and a message has at most 1 MiB.
const MOST_FILE_BYTES: u64 = 64 * 1024 * 1024;
const CHECKSUM: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// What was found of the end of a block in the write-ahead log, and done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogState {
    /// Its end is noted, or nothing of the block behind it is: CometBFT can go on.
    NothingToMend,
    /// It was not noted where the next block begins, and is now.
    Mended,
}

/// What a file of the log says of a block's end.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// The end of it, or of a later one, is noted.
    Noted,
    /// This validator's part in the next block begins here.
    Begins { at: usize, frame: Vec<u8> },
    /// Nothing; whether it knows of that block or an earlier one.
    Nothing { is_older: bool },
}

/// Notes the end of the last block that the node executed, where a validator's part in the next one is logged and its
/// own end is not. CometBFT must not run.
///
/// # Errors
/// [`RecoveryError`]; then the log is as it was.
pub fn mend(home: &Home, height: u64) -> Result<LogState, RecoveryError> {
    // A home that never ran has no log.
    if !home.folder().join(NEWEST).exists() {
        return Ok(LogState::NothingToMend);
    }
    let Ok(height) = i64::try_from(height) else {
        return Ok(LogState::NothingToMend);
    };
    let mut earliest = None;
    for path in files(home)? {
        let bytes = read(&path)?;
        match find(&bytes, height) {
            Found::Noted => return Ok(LogState::NothingToMend),
            Found::Begins { at, frame } => earliest = Some((path, bytes, at, frame)),
            Found::Nothing { is_older: true } => break,
            Found::Nothing { is_older: false } => {}
        }
    }
    let Some((path, bytes, at, frame)) = earliest.filter(|_| height > 0) else {
        return Ok(LogState::NothingToMend);
    };
    let (before, behind) = bytes.split_at(at);
    replace(&path, &[before, &frame, behind].concat())?;
    Ok(LogState::Mended)
}

/// The files of a home's log, the newest first.
fn files(home: &Home) -> Result<Vec<PathBuf>, RecoveryError> {
    let newest = home.folder().join(NEWEST);
    let folder = newest.parent().unwrap_or(home.folder()).to_owned();
    let failed = |source| RecoveryError {
        action: "read the folder",
        path: folder.clone(),
        source,
    };
    let mut numbered = Vec::new();
    for entry in fs::read_dir(&folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let number = name.and_then(|name| name.strip_prefix("wal.")?.parse::<u32>().ok());
        numbered.extend(number.map(|number| (number, path)));
    }
    numbered.sort();
    let older = numbered.into_iter().rev().map(|(_, path)| path);
    Ok([newest].into_iter().chain(older).collect())
}

fn read(path: &Path) -> Result<Vec<u8>, RecoveryError> {
    let failed = |source| RecoveryError {
        action: "read",
        path: path.to_owned(),
        source,
    };
    let length = fs::metadata(path).map_err(failed)?.len();
    if length > MOST_FILE_BYTES {
        let limit = format!("it has {length} bytes, more than {MOST_FILE_BYTES}");
        return Err(failed(io::Error::other(limit)));
    }
    fs::read(path).map_err(failed)
}

/// Reads messages up to the first that is torn.
fn find(bytes: &[u8], height: i64) -> Found {
    let mut found = Found::Nothing { is_older: false };
    let mut at = 0_usize;
    while let Some((message, length)) = bytes.get(at..).and_then(next) {
        let kind = message.msg.as_ref().and_then(|msg| msg.sum.as_ref());
        match kind {
            Some(wal_message::Sum::EndHeight(end)) if end.height >= height => return Found::Noted,
            Some(wal_message::Sum::EndHeight(_)) => found = Found::Nothing { is_older: true },
            Some(own)
                if own_height(own) == Some(height.saturating_add(1))
                    && !matches!(found, Found::Begins { .. }) =>
            {
                let frame = end_of(height, &message);
                found = Found::Begins { at, frame };
            }
            _ => {}
        }
        at = at.saturating_add(length);
    }
    found
}

/// The first message, and the bytes that it takes.
fn next(bytes: &[u8]) -> Option<(TimedWalMessage, usize)> {
    let (checksum, rest) = bytes.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let data = rest.get(..length)?;
    if CHECKSUM.checksum(data) != u32::from_be_bytes(*checksum) {
        return None;
    }
    let message = TimedWalMessage::decode(data).ok()?;
    Some((message, length.checked_add(HEAD_BYTES)?))
}

/// The height of what this node itself did; peers may speak of any.
fn own_height(kind: &wal_message::Sum) -> Option<i64> {
    match kind {
        wal_message::Sum::EventDataRoundState(step) => Some(step.height),
        wal_message::Sum::TimeoutInfo(timeout) => Some(timeout.height),
        wal_message::Sum::MsgInfo(info) if info.peer_id.is_empty() => said_height(info),
        wal_message::Sum::MsgInfo(_) | wal_message::Sum::EndHeight(_) => None,
    }
}

fn said_height(info: &MsgInfo) -> Option<i64> {
    match info.msg.as_ref()?.sum.as_ref()? {
        message::Sum::Proposal(said) => said.proposal.as_ref().map(|proposal| proposal.height),
        message::Sum::BlockPart(part) => Some(part.height),
        message::Sum::Vote(said) => said.vote.as_ref().map(|vote| vote.height),
        _ => None,
    }
}

/// The note of a block's end as it would stand before this message.
fn end_of(height: i64, before: &TimedWalMessage) -> Vec<u8> {
    let sum = Some(wal_message::Sum::EndHeight(EndHeight { height }));
    let note = TimedWalMessage {
        time: before.time,
        msg: Some(WalMessage { sum }),
    };
    let data = note.encode_to_vec();
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let checksum = CHECKSUM.checksum(&data);
    [&checksum.to_be_bytes()[..], &length.to_be_bytes(), &data].concat()
}

/// Puts a file in another's place in one step, on disk when it returns.
fn replace(path: &Path, contents: &[u8]) -> Result<(), RecoveryError> {
    let failed = |source| RecoveryError {
        action: "write",
        path: path.to_owned(),
        source,
    };
    let folder = path.parent().unwrap_or(path);
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(contents).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    let folder = File::open(folder).map_err(failed)?;
    folder.sync_all().map_err(failed)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;
    use tendermint_proto::v0_38::{
        consensus::{Message, TimeoutInfo, Vote as SaidVote},
        types::{EventDataRoundState, Vote},
    };

    use super::*;

    fn framed(sum: wal_message::Sum) -> Vec<u8> {
        let message = TimedWalMessage {
            time: None,
            msg: Some(WalMessage { sum: Some(sum) }),
        };
        let data = message.encode_to_vec();
        let length = u32::try_from(data.len()).unwrap();
        let checksum = CHECKSUM.checksum(&data).to_be_bytes();
        [&checksum[..], &length.to_be_bytes(), &data].concat()
    }

    fn end(height: i64) -> Vec<u8> {
        framed(wal_message::Sum::EndHeight(EndHeight { height }))
    }

    fn step(height: i64) -> Vec<u8> {
        framed(wal_message::Sum::EventDataRoundState(EventDataRoundState {
            height,
            round: 0,
            step: "RoundStepPropose".to_owned(),
        }))
    }

    fn timeout(height: i64) -> Vec<u8> {
        framed(wal_message::Sum::TimeoutInfo(TimeoutInfo {
            height,
            ..TimeoutInfo::default()
        }))
    }

    fn vote(height: i64, peer: &str) -> Vec<u8> {
        let vote = Vote {
            height,
            ..Vote::default()
        };
        let sum = message::Sum::Vote(SaidVote { vote: Some(vote) });
        framed(wal_message::Sum::MsgInfo(MsgInfo {
            msg: Some(Message { sum: Some(sum) }),
            peer_id: peer.to_owned(),
        }))
    }

    fn home(files: &[(&str, Vec<u8>)]) -> (TempDir, Home) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("data/cs.wal")).unwrap();
        for (name, contents) in files {
            fs::write(folder.path().join("data/cs.wal").join(name), contents).unwrap();
        }
        let home = Home::new(folder.path());
        (folder, home)
    }

    fn log(folder: &TempDir, name: &str) -> Vec<u8> {
        fs::read(folder.path().join("data/cs.wal").join(name)).unwrap()
    }

    #[test]
    fn the_missing_end_of_a_block_is_noted_where_the_next_one_begins() {
        let before = [end(6), step(7), vote(7, ""), vote(8, "peer")].concat();
        let behind = [timeout(8), step(8), vote(8, ""), vote(7, "late")].concat();
        let torn = [&[1, 2, 3, 4, 0, 0][..]].concat();
        let whole = [before.clone(), behind.clone(), torn.clone()].concat();
        let (folder, of) = home(&[("wal", whole)]);
        assert_eq!(mend(&of, 7).unwrap(), LogState::Mended);
        let expected = [before, end(7), behind, torn].concat();
        assert_eq!(log(&folder, "wal"), expected);
        assert_eq!(mend(&of, 7).unwrap(), LogState::NothingToMend);
        assert_eq!(log(&folder, "wal"), expected);
    }

    #[test]
    fn a_log_that_goes_over_files_is_mended_in_the_one_where_the_block_begins() {
        let files = [
            ("wal.000", [end(5), step(6)].concat()),
            ("wal.001", [end(6), step(7), timeout(8)].concat()),
            ("wal", [step(8), vote(8, "")].concat()),
        ];
        let (folder, of) = home(&files);
        assert_eq!(mend(&of, 7).unwrap(), LogState::Mended);
        let expected = [end(6), step(7), end(7), timeout(8)].concat();
        assert_eq!(log(&folder, "wal.001"), expected);
        assert_eq!(log(&folder, "wal"), files[2].1);
    }

    #[test]
    fn what_cometbft_can_replay_stays_as_it_is() {
        for contents in [
            Vec::new(),
            end(0),
            [end(6), step(7)].concat(),
            [end(6), step(7), end(7)].concat(),
            [end(6), step(7), end(7), step(8), vote(8, "")].concat(),
            // Ahead of the node, which executes the block at the next start.
            [end(6), step(7), end(7), step(8), end(8)].concat(),
            [end(6), vote(8, "peer")].concat(),
            b"no log at all".to_vec(),
        ] {
            let (folder, of) = home(&[("wal", contents.clone())]);
            assert_eq!(mend(&of, 7).unwrap(), LogState::NothingToMend);
            assert_eq!(log(&folder, "wal"), contents);
        }
        let (_folder, of) = home(&[("wal", [end(0), step(1)].concat())]);
        assert_eq!(mend(&of, 0).unwrap(), LogState::NothingToMend);
    }

    #[test]
    fn a_home_that_never_ran_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path());
        assert_eq!(mend(&home, 7).unwrap(), LogState::NothingToMend);
    }
}
