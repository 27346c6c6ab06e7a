//! Owns what somebody trusts: one header and the set that signs the next. It begins with a hash that was
//! learnt elsewhere and moves on by what the trusted validators sign.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use tendermint::{block::signed_header::SignedHeader, chain, validator::Set};
use tendermint_light_client_verifier::{
    ProdVerifier, Verdict, Verifier,
    errors::VerificationErrorDetail as Detail,
    options::Options,
    types::{TrustThreshold, TrustedBlockState, UntrustedBlockState},
};

use crate::{
    bundle::Bundle,
    document::{self, FORMAT},
    light_block::LightBlock,
    malformed::Malformed,
    rejection::Rejection,
    signed_header,
    transaction::{TxBundle, VerifiedTx},
    unix_time::UnixTime,
    validators::{self, Validator},
};

/// How far trust reaches. That more than 1/3 of the trusted power has to sign a later block is fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How long after its header's time a trusted state may be followed from, in seconds. It has to be
    /// shorter than the chain locks its validators' stake. 100,000 by default.
    pub trusting_period_seconds: u64,
    /// How far ahead of the caller's clock a header may be, in seconds. 10 by default.
    pub clock_drift_seconds: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            trusting_period_seconds: 100_000,
            clock_drift_seconds: 10,
        }
    }
}

/// A header that is trusted, and the set that signs the block after it.
///
/// As JSON, to be kept in a file that nobody else may write:
///
/// ```json
/// {
///   "format": 1,
///   "chain_id": "ait-1",
///   "height": 41,
///   "hash": "the header's hash, 64 upper-case hex characters",
///   "time": "2026-01-31T12:00:00.5Z",
///   "next_validators": [{"pub_key": "base64 of 32 bytes", "power": "10"}]
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct Trusted {
    chain_id: chain::Id,
    height: u64,
    hash: [u8; 32],
    time: UnixTime,
    next_validators: Set,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    format: u64,
    chain_id: String,
    height: u64,
    hash: String,
    time: UnixTime,
    next_validators: Vec<Validator>,
}

/// What is verified: every field was followed from the trusted header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The chain.
    pub chain_id: String,
    /// The state is that after the block of this height.
    pub height: u64,
    /// The height of the header that it was verified against: `height` + 1.
    pub header_height: u64,
    /// That header's hash.
    pub header_hash: [u8; 32],
    /// That header's time.
    pub time: UnixTime,
    /// The app hash in that header.
    pub app_hash: [u8; 32],
    /// The state key.
    pub key: String,
    /// The record, canonical JSON as text; `None`: there is none.
    pub value: Option<String>,
}

impl Trusted {
    /// Begins from a height and hash that somebody trusts. The caller's clock plays no part: whether they
    /// are recent enough shows when something is followed from them.
    ///
    /// # Errors
    /// [`Rejection`], always a refuting one, where the block is not that one, of that chain, with the sets
    /// that its header names and their commit.
    pub fn begin(
        chain_id: &str,
        height: u64,
        hash: [u8; 32],
        block: &LightBlock,
    ) -> Result<Self, Rejection> {
        same_chain(chain_id, &block.signed_header)?;
        if block.height() != height {
            return Err(Rejection::OtherHeight {
                expected: height,
                got: block.height(),
            });
        }
        if block.hash() != hash {
            return Err(Rejection::OtherHash {
                height,
                expected: hex::encode_upper(hash),
                got: hex::encode_upper(block.hash()),
            });
        }
        block.judge()?;
        Ok(Self::of(block))
    }

    /// The chain.
    pub fn chain_id(&self) -> &str {
        self.chain_id.as_str()
    }

    /// The trusted header's height.
    pub fn height(&self) -> u64 {
        self.height
    }

    /// The trusted header's hash.
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// The trusted header's time.
    pub fn time(&self) -> UnixTime {
        self.time
    }

    /// Moves on to a later block: to the next one by the set that was announced for it, to any other if more
    /// than 1/3 of the trusted power signed it too. To the trusted block itself it stays as it is.
    ///
    /// # Errors
    /// [`Rejection`]; [`Rejection::needs_between`] where a block between has to be taken first.
    pub fn advance(
        &self,
        block: &LightBlock,
        now: UnixTime,
        policy: &Policy,
    ) -> Result<Self, Rejection> {
        same_chain(self.chain_id(), &block.signed_header)?;
        block.judge()?;
        let next = Some(block.next_validators());
        self.reach(&block.signed_header, &block.validators, next, now, policy)?;
        Ok(Self::of(block))
    }

    /// Verifies a bundle: that its header is the trusted one or follows from it by its commit, and its
    /// proofs under that header's app hash. A bundle under the trusted header itself holds forever: neither
    /// age nor the clock is asked.
    ///
    /// # Errors
    /// [`Rejection`]; one that refutes comes before one that says that it can't be told.
    pub fn verify(
        &self,
        bundle: &Bundle,
        now: UnixTime,
        policy: &Policy,
    ) -> Result<Verified, Rejection> {
        same_chain(self.chain_id(), &bundle.signed_header)?;
        bundle.judge()?;
        self.reach(&bundle.signed_header, &bundle.validators, None, now, policy)?;
        Ok(bundle.verified())
    }

    /// Verifies a bundle whose header is itself the one that somebody trusts, by its height and hash: nothing has to be
    /// followed, so neither age nor the clock is asked.
    ///
    /// # Errors
    /// [`Rejection`]; [`Rejection::Older`] where the bundle's header is before the trusted one, and
    /// [`Rejection::NotFollowed`] where it is after it.
    pub fn verify_at(height: u64, hash: [u8; 32], bundle: &Bundle) -> Result<Verified, Rejection> {
        bundle.judge()?;
        let verified = bundle.verified();
        is_trusted_itself(height, hash, verified.header_height, verified.header_hash)?;
        Ok(verified)
    }

    /// Verifies that a transaction stands in its block, and its code, as [`Trusted::verify`] does a record.
    ///
    /// # Errors
    /// [`Rejection`].
    pub fn verify_tx(
        &self,
        bundle: &TxBundle,
        now: UnixTime,
        policy: &Policy,
    ) -> Result<VerifiedTx, Rejection> {
        same_chain(self.chain_id(), &bundle.signed_header)?;
        bundle.judge()?;
        self.reach(&bundle.signed_header, &bundle.validators, None, now, policy)?;
        Ok(bundle.verified())
    }

    /// Verifies that a transaction stands in its block, as [`Trusted::verify_at`] does a record.
    ///
    /// # Errors
    /// As [`Trusted::verify_at`].
    pub fn verify_tx_at(
        height: u64,
        hash: [u8; 32],
        bundle: &TxBundle,
    ) -> Result<VerifiedTx, Rejection> {
        bundle.judge()?;
        let verified = bundle.verified();
        is_trusted_itself(height, hash, verified.header_height, verified.header_hash)?;
        Ok(verified)
    }

    /// Of a block that holds.
    fn of(block: &LightBlock) -> Self {
        Self {
            chain_id: block.signed_header.header.chain_id.clone(),
            height: block.height(),
            hash: block.hash(),
            time: block.time(),
            next_validators: block.next_validators().clone(),
        }
    }

    /// Whether a header that holds by itself is the trusted one or follows from it.
    fn reach(
        &self,
        signed: &SignedHeader,
        validators: &Set,
        next_validators: Option<&Set>,
        now: UnixTime,
        policy: &Policy,
    ) -> Result<(), Rejection> {
        let (height, hash) = (
            signed.header.height.value(),
            signed_header::hash(&signed.header),
        );
        if height < self.height {
            let trusted = self.height;
            return Err(Rejection::Older { trusted, height });
        }
        if height == self.height {
            if hash == self.hash {
                return Ok(());
            }
            return Err(Rejection::Fork {
                height,
                trusted: hex::encode_upper(self.hash),
                got: hex::encode_upper(hash),
            });
        }
        let untrusted = UntrustedBlockState {
            signed_header: signed,
            validators,
            next_validators,
        };
        self.follow(untrusted, now, policy)
    }

    /// Whether a later header follows: tendermint-light-client-verifier decides.
    fn follow(
        &self,
        untrusted: UntrustedBlockState<'_>,
        now: UnixTime,
        policy: &Policy,
    ) -> Result<(), Rejection> {
        let header = &untrusted.signed_header.header;
        let (height, time) = (header.height.value(), signed_header::time(header));
        let trusting_period = self
            .time
            .at_most_until_the_end(policy.trusting_period_seconds);
        let options = Options {
            trust_threshold: TrustThreshold::ONE_THIRD,
            trusting_period,
            clock_drift: now.at_most_until_the_end(policy.clock_drift_seconds),
        };
        let trusted = TrustedBlockState {
            chain_id: &self.chain_id,
            header_time: self.time.to_tendermint(),
            height: self.height.try_into().map_err(|_| Rejection::Older {
                trusted: self.height,
                height,
            })?,
            next_validators: &self.next_validators,
            next_validators_hash: self.next_validators.hash(),
        };
        let now_there = now.to_tendermint();
        let detail = match ProdVerifier::default()
            .verify_update_header(untrusted, trusted, &options, now_there)
        {
            Verdict::Success => return Ok(()),
            Verdict::NotEnoughTrust(tally) => {
                return Err(Rejection::Overlap {
                    trusted: self.height,
                    height,
                    signed: tally.tallied,
                    total: tally.total,
                });
            }
            Verdict::Invalid(detail) => detail,
        };
        Err(match detail {
            Detail::NotWithinTrustPeriod(_) => Rejection::Expired {
                expired: self.time.plus(trusting_period),
                now,
            },
            Detail::HeaderFromTheFuture(_) => Rejection::Future {
                time,
                now,
                drift: policy.clock_drift_seconds,
            },
            Detail::NonMonotonicBftTime(_) => Rejection::TimeNotLater {
                height,
                trusted: self.time,
                got: time,
            },
            Detail::InvalidNextValidatorSet(_) => Rejection::UnexpectedSet { height },
            other => Rejection::Commit {
                reason: other.to_string(),
            },
        })
    }
}

/// Whether a header that holds by itself is the one of that height and hash.
fn is_trusted_itself(
    trusted: u64,
    hash: [u8; 32],
    height: u64,
    got: [u8; 32],
) -> Result<(), Rejection> {
    match height.cmp(&trusted) {
        Ordering::Less => Err(Rejection::Older { trusted, height }),
        Ordering::Greater => Err(Rejection::NotFollowed { trusted, height }),
        Ordering::Equal if got != hash => Err(Rejection::OtherHash {
            height,
            expected: hex::encode_upper(hash),
            got: hex::encode_upper(got),
        }),
        Ordering::Equal => Ok(()),
    }
}

fn same_chain(expected: &str, signed: &SignedHeader) -> Result<(), Rejection> {
    let got = signed.header.chain_id.as_str();
    if got == expected {
        return Ok(());
    }
    Err(Rejection::OtherChain {
        expected: expected.to_owned(),
        got: got.to_owned(),
    })
}

impl From<Trusted> for Wire {
    fn from(trusted: Trusted) -> Self {
        Self {
            format: FORMAT,
            chain_id: trusted.chain_id.to_string(),
            height: trusted.height,
            hash: hex::encode_upper(trusted.hash),
            time: trusted.time,
            next_validators: validators::write(&trusted.next_validators),
        }
    }
}

impl TryFrom<Wire> for Trusted {
    type Error = Malformed;

    fn try_from(wire: Wire) -> Result<Self, Malformed> {
        document::check_format(wire.format)?;
        if wire.height == 0 || i64::try_from(wire.height).is_err() {
            return Err(Malformed::field("height", "is not from 1 to 2^63-1"));
        }
        let mut hash = [0; 32];
        let read = hex::decode_to_slice(&wire.hash, &mut hash);
        if read.is_err() || hex::encode_upper(hash) != wire.hash {
            let reason = "is not 64 upper-case hex characters";
            return Err(Malformed::field("hash", reason));
        }
        let chain_id = wire.chain_id.try_into();
        Ok(Self {
            chain_id: chain_id.map_err(|error: tendermint::Error| {
                Malformed::field("chain_id", error.to_string())
            })?,
            height: wire.height,
            hash,
            time: wire.time,
            next_validators: validators::read("next_validators", &wire.next_validators)?,
        })
    }
}
