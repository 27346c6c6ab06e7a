//! Owns what follows from what nodes said: whether they are several, of one chain, with one genesis and one block.
//! Asks nobody.

use std::{collections::BTreeMap, time::SystemTime};

use ait_app::identifiers::ChainId;
use ait_home::comet::state_sync::{BlockHash, TrustedBlock};
use serde_json::Value;

use super::error::{Answers, JoinError};

/// How far behind the last block the trusted one is, at most. The newest snapshot is likely to be later: CometBFT
/// verifies a later header in one step, and an earlier one block by block, for 30 s at most.
const MOST_BLOCKS_BACK: u64 = 1_000;

/// What a node of the network says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// Where it was asked.
    pub url: String,
    /// The id of its node key.
    pub id: String,
    /// Its chain.
    pub chain_id: ChainId,
    /// The oldest block that it keeps.
    pub earliest: u64,
    /// Its last block.
    pub latest: u64,
}

/// A block as a node has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenBlock {
    /// Its header's hash.
    pub hash: BlockHash,
    /// Its header's time.
    pub time: SystemTime,
}

/// That there are as many nodes as `needed`; where several must agree, each there once.
///
/// # Errors
/// [`JoinError::TooFew`], [`JoinError::OneNode`].
pub fn check_count(
    witnesses: &[Witness],
    silent: &Answers,
    needed: usize,
) -> Result<(), JoinError> {
    let mut urls: BTreeMap<&str, &str> = BTreeMap::new();
    for Witness { url, id, .. } in witnesses {
        if let Some(first) = urls.insert(id, url)
            && needed > 1
        {
            return Err(JoinError::OneNode {
                first: first.to_owned(),
                second: url.clone(),
                id: id.clone(),
            });
        }
    }
    if witnesses.len() < needed {
        return Err(JoinError::TooFew {
            needed,
            found: witnesses.len(),
            silent: silent.clone(),
        });
    }
    Ok(())
}

/// The one chain that all are of.
///
/// # Errors
/// [`JoinError::ChainsDiffer`], and [`JoinError::OtherChain`] where it is not the expected one.
pub fn one_chain(witnesses: &[Witness], expected: Option<&ChainId>) -> Result<ChainId, JoinError> {
    let mut chains = witnesses.iter().map(|witness| &witness.chain_id);
    let nobody = || JoinError::TooFew {
        needed: 1,
        found: 0,
        silent: Answers::default(),
    };
    let found = chains.next().ok_or_else(nobody)?;
    if chains.any(|chain_id| chain_id != found) {
        let said = |witness: &Witness| (witness.url.clone(), witness.chain_id.to_string());
        let answers = witnesses.iter().map(said).collect();
        return Err(JoinError::ChainsDiffer(Answers(answers)));
    }
    match expected {
        Some(expected) if expected != found => Err(JoinError::OtherChain {
            found: found.clone(),
            expected: expected.clone(),
        }),
        _ => Ok(found.clone()),
    }
}

/// A height that all of them have: up to a thousand blocks back, but no further than the middle of what all keep,
/// since the older half may be pruned before it is asked for.
///
/// # Errors
/// [`JoinError::NoCommonBlock`].
pub fn common_height(witnesses: &[Witness]) -> Result<u64, JoinError> {
    let latest = witnesses.iter().map(|witness| witness.latest).min();
    let earliest = witnesses.iter().map(|witness| witness.earliest).max();
    let (latest, earliest) = (latest.unwrap_or(0), earliest.unwrap_or(0).max(1));
    if latest < earliest {
        let said = |witness: &Witness| {
            let Witness {
                earliest, latest, ..
            } = witness;
            (
                witness.url.clone(),
                format!("blocks {earliest} to {latest}"),
            )
        };
        let answers = witnesses.iter().map(said).collect();
        return Err(JoinError::NoCommonBlock(Answers(answers)));
    }
    let middle = earliest + (latest - earliest).div_ceil(2);
    Ok(middle.max(latest.saturating_sub(MOST_BLOCKS_BACK)))
}

/// The block of a height that all have, by URL; with `trusted`, that one.
///
/// # Errors
/// [`JoinError::NotTrusted`], [`JoinError::BlocksDiffer`].
pub fn one_block(
    height: u64,
    seen: &[(String, SeenBlock)],
    trusted: Option<&TrustedBlock>,
) -> Result<SeenBlock, JoinError> {
    let said = |(url, block): &(String, SeenBlock)| {
        let time = humantime::format_rfc3339_nanos(block.time);
        (url.clone(), format!("{} of {time}", block.hash))
    };
    if let Some(trusted) = trusted {
        let others = seen.iter().filter(|(_, block)| block.hash != trusted.hash);
        let answers: Vec<_> = others.map(said).collect();
        if !answers.is_empty() {
            return Err(JoinError::NotTrusted {
                block: *trusted,
                answers: Answers(answers),
            });
        }
    }
    let differ = || JoinError::BlocksDiffer {
        height,
        answers: Answers(seen.iter().map(said).collect()),
    };
    let (_, first) = seen.first().ok_or_else(differ)?;
    match seen.iter().all(|(_, block)| block == first) {
        true => Ok(*first),
        false => Err(differ()),
    }
}

/// Where two documents differ first, as a JSON pointer; `None` where they are the same.
pub fn difference(one: &Value, other: &Value) -> Option<String> {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let names = one.keys().chain(other.keys());
            names.into_iter().find_map(|name| {
                let place = match (one.get(name), other.get(name)) {
                    (Some(one), Some(other)) => difference(one, other)?,
                    _ => String::new(),
                };
                Some(format!("/{name}{place}"))
            })
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            let pairs = one.iter().zip(other).enumerate();
            pairs
                .into_iter()
                .find_map(|(i, (one, other))| Some(format!("/{i}{}", difference(one, other)?)))
        }
        _ => (one != other).then(String::new),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    fn witness(number: u8, earliest: u64, latest: u64) -> Witness {
        Witness {
            url: format!("http://n{number}"),
            id: format!("{number:040}"),
            chain_id: "test-1".parse().unwrap(),
            earliest,
            latest,
        }
    }

    fn block(byte: &str) -> SeenBlock {
        SeenBlock {
            hash: byte.repeat(32).parse().unwrap(),
            time: SystemTime::UNIX_EPOCH + Duration::from_secs(60),
        }
    }

    #[test]
    fn the_block_to_trust_is_one_that_nobody_is_about_to_prune() {
        let height = |nodes: &[(u64, u64)]| {
            let nodes = nodes.iter().map(|(from, to)| witness(1, *from, *to));
            common_height(&nodes.collect::<Vec<_>>()).ok()
        };
        assert_eq!(height(&[(1, 1), (1, 1)]), Some(1));
        assert_eq!(height(&[(1, 20), (1, 18)]), Some(10));
        assert_eq!(height(&[(1, 50_000), (1, 49_990)]), Some(48_990));
        assert_eq!(height(&[(1, 50_000), (49_900, 50_000)]), Some(49_950));
        assert_eq!(height(&[(0, 0), (0, 0)]), None);
        assert_eq!(height(&[(1, 10), (11, 20)]), None);
        assert_eq!(height(&[(1, u64::MAX)]), Some(u64::MAX - 1_000));
    }

    #[test]
    fn two_addresses_of_one_node_are_one_node() {
        let mut second = witness(2, 1, 9);
        second.id = witness(1, 1, 9).id;
        let nodes = [witness(1, 1, 9), second];
        let error = check_count(&nodes, &Answers::default(), 2).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("http://n1") && text.contains("http://n2"),
            "{text}"
        );
        // They need not agree about a block that is trusted already.
        assert_eq!(check_count(&nodes, &Answers::default(), 1), Ok(()));
    }

    #[test]
    fn nodes_of_different_chains_are_named_with_theirs() {
        let mut other = witness(2, 1, 9);
        other.chain_id = "other-1".parse().unwrap();
        let error = one_chain(&[witness(1, 1, 9), other], None).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("http://n1: test-1"), "{text}");
        assert!(text.contains("http://n2: other-1"), "{text}");
        let expected = "mine-1".parse().unwrap();
        let error = one_chain(&[witness(1, 1, 9)], Some(&expected)).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("test-1, not of mine-1"), "{text}");
    }

    #[test]
    fn nodes_that_disagree_about_a_block_are_named_with_what_they_said() {
        let said = |blocks: &[SeenBlock]| {
            let urls = (1..).map(|i| format!("http://n{i}"));
            urls.zip(blocks.iter().copied()).collect::<Vec<_>>()
        };
        let (a, b) = (block("aa"), block("bb"));
        assert_eq!(one_block(7, &said(&[a, a]), None), Ok(a));
        let text = one_block(7, &said(&[a, a, b]), None)
            .unwrap_err()
            .to_string();
        assert!(
            text.contains("block 7") && text.contains("http://n3: BBBB"),
            "{text}"
        );
        // The same hash with another time is a lie too.
        let mut late = a;
        late.time += Duration::from_secs(1);
        assert!(one_block(7, &said(&[a, late]), None).is_err());

        let trusted = TrustedBlock {
            height: 7,
            hash: b.hash,
        };
        assert_eq!(one_block(7, &said(&[b]), Some(&trusted)), Ok(b));
        let error = one_block(7, &said(&[b, a]), Some(&trusted)).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("http://n2: AAAA"), "{text}");
        assert!(!text.contains("http://n1"), "{text}");
    }

    #[test]
    fn documents_differ_where_they_differ_and_not_by_their_order() {
        let one = json!({"a": 1, "b": {"c": [1, 2]}});
        let same = serde_json::from_str(r#"{"b":{"c":[1,2]},"a":1}"#).unwrap();
        assert_eq!(difference(&one, &same), None);
        for (other, place) in [
            (json!({"a": 1, "b": {"c": [1, 3]}}), "/b/c/1"),
            (json!({"a": 1, "b": {"c": [1]}}), "/b/c"),
            (json!({"a": 1}), "/b"),
            (json!({"a": 1, "b": {"c": [1, 2]}, "d": null}), "/d"),
            (json!([]), ""),
        ] {
            assert_eq!(difference(&one, &other).as_deref(), Some(place));
        }
    }
}
