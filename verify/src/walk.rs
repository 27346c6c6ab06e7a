//! Owns the way from a trusted header to a later one in steps: which block is needed next. Fetches nothing.

use crate::{
    light_block::LightBlock,
    rejection::Rejection,
    trusted::{Policy, Trusted},
    unix_time::UnixTime,
};

/// The way from a trusted header to a later height, by skipping: the target first, and the block in the
/// middle where too few of the trusted validators signed it.
///
/// ```no_run
/// # use ait_verify::{LightBlock, Policy, Rejection, Trusted, UnixTime, Walk};
/// # fn fetch(height: u64) -> Vec<u8> { unimplemented!() }
/// # fn walk(trusted: Trusted, target: u64, now: UnixTime) -> Result<Trusted, Rejection> {
/// let mut walk = Walk::to(trusted, target);
/// while let Some(height) = walk.wants() {
///     walk.take(LightBlock::parse(&fetch(height))?, now, &Policy::default())?;
/// }
/// # Ok(walk.trusted().clone())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Walk {
    trusted: Trusted,
    target: u64,
    /// Blocks that were taken and can't be followed to yet, the nearest last.
    waiting: Vec<LightBlock>,
}

impl Walk {
    /// Begins at a trusted header. Where the target is not after it there is nothing to do.
    pub fn to(trusted: Trusted, target: u64) -> Self {
        Self {
            trusted,
            target,
            waiting: Vec::new(),
        }
    }

    /// The height of the block to fetch and to give to [`Walk::take`]; `None` once the target is trusted.
    pub fn wants(&self) -> Option<u64> {
        let from = self.trusted.height();
        match self.waiting.last() {
            Some(block) => Some(from.midpoint(block.height())),
            None => (from < self.target).then_some(self.target),
        }
    }

    /// Takes the block that was wanted, and moves on as far as it leads.
    ///
    /// # Errors
    /// [`Rejection`] where the block is not the wanted one, or it or one that was waiting for it is refused.
    /// The refused block is dropped and wanted again, so that of another node can be tried. That too few of
    /// the trusted validators signed a block is no error here: the walk then wants one between.
    pub fn take(
        &mut self,
        block: LightBlock,
        now: UnixTime,
        policy: &Policy,
    ) -> Result<(), Rejection> {
        let expected = self.wants().unwrap_or(self.trusted.height());
        if block.height() != expected {
            return Err(Rejection::OtherHeight {
                expected,
                got: block.height(),
            });
        }
        match self.trusted.advance(&block, now, policy) {
            Ok(further) => self.trusted = further,
            Err(Rejection::Overlap { .. }) => {
                self.waiting.push(block);
                return Ok(());
            }
            Err(rejection) => return Err(rejection),
        }
        while let Some(next) = self.waiting.pop() {
            match self.trusted.advance(&next, now, policy) {
                Ok(further) => self.trusted = further,
                Err(Rejection::Overlap { .. }) => {
                    self.waiting.push(next);
                    break;
                }
                Err(rejection) => return Err(rejection),
            }
        }
        Ok(())
    }

    /// What is trusted so far.
    pub fn trusted(&self) -> &Trusted {
        &self.trusted
    }
}
