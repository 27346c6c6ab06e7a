//! Owns the table of upgrades that this program knows: their names, the version each leads to, and its
//! migration of the records, which every node runs at the beginning of the planned block.

use super::record::{Plan, Protocol, ProtocolVersion};
use crate::{
    address::Address,
    error::InvariantViolation,
    events::Event,
    params::table::{ParamKey, Params},
    prelude::*,
    quantity::Height,
    state::{Overlay, View},
};

/// An upgrade of the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upgrade {
    /// The treasury's share of fees: the param `treasury_fee_bps`.
    TreasuryFees,
}

/// What a block begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// No upgrade.
    Nothing,
    /// This one.
    Known(Upgrade),
    /// One that this program can't execute: it must not make the block.
    Unknown(Plan),
}

impl Upgrade {
    /// Every one, in the order of their versions.
    pub const ALL: &'static [Self] = &[Self::TreasuryFees];

    /// What a plan calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TreasuryFees => "treasury-fees",
        }
    }

    /// The version that holds from its height on.
    pub const fn version(self) -> ProtocolVersion {
        match self {
            Self::TreasuryFees => ProtocolVersion::V3,
        }
    }

    /// The one of that name; `None` where this program has none.
    pub fn named(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|upgrade| upgrade.name() == name)
    }

    /// Whether it leads on from a version, for who knows no version above `newest`.
    fn leads_on(self, from: ProtocolVersion, newest: ProtocolVersion) -> bool {
        from < self.version() && self.version() <= newest
    }

    /// Changes the records: all that the new rules read is there afterwards.
    fn migrate<V: View>(self, overlay: &mut Overlay<V>) {
        match self {
            Self::TreasuryFees => add_params(overlay, self.version()),
        }
    }
}

impl Protocol {
    /// What block `height` begins with, for who can execute versions up to `newest`.
    pub fn due(&self, height: Height, newest: ProtocolVersion) -> Due {
        let Some(plan) = self.planned.as_ref().filter(|plan| plan.height == height) else {
            return Due::Nothing;
        };
        let known = Upgrade::named(plan.name.as_str())
            .filter(|upgrade| upgrade.leads_on(self.version, newest));
        known.map_or_else(|| Due::Unknown(plan.clone()), Due::Known)
    }
}

impl Due {
    /// The version of the block's rules, in a chain that was at `before`.
    pub fn version(&self, before: ProtocolVersion) -> ProtocolVersion {
        match self {
            Self::Known(upgrade) => upgrade.version(),
            Self::Nothing | Self::Unknown(_) => before,
        }
    }

    /// Runs what is due on the records, before anything else of the block.
    ///
    /// # Errors
    /// [`InvariantViolation`] for an upgrade that this program doesn't know.
    pub(crate) fn begin<V: View>(
        &self,
        overlay: &mut Overlay<V>,
    ) -> Result<Vec<Event>, InvariantViolation> {
        match self {
            Self::Nothing => Ok(Vec::new()),
            Self::Unknown(plan) => Err(InvariantViolation::new(format!(
                "block {} is of an upgrade {:?} that this program does not know",
                plan.height,
                plan.name.as_str()
            ))),
            Self::Known(upgrade) => {
                let (before, version) = (overlay.protocol()?.version, upgrade.version());
                let planned = None;
                overlay.put(&(), Protocol { planned, version });
                // One that leads on by several versions is all of them.
                for step in Upgrade::ALL {
                    if before < step.version() && step.version() <= version {
                        step.migrate(overlay);
                    }
                }
                let event = Event::new("upgraded").id("name", upgrade.name());
                Ok(vec![event.id("version", version)])
            }
        }
    }
}

/// Gives the params of a version their defaults.
fn add_params<V: View>(overlay: &mut Overlay<V>, version: ProtocolVersion) {
    let defaults = Params::new(Address::treasury(), Height::ZERO);
    for key in ParamKey::ALL.iter().filter(|key| key.since() == version) {
        overlay.put(key, defaults.value(*key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::ConsensusAddress,
        params::table::ParamValue,
        state::{Key, Value},
    };

    struct Nothing;

    impl View for Nothing {
        fn value(&self, _: &Key) -> Result<Option<Arc<Value>>, InvariantViolation> {
            Ok(None)
        }

        fn key_owner(&self, _: &ConsensusAddress) -> Option<Address> {
            None
        }
    }

    fn planned(name: &str, version: ProtocolVersion) -> Protocol {
        let plan = Plan {
            height: Height::constant(9),
            name: name.parse().unwrap(),
        };
        Protocol {
            planned: Some(plan),
            version,
        }
    }

    #[test]
    fn every_upgrade_has_a_name_of_its_own_and_leads_one_version_on() {
        let mut version = ProtocolVersion::V2;
        for (index, upgrade) in Upgrade::ALL.iter().enumerate() {
            assert_eq!(upgrade.version().number(), version.number() + 1);
            version = upgrade.version();
            let others = &Upgrade::ALL[..index];
            assert!(others.iter().all(|other| other.name() != upgrade.name()));
        }
        assert_eq!(version, ProtocolVersion::NEWEST);
    }

    #[test]
    fn an_upgrade_is_due_at_its_height_for_who_knows_it_and_is_behind_it() {
        let (v2, v3) = (ProtocolVersion::V2, ProtocolVersion::V3);
        let protocol = planned("treasury-fees", v2);
        let at = |height| protocol.due(Height::constant(height), v3);
        assert_eq!(at(8), Due::Nothing);
        assert_eq!(at(9), Due::Known(Upgrade::TreasuryFees));
        let unknown = |protocol: &Protocol, newest| {
            matches!(protocol.due(Height::constant(9), newest), Due::Unknown(_))
        };
        assert!(unknown(&protocol, v2));
        assert!(unknown(&planned("other", v2), v3));
        assert!(unknown(&planned("treasury-fees", v3), v3));
    }

    #[test]
    fn the_migration_to_version_3_adds_the_treasurys_share_of_fees_and_nothing_else() {
        let mut overlay = Overlay::new(Nothing);
        let events = Due::Known(Upgrade::TreasuryFees)
            .begin(&mut overlay)
            .unwrap();
        assert_eq!(events[0].get("version"), Some("3"));
        let protocol = Protocol {
            planned: None,
            version: ProtocolVersion::V3,
        };
        assert_eq!(overlay.get::<Protocol>(&()).unwrap(), Some(protocol));
        let share = overlay.get::<ParamValue>(&ParamKey::TreasuryFeeBps);
        assert_eq!(share.unwrap(), Some(ParamValue::Integer(0)));
        assert_eq!(overlay.changes().len(), 2);
    }

    #[test]
    fn a_block_of_an_unknown_upgrade_is_never_begun() {
        let due =
            planned("other", ProtocolVersion::V2).due(Height::constant(9), ProtocolVersion::NEWEST);
        let error = due.begin(&mut Overlay::new(Nothing)).unwrap_err();
        assert!(error.to_string().contains("\"other\""), "{error}");
    }
}
