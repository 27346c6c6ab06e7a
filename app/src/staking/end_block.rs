//! Owns what the end of a block does for validators, in its order (PROTOCOL sections 3 and 6): votes,
//! punishments, cuts of power, the epoch's end, the limit of newcomers; and the updates for CometBFT.
//! A genesis makes its authorities the first validators here.

use crate::{
    engine::{BlockInput, ValidatorUpdate},
    error::InvariantViolation,
    events::Event,
    params::{table::Params, values::ConsensusMode},
    prelude::*,
    quantity::Count,
    staking::{
        election::{after_cuts, elect, limit_newcomers},
        epoch::{authorities_hold_most, roll},
        keys::{KeyGrant, with_key},
        record::Consensus,
        set::{self, Set},
        slashing::punish,
    },
    state::{Overlay, View, base::Base},
    tx::context::BlockContext,
};

/// Ends a block for the validators. Gives the changes of CometBFT's set, by key, none of them twice.
///
/// # Errors
/// [`InvariantViolation`].
pub(crate) fn end_block(
    overlay: &mut Overlay<Base<'_>>,
    block: &BlockContext<'_>,
    input: &BlockInput,
) -> Result<(Vec<ValidatorUpdate>, Vec<Event>), InvariantViolation> {
    let params = block.params;
    let last_sent = overlay.below().state().sent_validators();
    let sent = set::last_sent(last_sent, overlay, &input.last_commit);
    let is_cbp = |mode| mode == ConsensusMode::Cbp;
    let events = if is_cbp(block.consensus.mode) && is_cbp(params.consensus_mode) {
        punish(overlay, block, &sent, input)?
    } else {
        Vec::new()
    };
    let consensus = end_epoch(overlay, block, &sent)?;
    let mut wanted = match consensus.mode {
        ConsensusMode::Poa => set::of_authorities(&params.authorities, &sent),
        ConsensusMode::Cbp => compute_backed(overlay, block, &consensus, &sent)?,
    };
    // CometBFT can't do without validators: rather than none, those it has go on as they are.
    if wanted.is_empty() {
        wanted.clone_from(&sent);
    }
    set::write(overlay, &sent, &wanted)?;
    Ok((set::updates(&sent, &wanted), events))
}

/// Whether an epoch ends with this block.
fn is_epoch_end(block: &BlockContext<'_>) -> bool {
    block.height.is_divisible_by(block.params.epoch_blocks)
}

/// Counts an epoch that ends and changes the mode where it is time to.
fn end_epoch(
    overlay: &mut Overlay<Base<'_>>,
    block: &BlockContext<'_>,
    sent: &Set,
) -> Result<Consensus, InvariantViolation> {
    let params = block.params;
    let before = overlay.consensus()?;
    let mut consensus = before.clone();
    if is_epoch_end(block) {
        roll(&mut consensus, params.work_decay_bps, block.height)?;
    }
    consensus.mode = match (before.mode, params.consensus_mode) {
        (ConsensusMode::Poa, ConsensusMode::Cbp)
            if !is_epoch_end(block) || !authorities_hold_most(overlay, params, sent)? =>
        {
            ConsensusMode::Poa
        }
        (_, wanted) => wanted,
    };
    if consensus.mode != before.mode {
        consensus.mode_changes = consensus.mode_changes.plus(Count::constant(1))?;
    }
    if consensus != before {
        overlay.put(&(), consensus.clone());
    }
    Ok(consensus)
}

/// The set under compute-backed proof; it may be empty.
fn compute_backed(
    overlay: &Overlay<Base<'_>>,
    block: &BlockContext<'_>,
    consensus: &Consensus,
    sent: &Set,
) -> Result<Set, InvariantViolation> {
    let cut = after_cuts(overlay, sent)?;
    let mut set = if is_epoch_end(block) {
        elect(overlay, block, consensus, sent, &cut)?
    } else {
        cut
    };
    limit_newcomers(overlay, block.params, &mut set)?;
    Ok(set)
}

/// Makes the authorities of a genesis its first validators, who are proven.
///
/// # Errors
/// [`InvariantViolation`] when one key belongs to two accounts: the param lists each once.
pub(crate) fn install_authorities<V: View>(
    overlay: &mut Overlay<V>,
    params: &Params,
) -> Result<(), InvariantViolation> {
    for authority in params.authorities.iter() {
        let address = authority.address;
        match with_key(overlay, address, authority.pubkey)? {
            KeyGrant::Granted(mut record) => {
                record.power = authority.voting_power();
                record.proven = true;
                overlay.put(&address, record);
            }
            KeyGrant::TakenBy(owner) => {
                return Err(InvariantViolation::new(format!(
                    "the authority {address} has the key of {owner}"
                )));
            }
        }
    }
    Ok(())
}
