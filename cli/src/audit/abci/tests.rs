//! Where two answers differ is told by the name of the field, and what is no difference is none.

use prost::{Message, bytes::Bytes};
use tendermint_proto::v0_38::abci::{
    ExecTxResult, Response, ResponseCommit, ResponseException, ResponseFinalizeBlock, ResponseInfo,
    response::Value as Answer,
};

use super::compare::{Compared, FieldDifference, difference, stopped_by_itself};

fn bytes(answer: Answer) -> Bytes {
    let value = Some(answer);
    Response { value }.encode_to_vec().into()
}

fn told(recorded: Answer, own: Answer, compared: Compared) -> Option<FieldDifference> {
    difference(&bytes(recorded), own, compared).unwrap()
}

fn block(codes: &[u32], app_hash: u8) -> ResponseFinalizeBlock {
    let with = |code: &u32| ExecTxResult {
        code: *code,
        ..ExecTxResult::default()
    };
    ResponseFinalizeBlock {
        tx_results: codes.iter().map(with).collect(),
        app_hash: vec![app_hash; 32].into(),
        ..ResponseFinalizeBlock::default()
    }
}

#[test]
fn the_first_field_that_differs_is_told_with_both_values() {
    let own = || Answer::FinalizeBlock(block(&[0, 3], 1));
    assert_eq!(told(own(), own(), Compared::Whole), None);
    let code = Answer::FinalizeBlock(block(&[0, 4], 1));
    let found = told(code, own(), Compared::Whole).unwrap();
    let values = (found.recorded.as_str(), found.found.as_str());
    assert_eq!(
        (found.field.as_str(), values),
        ("tx_results[1].code", ("4", "3"))
    );
    let hash = Answer::FinalizeBlock(block(&[0, 3], 2));
    let found = told(hash, own(), Compared::Whole).unwrap();
    assert_eq!(found.field, "app_hash");
    assert_ne!(found.recorded, found.found);
    let fewer = Answer::FinalizeBlock(block(&[0], 1));
    let found = told(fewer, own(), Compared::Whole).unwrap();
    let values = (found.recorded.as_str(), found.found.as_str());
    assert_eq!(
        (found.field.as_str(), values),
        ("tx_results", ("1 entries", "2 entries"))
    );
}

#[test]
fn an_answer_of_another_method_or_of_none_is_a_difference() {
    let own = || Answer::Commit(ResponseCommit::default());
    let other = Answer::FinalizeBlock(block(&[], 1));
    assert!(told(other, own(), Compared::Whole).is_some());
    let noise = Bytes::from_static(&[0xff; 5]);
    let found = difference(&noise, own(), Compared::Whole).unwrap().unwrap();
    assert!(found.recorded.contains("no ABCI response"), "{found:?}");
}

#[test]
fn what_control_characters_are_recorded_no_terminal_gets() {
    let own = || Answer::Info(ResponseInfo::default());
    let data = "\u{1b}[31mred".to_owned();
    let info = ResponseInfo {
        data,
        ..ResponseInfo::default()
    };
    let found = told(Answer::Info(info), own(), Compared::ButVersion).unwrap();
    assert_eq!(found.recorded, "\u{fffd}[31mred");
}

#[test]
fn the_programs_version_and_blocks_kept_for_a_snapshot_are_no_difference() {
    let info = |version: &str, height| {
        Answer::Info(ResponseInfo {
            version: version.to_owned(),
            last_block_height: height,
            ..ResponseInfo::default()
        })
    };
    assert_eq!(told(info("1", 7), info("2", 7), Compared::ButVersion), None);
    let found = told(info("1", 8), info("2", 7), Compared::ButVersion).unwrap();
    assert_eq!(found.field, "last_block_height");
    let commit = |retain_height| Answer::Commit(ResponseCommit { retain_height });
    assert_eq!(told(commit(3), commit(9), Compared::AtMost), None);
    for (recorded, compared) in [
        (10, Compared::AtMost),
        (-1, Compared::AtMost),
        (3, Compared::Whole),
    ] {
        let found = told(commit(recorded), commit(9), compared).unwrap();
        assert_eq!(found.field, "retain_height");
    }
}

#[test]
fn a_node_that_stopped_for_a_reason_of_its_own_is_no_difference_and_a_violation_is() {
    let exception = |error: &str| {
        let error = error.to_owned();
        bytes(Answer::Exception(ResponseException { error }))
    };
    assert!(stopped_by_itself(&exception(
        "the upgrade \"x\" begins with block 7"
    )));
    assert!(stopped_by_itself(&exception("no room is left on the disk")));
    assert!(!stopped_by_itself(&exception(
        "invariant violation: the books"
    )));
    let commit = ResponseCommit { retain_height: 7 };
    assert!(!stopped_by_itself(&bytes(Answer::Commit(commit))));
    assert!(!stopped_by_itself(&Bytes::from_static(&[10, 200])));
    assert!(!stopped_by_itself(&Bytes::new()));
}
