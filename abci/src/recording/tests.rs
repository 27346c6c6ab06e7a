//! A recording is read as it was written, up to its last whole frame; what was changed is refused with its place.

use std::{fs, path::Path, sync::Arc};

use prost::Message as _;
use tendermint_proto::v0_38::abci::{
    RequestCheckTx, RequestCommit, RequestFinalizeBlock, RequestFlush, RequestQuery, Response,
    ResponseCommit, request::Value as Request, response::Value as Answer,
};

use super::{
    Call, FORMAT, Item, Recorded, Recorder, Recording, RecordingError, Run, files_in,
    frame::{Answered, Called, Ended, Frame, Kind},
};
use crate::transport::{Application, default_answer};

/// Answers all but Query, which no answer follows.
#[derive(Clone)]
struct Plain;

impl Application for Plain {
    type Fatal = String;

    fn answer(&self, request: Request) -> Result<Answer, String> {
        match request {
            Request::Query(_) => Err("can't go on".to_owned()),
            other => Ok(default_answer(other)),
        }
    }
}

fn run() -> Run {
    Run {
        format: FORMAT.to_owned(),
        chain_id: "test-1".to_owned(),
        height: 7,
        ..Run::default()
    }
}

fn check_tx(bytes: usize) -> Request {
    Request::CheckTx(RequestCheckTx {
        tx: vec![7; bytes].into(),
        ..RequestCheckTx::default()
    })
}

fn finalize_block() -> Request {
    Request::FinalizeBlock(RequestFinalizeBlock {
        height: 8,
        ..RequestFinalizeBlock::default()
    })
}

fn items(path: &Path) -> Result<(Vec<Item>, Recording), RecordingError> {
    let mut recording = Recording::open(path)?;
    let mut found = Vec::new();
    while let Some(item) = recording.next_item()? {
        found.push(item);
    }
    Ok((found, recording))
}

/// A file of two connections' calls, and what it says.
fn recorded(folder: &Path, ends: bool) -> (std::path::PathBuf, Vec<Item>) {
    let recorder = Arc::new(Recorder::create(folder, run()).unwrap());
    let path = recorder.path().to_owned();
    let application = Recorded::new(Plain, recorder.clone());
    let consensus = application.connected();
    let mempool = application.connected();
    let mut expected = vec![Item::Opened(1), Item::Opened(2)];
    let requests = [
        (1, finalize_block()),
        (2, check_tx(100)),
        (1, Request::Commit(RequestCommit {})),
        (2, check_tx(70_000)),
    ];
    for (number, (connection, request)) in (1..).zip(requests) {
        let on = if connection == 1 {
            &consensus
        } else {
            &mempool
        };
        let answer = on.answer(request.clone()).unwrap();
        let value = Some(answer);
        expected.push(Item::Call(Call { number, connection }, Box::new(request)));
        expected.push(Item::Answer(
            number,
            Response { value }.encode_to_vec().into(),
        ));
        on.answer(Request::Flush(RequestFlush {})).unwrap();
    }
    drop(consensus);
    expected.push(Item::Closed(1));
    drop(mempool);
    expected.push(Item::Closed(2));
    if ends {
        recorder.end();
        expected.push(Item::Ended);
    }
    (path, expected)
}

#[test]
fn a_recording_says_what_was_asked_on_each_connection_and_what_was_answered() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("made/here");
    let (first, expected) = recorded(&folder, true);
    let (found, recording) = items(&first).unwrap();
    assert_eq!(found, expected);
    assert_eq!(*recording.run(), run());
    assert!(recording.is_ended() && !recording.is_cut());
    // Each run has a file of its own.
    let (second, expected) = recorded(&folder, false);
    assert_eq!(files_in(&folder).unwrap(), [first, second.clone()]);
    let (found, recording) = items(&second).unwrap();
    assert_eq!(found, expected);
    assert!(!recording.is_ended() && !recording.is_cut());
}

#[test]
fn a_call_that_no_node_goes_on_from_is_answered_by_an_exception() {
    let folder = tempfile::tempdir().unwrap();
    let recorder = Arc::new(Recorder::create(folder.path(), run()).unwrap());
    let path = recorder.path().to_owned();
    let application = Recorded::new(Plain, recorder).connected();
    let query = Request::Query(RequestQuery::default());
    assert_eq!(application.answer(query).unwrap_err(), "can't go on");
    // It is in the file before anybody asks for the end.
    let (found, _) = items(&path).unwrap();
    let Some(Item::Answer(1, answer)) = found.last() else {
        panic!("{found:?}");
    };
    let Some(Answer::Exception(exception)) = Response::decode(answer.clone()).unwrap().value else {
        panic!("{answer:?}");
    };
    assert_eq!(exception.error, "can't go on");
}

#[test]
fn a_call_is_in_the_file_before_it_is_answered() {
    #[derive(Clone)]
    struct Looking(std::path::PathBuf);
    impl Application for Looking {
        type Fatal = String;
        fn answer(&self, request: Request) -> Result<Answer, String> {
            let (found, _) = items(&self.0).map_err(|error| error.to_string())?;
            let is_there = found
                .iter()
                .any(|item| matches!(item, Item::Call(_, found) if **found == request));
            match is_there {
                true => Ok(default_answer(request)),
                false => Err(format!("{found:?}")),
            }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let recorder = Arc::new(Recorder::create(folder.path(), run()).unwrap());
    let application = Recorded::new(Looking(recorder.path().to_owned()), recorder).connected();
    for request in [finalize_block(), Request::Commit(RequestCommit {})] {
        application.answer(request).unwrap();
    }
}

#[test]
fn a_file_that_was_cut_anywhere_is_read_up_to_its_last_whole_frame() {
    let folder = tempfile::tempdir().unwrap();
    let (path, expected) = recorded(folder.path(), true);
    let bytes = fs::read(&path).unwrap();
    let cut = folder.path().join("cut");
    let mut lengths = Vec::new();
    // The long frame is cut in some places alone.
    for length in (0..500).chain((500..bytes.len()).step_by(7_001)) {
        fs::write(&cut, &bytes[..length.min(bytes.len())]).unwrap();
        match items(&cut) {
            Ok((found, recording)) => {
                assert_eq!(found, expected[..found.len()], "{length}");
                assert!(!recording.is_ended() || length >= bytes.len());
                lengths.push(found.len());
            }
            // Nothing is known of a file without its first frame.
            Err(RecordingError::NoRecording(_)) => assert!(length < 100, "{length}"),
            Err(error) => panic!("{length}: {error}"),
        }
    }
    assert!(lengths.is_sorted());
    assert!(lengths.contains(&0) && lengths.contains(&8), "{lengths:?}");
}

fn file_of(path: &Path, kinds: Vec<Kind>) {
    let frames = kinds.into_iter().map(|kind| {
        let kind = Some(kind);
        Frame { kind }.encode_length_delimited_to_vec()
    });
    fs::write(path, frames.collect::<Vec<_>>().concat()).unwrap();
}

fn call(number: u64) -> Kind {
    let value = Some(Request::Commit(RequestCommit {}));
    let request = tendermint_proto::v0_38::abci::Request { value };
    Kind::Call(Called {
        number,
        connection: 1,
        request: request.encode_to_vec().into(),
    })
}

fn answer(number: u64) -> Kind {
    let value = Some(Answer::Commit(ResponseCommit::default()));
    let response = Response { value }.encode_to_vec().into();
    Kind::Answer(Answered { number, response })
}

#[test]
fn frames_that_no_node_writes_are_refused_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let refused = |kinds: Vec<Kind>| {
        file_of(&path, [vec![Kind::Run(run())], kinds].concat());
        items(&path).map(|_| ()).unwrap_err().to_string()
    };
    let first = Frame {
        kind: Some(Kind::Run(run())),
    }
    .encode_length_delimited_to_vec()
    .len();
    let text = refused(vec![call(2)]);
    assert_eq!(
        text,
        format!(
            "byte {first}: call 2 stands where call 1 belongs: the recording was changed, or has a hole"
        )
    );
    assert!(refused(vec![call(1), answer(1), call(3)]).contains("call 3 stands where call 2"));
    assert!(refused(vec![answer(1)]).contains("it answers a call that was not made"));
    assert!(refused(vec![Kind::Run(run())]).contains("a second run begins"));
    assert!(refused(vec![Kind::Ended(Ended {}), call(1)]).contains("after the end of the run"));
    let nothing = Kind::Call(Called {
        number: 1,
        ..Called::default()
    });
    assert!(refused(vec![nothing]).contains("its request is empty or of an unknown kind"));
    let noise = Kind::Call(Called {
        number: 1,
        request: vec![0xff; 9].into(),
        ..Called::default()
    });
    assert!(refused(vec![noise]).contains("it has no ABCI request"));
}

#[test]
fn another_format_and_another_file_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let format = "ait-abci-record/2".to_owned();
    file_of(&path, vec![Kind::Run(Run { format, ..run() })]);
    let error = items(&path).map(|_| ()).unwrap_err().to_string();
    assert!(
        error.contains("\"ait-abci-record/2\"") && error.contains(FORMAT),
        "{error}"
    );
    for bytes in [&b""[..], b"{\"chain_id\": \"x\"}", &[0xff; 64], &[0; 64]] {
        fs::write(&path, bytes).unwrap();
        let error = items(&path).map(|_| ()).unwrap_err();
        assert!(matches!(error, RecordingError::NoRecording(_)), "{error}");
    }
}

#[test]
fn an_announced_length_takes_no_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    file_of(&path, vec![Kind::Run(run())]);
    let begin = fs::read(&path).unwrap();
    // 100 MiB, of which a few bytes are there: the file was cut.
    fs::write(
        &path,
        [&begin[..], &[0x80, 0x80, 0x80, 0x32, 1, 2]].concat(),
    )
    .unwrap();
    let (found, recording) = items(&path).unwrap();
    assert!(found.is_empty() && recording.is_cut());
    // No frame is as long as this.
    fs::write(
        &path,
        [&begin[..], &[0x80, 0x80, 0x80, 0x80, 0x32, 1, 2]].concat(),
    )
    .unwrap();
    let error = items(&path).map(|_| ()).unwrap_err();
    assert!(matches!(error, RecordingError::TooLong { .. }), "{error}");
    fs::write(&path, [&begin[..], &[0x80; 12]].concat()).unwrap();
    let error = items(&path).map(|_| ()).unwrap_err();
    assert!(matches!(error, RecordingError::Frame { .. }), "{error}");
}
