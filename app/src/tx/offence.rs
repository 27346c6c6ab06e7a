//! Owns the offences of miners who claim wrongly (SPEC section 4), and the bans that follow them.
//! Event: `banned`.

use super::Context;
use crate::{
    amount,
    error::Broken,
    events::Event,
    state::{
        Key,
        overlay::{Overlay, View},
    },
};

/// Puts an offence onto its miner's record: score and epoch units halve, and enough offences
/// within the window ban it (SPEC section 4).
///
/// # Errors
/// [`Broken`] when the record is unreadable.
pub(super) fn record<V: View>(
    context: &Context<'_>,
    overlay: &mut Overlay<'_, V>,
) -> Result<Vec<Event>, Broken> {
    let address = context.verified.tx.sender;
    let mut miner = overlay.miner(&address)?;
    miner.score = miner.score.wrapping_div(2);
    miner.epoch_units = miner.epoch_units.wrapping_div(2);
    miner.offences = amount::saturating_add(miner.offences, 1);
    miner.recent_offences.push(context.height);
    let params = context.params;
    let window_start = context.height.saturating_sub(params.offence_window_blocks);
    miner
        .recent_offences
        .retain(|height| *height > window_start);
    let count = u64::try_from(miner.recent_offences.len()).unwrap_or(u64::MAX);
    let mut events = Vec::new();
    if count >= params.offence_limit {
        miner.banned_until = amount::saturating_add(context.height, params.ban_blocks);
        events.push(
            Event::new("banned")
                .id("miner", address)
                .amount("until", miner.banned_until),
        );
    }
    overlay.put(&Key::Miner(address), &miner)?;
    Ok(events)
}
