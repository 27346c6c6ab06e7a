//! Owns `PARAM_UPDATE`: the admin gives a param a whole new value, which holds from the next block.
//! It is checked against the params as earlier updates of the same block left them. Under the name `upgrade`
//! the admin plans one: see `upgrades`.
//! Codes: `params`. Event: `param_updated`.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    admin::check_admin,
    events::ParamsEvent,
    table::{ParamKey, ParamValue, Params},
    values::{Authorities, Authority, ConsensusMode, possession_bytes},
};
use crate::{
    code::Code,
    error::{Failure, InvariantViolation, Refusal, refuse},
    events::Event,
    json,
    prelude::*,
    staking::{
        keys::{KeyGrant, with_key},
        record::Validator,
    },
    state::{Overlay, View},
    tx::{context::Context, operation::Operation},
    upgrades::{
        plan,
        record::{Plan, ProtocolVersion},
    },
};

/// At most this many consensus keys that were never used may come with one update.
const MAX_NEW_KEYS: usize = 40;

/// How often `work_decay_bps` may change: lazily computed scores need all of its history.
const MAX_DECAYS: usize = 1_000;

/// The payload of `PARAM_UPDATE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParamUpdate {
    /// A new value for a param.
    Param {
        /// Which.
        key: ParamKey,
        /// One that was read for it.
        value: ParamValue,
    },
    /// The upgrade that is planned from now on; `None` for none.
    Upgrade(Option<Plan>),
}

impl ParamUpdate {
    /// A new value for a param of that name, or with the name `upgrade` a plan.
    ///
    /// # Errors
    /// [`Code::UnknownParam`], [`Code::ParamFixed`], [`Code::InvalidParamValue`].
    pub fn new(key: &str, value: &[u8]) -> Result<Self, Refusal> {
        if key == plan::KEY {
            return read_plan(value).map(Self::Upgrade);
        }
        let key = ParamKey::named(key)?;
        if key == ParamKey::EvidenceMaxAgeNumBlocks {
            return Err(Refusal::new(
                Code::ParamFixed,
                format!("param {key} is fixed in the genesis"),
            ));
        }
        let read = ParamValue::read(key, value)?;
        let canonical = serde_json::to_vec(&read).unwrap_or_default();
        if !json::says_the_same(value, &canonical) {
            return Err(Refusal::new(
                Code::InvalidParamValue,
                format!("param {key} is invalid: a list stands where an object belongs"),
            ));
        }
        Ok(Self::Param { key, value: read })
    }

    /// Reads the payload, in any formatting: what its value may be depends on its key.
    ///
    /// # Errors
    /// As [`ParamUpdate::new`], and a refusal that names a field.
    pub fn read(payload: &str) -> Result<Self, Refusal> {
        let form: Form<'_> = json::read(payload.as_bytes(), "payload")?;
        Self::new(&form.key, form.value.get().as_bytes())
    }

    /// Reads the payload from its canonical bytes alone; `None` for any others. By printing it again:
    /// admins send few of these.
    pub fn read_canonical(payload: &[u8]) -> Option<Self> {
        let read = Self::read(core::str::from_utf8(payload).ok()?).ok()?;
        let printed = serde_json::to_vec(&read).ok()?;
        (printed == payload).then_some(read)
    }
}

/// The payload's fields, the value as its text: what it may be depends on the key.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form<'a> {
    #[serde(borrow)]
    key: alloc::borrow::Cow<'a, str>,
    #[serde(borrow)]
    value: &'a RawValue,
}

impl Serialize for ParamUpdate {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fields<'a, T> {
            key: &'static str,
            value: &'a T,
        }
        let key = self.name();
        match self {
            Self::Param { value, .. } => Fields { key, value }.serialize(serializer),
            Self::Upgrade(value) => Fields { key, value }.serialize(serializer),
        }
    }
}

impl Operation for ParamUpdate {
    const KIND: &'static str = "PARAM_UPDATE";

    fn check_known(&self, version: ProtocolVersion) -> Result<(), Refusal> {
        match self {
            Self::Param { key, .. } => key.check_known(version),
            Self::Upgrade(_) => Ok(()),
        }
    }

    fn execute<V: View>(
        &self,
        context: &Context<'_>,
        overlay: &mut Overlay<V>,
    ) -> Result<Vec<Event>, Failure> {
        check_admin(context)?;
        let value = match self {
            Self::Param { key, value } => {
                let stored = without_proofs(value);
                update(context, overlay, *key, value, &stored)?;
                json::canonical_text(&stored)?
            }
            Self::Upgrade(planned) => {
                plan::put(context, overlay, planned.as_ref())?;
                json::canonical_text(planned)?
            }
        };
        let key = self.name();
        Ok(vec![ParamsEvent::Updated { key, value }.into()])
    }
}

impl ParamUpdate {
    /// What it changes, as payloads name it.
    fn name(&self) -> &'static str {
        match self {
            Self::Param { key, .. } => key.name(),
            Self::Upgrade(_) => plan::KEY,
        }
    }
}

/// Puts a value in its place; the state keeps it as `stored`.
fn update<V: View>(
    context: &Context<'_>,
    overlay: &mut Overlay<V>,
    key: ParamKey,
    value: &ParamValue,
    stored: &ParamValue,
) -> Result<(), Failure> {
    let mut params = Params::of(overlay)?;
    match value {
        ParamValue::Admin(candidate) => {
            if params.admin != context.sender {
                return refuse(
                    Code::NotTheAdmin,
                    format!("{} is the admin from the next block on", params.admin),
                );
            }
            let mut consensus = overlay.consensus()?;
            consensus.admin_candidate = Some(*candidate);
            overlay.put(&(), consensus);
            return Ok(());
        }
        ParamValue::Authorities(authorities) => {
            register(context, overlay, authorities)?;
            check_proven(overlay, authorities)?;
        }
        value => {
            params.set(key, value.clone());
            params.check_against_each_other()?;
            if *value == ParamValue::ConsensusMode(ConsensusMode::Poa) {
                check_proven(overlay, &params.authorities)?;
            }
            if key == ParamKey::WorkDecayBps {
                check_decays(context)?;
            }
        }
    }
    overlay.put(&key, stored.clone());
    Ok(())
}

/// A value as the state keeps it: proofs have served their purpose.
fn without_proofs(value: &ParamValue) -> ParamValue {
    match value {
        ParamValue::Authorities(list) => ParamValue::Authorities(list.without_proofs()),
        value => value.clone(),
    }
}

/// Reads the plan of an upgrade, or null, strictly.
fn read_plan(value: &[u8]) -> Result<Option<Plan>, Refusal> {
    let invalid = |why: &str| {
        let why = format!("param {} is invalid: {why}", plan::KEY);
        Refusal::new(Code::InvalidParamValue, why)
    };
    let read: Option<Plan> =
        json::read(value, plan::KEY).map_err(|refusal| match refusal.code {
            Code::MalformedJson => refusal,
            _ => invalid(&refusal.message),
        })?;
    let canonical = serde_json::to_vec(&read).unwrap_or_default();
    if !json::says_the_same(value, &canonical) {
        return Err(invalid("a list stands where an object belongs"));
    }
    Ok(read)
}

fn check_decays(context: &Context<'_>) -> Result<(), Failure> {
    if context.block.consensus.decays.len() >= MAX_DECAYS {
        return refuse(
            Code::ParamConflict,
            format!("work_decay_bps changed {MAX_DECAYS} times, the most that scores can follow"),
        );
    }
    Ok(())
}

/// Gives each authority its key. A new one is proven to be held by who shall have it; how many are
/// new comes first, since each costs a signature.
fn register<V: View>(
    context: &Context<'_>,
    overlay: &mut Overlay<V>,
    authorities: &Authorities,
) -> Result<(), Failure> {
    let mut new = Vec::new();
    for authority in authorities.iter() {
        let known = overlay.get::<Validator>(&authority.address)?;
        if !known.is_some_and(|record| record.keys.contains(&authority.pubkey)) {
            new.push(authority);
        }
    }
    if new.len() > MAX_NEW_KEYS {
        return refuse(
            Code::ParamConflict,
            format!("param authorities brings more than {MAX_NEW_KEYS} new keys"),
        );
    }
    for authority in new {
        check_proof(context, authority)?;
        match with_key(overlay, authority.address, authority.pubkey)? {
            KeyGrant::Granted(record) => overlay.put(&authority.address, record),
            KeyGrant::TakenBy(owner) => {
                return refuse(
                    Code::ConsensusKeyTaken,
                    format!(
                        "the consensus key {} belongs to {owner} for ever",
                        authority.pubkey
                    ),
                );
            }
        }
    }
    Ok(())
}

fn check_proof(context: &Context<'_>, authority: &Authority) -> Result<(), Failure> {
    let Authority {
        address,
        proof,
        pubkey,
        ..
    } = authority;
    let digest = possession_bytes(context.block.chain_id, address, pubkey);
    let signatures = context.block.signatures;
    let held = proof.is_some_and(|proof| signatures.hold(pubkey, &digest, &proof));
    if !held {
        return refuse(
            Code::InvalidAuthorityProof,
            format!(
                "param authorities: the key {pubkey} is new, and its proof for {address} does not verify"
            ),
        );
    }
    Ok(())
}

/// Keys that are proven hold more than 2/3 of the power of these authorities: a chain that waits for
/// keys that nobody runs stands still.
fn check_proven(view: &impl View, authorities: &Authorities) -> Result<(), Failure> {
    let (mut whole, mut proven): (u128, u128) = (0, 0);
    for authority in authorities.iter() {
        let power = u128::from(authority.voting_power().get());
        whole = whole.checked_add(power).ok_or_else(too_much_power)?;
        let record = view.get::<Validator>(&authority.address)?;
        if record.is_some_and(|record| record.proven && record.pubkey == authority.pubkey) {
            proven = proven.checked_add(power).ok_or_else(too_much_power)?;
        }
    }
    if proven.saturating_mul(3) <= whole.saturating_mul(2) {
        return refuse(
            Code::AuthoritiesNotProven,
            format!(
                "keys that sign blocks hold {proven} of the {whole} power of the authorities, not \
                 more than 2/3: replace them in steps"
            ),
        );
    }
    Ok(())
}

fn too_much_power() -> InvariantViolation {
    InvariantViolation::new("the power of 100 authorities passes 128 bits")
}
