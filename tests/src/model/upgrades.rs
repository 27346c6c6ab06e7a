//! Owns the versions of the protocol: an upgrade that is planned, and the block that begins with it.

use serde_json::{Value, json};

use super::{Event, Model, event};

/// Blocks from a plan to its height.
const NOTICE: u64 = 10;

/// Upgrade, the version that it leads to, and the params (all at 0) that this version adds.
const UPGRADES: &[(&str, u64, &[&str])] = &[("treasury-fees", 3, &["treasury_fee_bps"])];

/// Under which rules the chain runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protocol {
    /// The version.
    pub version: u64,
    /// Height and name.
    pub planned: Option<(u64, String)>,
    /// Whether there is a record of it: from the first plan on.
    pub is_recorded: bool,
}

impl Protocol {
    pub(super) fn first() -> Self {
        Self {
            version: 2,
            planned: None,
            is_recorded: false,
        }
    }

    pub(super) fn record(&self) -> Option<Value> {
        let planned = self.planned.as_ref();
        let planned = planned.map(|(height, name)| json!({"height": height, "name": name}));
        let record = json!({"planned": planned, "version": self.version});
        self.is_recorded.then_some(record)
    }
}

/// Whether a plan, or none, is written like one.
pub(super) fn is_plan(value: &Value) -> bool {
    let Some(fields) = value.as_object() else {
        return value.is_null();
    };
    let height = fields.get("height").and_then(Value::as_u64);
    let name = fields.get("name").and_then(Value::as_str);
    fields.len() == 2
        && height.is_some_and(|height| height < 1 << 53)
        && name.is_some_and(|name| {
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            (1..=64).contains(&name.len()) && name.chars().all(fits)
        })
}

/// The version that has a param first.
pub(super) fn since(param: &str) -> u64 {
    let adds = UPGRADES
        .iter()
        .find(|(_, _, params)| params.contains(&param));
    adds.map_or(2, |(_, version, _)| *version)
}

impl Model {
    pub(super) fn plan_upgrade(&mut self, plan: &Value) -> Result<(), &'static str> {
        let planned = plan.as_object().map(|plan| {
            let name = plan["name"].as_str().unwrap();
            (plan["height"].as_u64().unwrap(), name.to_owned())
        });
        if let Some((height, name)) = &planned {
            let is_behind = |(known, version, _): &(&str, u64, &[&str])| {
                known == name && *version <= self.protocol.version
            };
            if *height < self.height + NOTICE || UPGRADES.iter().any(is_behind) {
                return Err("param_conflict");
            }
        }
        self.protocol.planned = planned;
        self.protocol.is_recorded = true;
        Ok(())
    }

    /// The upgrade that begins with this block.
    pub(super) fn upgrade(&mut self) -> Vec<Event> {
        let height = self.height;
        let planned = &mut self.protocol.planned;
        let Some((_, name)) = planned.take_if(|(at, _)| *at == height) else {
            return Vec::new();
        };
        let (_, version, params) = UPGRADES
            .iter()
            .find(|(known, ..)| *known == name)
            .unwrap_or_else(|| panic!("nobody knows the upgrade {name}"));
        self.protocol.version = *version;
        for param in *params {
            self.set_param(param, 0.into());
        }
        vec![event("upgraded", &[("name", &name), ("version", version)])]
    }
}
