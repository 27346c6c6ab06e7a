//! Wire bytes are read in one pass that proves their canonical form; whatever they are, it finds what the
//! slow way finds, which reads any formatting, prints what it read and compares. `AIT_CASES` says how
//! many random wires are tried.

use std::sync::LazyLock;

use ait_app::{
    crypto::PublicKey,
    identifiers::ChainId,
    tx::{
        Wire,
        codec::{decode, decode_slowly},
    },
};
use ait_testkit::{
    actors::{alice, bob},
    chain::CHAIN_ID,
    draft::{Draft, transfer},
};
use ait_tests::plan::{self, Start, Who, edit, edited, examples, mutate, mutation};
use proptest::{collection::vec, prelude::*, sample::Index};
use serde_json::{Value, json};

/// Several of every kind, with all fields that they may have.
static DRAFTS: LazyLock<Vec<Draft>> =
    LazyLock::new(|| examples(&Start::usual().model(), Who::Alice));

static WIRES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| DRAFTS.iter().map(Draft::wire).collect());

/// Both ways find the same: the same value, or the same code in the same words.
fn check(bytes: &[u8]) -> Result<bool, TestCaseError> {
    let shown = String::from_utf8_lossy(bytes);
    let slow = decode_slowly(bytes);
    prop_assert_eq!(&decode(bytes), &slow, "{}", shown);
    let chain_id: ChainId = CHAIN_ID.parse().unwrap();
    match (Wire::read(bytes), &slow) {
        (Some(fast), Ok((tx, payload_bytes))) => {
            prop_assert_eq!(fast.fee, tx.fee);
            prop_assert_eq!(fast.nonce, tx.nonce);
            prop_assert_eq!(&fast.payload, &tx.payload);
            prop_assert_eq!(&fast.pubkey, tx.pubkey.as_bytes());
            prop_assert_eq!(fast.sender, tx.sender);
            prop_assert_eq!(fast.sig, tx.sig);
            prop_assert_eq!(fast.payload_text().len(), *payload_bytes);
            prop_assert_eq!(fast.sign_bytes(&chain_id), tx.sign_bytes(&chain_id));
        }
        (None, Ok(_)) => prop_assert!(false, "only the slow way reads {}", shown),
        // The one thing that the pass leaves to the verification.
        (Some(fast), Err(refusal)) => {
            prop_assert!(PublicKey::from_bytes(fast.pubkey).is_err(), "{}", shown);
            prop_assert_eq!(refusal.code.name(), "invalid_field");
            prop_assert!(refusal.message.contains("field pubkey"), "{}", refusal);
        }
        (None, Err(_)) => {}
    }
    Ok(slow.is_ok())
}

/// Another text of the same value, or nearly the same.
#[derive(Debug, Clone, Copy)]
enum Respelling {
    ReverseFields,
    RepeatField,
    SpaceBefore(char),
    SpaceAfterColon,
    Fraction,
    Exponent,
    LeadingZero,
    EscapeFirst,
    EscapeUpper,
    EscapeSlash,
    EscapedName,
    ListOfFields,
    TrailingComma,
    Quoted,
}

fn respelling() -> impl Strategy<Value = Respelling> {
    use Respelling::*;
    let all = vec![
        ReverseFields,
        RepeatField,
        SpaceBefore(' '),
        SpaceBefore('\n'),
        SpaceBefore('\t'),
        SpaceBefore('\u{feff}'),
        SpaceAfterColon,
        Fraction,
        Exponent,
        LeadingZero,
        EscapeFirst,
        EscapeUpper,
        EscapeSlash,
        EscapedName,
        ListOfFields,
        TrailingComma,
        Quoted,
    ];
    prop::sample::select(all)
}

/// Prints a value canonically but for the one `left` places from here.
fn respelled(value: &Value, left: &mut usize, how: Respelling) -> String {
    let here = *left == 0;
    *left = left.wrapping_sub(1);
    let text = match value {
        Value::Object(fields) => {
            let mut members: Vec<(String, String)> = fields
                .iter()
                .map(|(name, field)| (format!("\"{name}\""), respelled(field, left, how)))
                .collect();
            if here {
                return of_object(&mut members, how);
            }
            braced(&members, ":")
        }
        Value::Array(items) => {
            let items: Vec<String> = items
                .iter()
                .map(|item| respelled(item, left, how))
                .collect();
            let comma = if here && matches!(how, Respelling::TrailingComma) {
                ","
            } else {
                ""
            };
            format!("[{}{comma}]", items.join(","))
        }
        plain => plain.to_string(),
    };
    if here { of_plain(&text, how) } else { text }
}

fn braced(members: &[(String, String)], colon: &str) -> String {
    let members: Vec<String> = members
        .iter()
        .map(|(name, field)| format!("{name}{colon}{field}"))
        .collect();
    format!("{{{}}}", members.join(","))
}

fn of_object(members: &mut Vec<(String, String)>, how: Respelling) -> String {
    match how {
        Respelling::ReverseFields => members.reverse(),
        Respelling::RepeatField => members.extend(members.last().cloned()),
        Respelling::EscapedName => {
            if let Some((name, _)) = members.first_mut() {
                let first = name.remove(1);
                name.insert_str(1, &format!("\\u{:04x}", u32::from(first)));
            }
        }
        Respelling::SpaceAfterColon => return braced(members, ": "),
        Respelling::ListOfFields => {
            let fields: Vec<&str> = members.iter().map(|(_, field)| field.as_str()).collect();
            return format!("[{}]", fields.join(","));
        }
        Respelling::TrailingComma => {
            let text = braced(members, ":");
            return format!("{},}}", &text[..text.len() - 1]);
        }
        other => return of_plain(&braced(members, ":"), other),
    }
    braced(members, ":")
}

fn of_plain(text: &str, how: Respelling) -> String {
    let inner = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    let escape = |text: &str, digits: fn(u32) -> String| {
        let first = text.chars().next().filter(|first| *first != '\\');
        match first {
            Some(first) => format!(
                "\"\\u{}{}\"",
                digits(first.into()),
                &text[first.len_utf8()..]
            ),
            None => format!("\"{text}\""),
        }
    };
    match (how, inner) {
        (Respelling::SpaceBefore(space), _) => format!("{space}{text}"),
        (Respelling::Fraction, None) => format!("{text}.0"),
        (Respelling::Exponent, None) => format!("{text}e0"),
        (Respelling::LeadingZero, None) => format!("0{text}"),
        (Respelling::Quoted, None) => format!("\"{text}\""),
        (Respelling::EscapeFirst, Some(inner)) => escape(inner, |code| format!("{code:04x}")),
        (Respelling::EscapeUpper, Some(inner)) => escape(inner, |code| format!("{code:04X}")),
        (Respelling::EscapeSlash, Some(inner)) => format!("\"{inner}\\/\""),
        _ => text.to_owned(),
    }
}

#[test]
fn every_kind_is_read_in_one_pass() {
    for wire in WIRES.iter() {
        assert!(check(wire).unwrap(), "{}", String::from_utf8_lossy(wire));
    }
}

#[test]
fn every_character_that_a_text_may_have_is_read_in_one_pass() {
    let mut memos: Vec<String> = (0..0x250)
        .filter_map(char::from_u32)
        .map(String::from)
        .collect();
    memos.extend(["\u{2028}", "\u{ffff}", "😀", "\\u0041", "\\\"/", ""].map(str::to_owned));
    for memo in memos {
        let draft = Draft::new(CHAIN_ID, &alice(), "TRANSFER", transfer(bob().address(), 1));
        assert!(
            check(&draft.with("memo", memo.as_str()).wire()).unwrap(),
            "{memo:?}"
        );
    }
}

#[test]
fn a_key_that_is_no_point_is_named() {
    let zeros = "00".repeat(32);
    let mut tx = DRAFTS[0].json();
    tx["pubkey"] = json!(zeros);
    let refusal = decode(tx.to_string().as_bytes()).unwrap_err();
    assert_eq!(refusal.code.name(), "invalid_field");
    assert!(
        refusal
            .message
            .contains(&format!("field pubkey: public key {zeros}"))
    );
    assert!(!check(tx.to_string().as_bytes()).unwrap());
}

proptest! {
    #![proptest_config(plan::cases(10_000))]

    #[test]
    fn changed_bytes_are_read_alike(
        which in any::<Index>(),
        mutations in vec(mutation(), 1..4),
    ) {
        let mut wire: Vec<u8> = which.get(&WIRES).clone();
        for mutation in &mutations {
            mutate(&mut wire, &WIRES, mutation);
        }
        check(&wire)?;
    }

    #[test]
    fn changed_fields_are_read_alike(edits in vec(edit(), 1..4)) {
        let draft = DRAFTS[edits[0].which(DRAFTS.len())].clone();
        check(&edited(draft, &edits).wire())?;
    }

    #[test]
    fn other_spellings_are_read_alike(
        which in any::<Index>(),
        at in any::<Index>(),
        how in respelling(),
        edits in vec(edit(), 0..2),
    ) {
        let draft = edited(which.get(&DRAFTS).clone(), &edits);
        let tx = draft.json();
        let mut values = usize::MAX;
        respelled(&tx, &mut values, how);
        let count = usize::MAX - values;
        check(respelled(&tx, &mut at.index(count), how).as_bytes())?;
    }

    #[test]
    fn transfers_of_any_numbers_and_memo_are_read_in_one_pass(
        (amount, nonce, fee) in (1_u64..1 << 53, 0_u64..1 << 53, 0_u64..1 << 53),
        memo in proptest::option::of(".{0,60}|[\u{0}-\u{20}\"\\\\/]{0,60}"),
    ) {
        let payload = transfer(bob().address(), amount);
        let mut draft = Draft::new(CHAIN_ID, &alice(), "TRANSFER", payload).nonce(nonce).fee(fee);
        if let Some(memo) = memo {
            draft = draft.with("memo", memo);
        }
        prop_assert!(check(&draft.wire())?);
    }
}
