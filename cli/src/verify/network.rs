//! Owns asking nodes for what is verified. None is trusted: whatever they say is only handed to `ait_verify`.

use std::time::Duration;

use ait_api::{
    blocks::{SignedHeaderAnswer, ValidatorSet},
    node::Health,
    routes::{GET_COMMIT, GET_VALIDATOR_SET},
};
use ait_client::{Client, ClientError, http::Trust};
use ait_home::{
    comet::state_sync::TrustedBlock,
    exit::{CannotTell, Refuted},
};
use ait_verify::{
    LightBlock, MAX_DOCUMENT_BYTES, Policy, Rejection, Trusted, UnixTime, Walk, WayBack,
};
use anyhow::{Context, Result, bail};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{
    judged,
    kept::Kept,
    proof::{Proof, Proven},
    question::Question,
};

/// How often a node is asked again whose next block is not there yet, and the pause between.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(500);

/// How many blocks before the trusted one a proof is followed to, one by one.
const MOST_BACK: u64 = 2_000;

/// The nodes that are asked, the first one for everything.
pub struct Network {
    first: Client,
    witnesses: Vec<Client>,
    fetched: u64,
}

impl Network {
    /// Of their REST addresses.
    ///
    /// # Errors
    /// When one can't be used.
    pub fn new(urls: &[String], trust: &Trust) -> Result<Self> {
        let client = |url: &String| {
            let client = Client::new(url, trust)?;
            anyhow::Ok(client.with_answers_up_to(MAX_DOCUMENT_BYTES))
        };
        let (first, witnesses) = urls.split_first().context("--node names no node")?;
        Ok(Self {
            first: client(first)?,
            witnesses: witnesses.iter().map(client).collect::<Result<_>>()?,
            fetched: 0,
        })
    }

    /// How many blocks were fetched.
    pub fn fetched(&self) -> u64 {
        self.fetched
    }

    /// The chain that the node says it is of.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn chain_id(&self) -> Result<String> {
        let health: Health = self.first.health().await?;
        Ok(health.chain_id.to_string())
    }

    /// What is trusted with a block that somebody trusts. Its header says which chain it is of.
    ///
    /// # Errors
    /// [`Refuted`] where the node has another block.
    pub async fn begin(&mut self, block: &TrustedBlock) -> Result<Trusted> {
        let light = self.light_block(block.height).await?;
        let chain_id = light.chain_id().to_owned();
        let begun = Trusted::begin(&chain_id, block.height, block.hash.bytes(), &light);
        begun.map_err(judged)
    }

    /// The node's proof of what is asked: of the newest state whose app hash is in a header, or of a transaction's block.
    ///
    /// # Errors
    /// When it gives none.
    pub async fn proof(&self, question: &Question) -> Result<Proof> {
        let (path, _) = question.asked().context("a file is no question")?;
        for _ in 0..TRIES {
            let answer: Value = self.first.get_whole(&format!("{path}?prove=true")).await?;
            // Of a refusal, too: what is not there is answered with 404 and the proof of it.
            if answer["proof"].is_object() {
                let text = serde_json::to_vec(&answer["proof"])?;
                return Proof::parse(&text).map_err(|error| judged(error.into()));
            }
            let is_on_its_way = answer["status"] == "pending";
            if answer["error"]["code"] != "not_yet_provable" && !is_on_its_way {
                let message = answer["error"]["message"].as_str();
                let message = message.unwrap_or("its answer has no proof");
                bail!("{}: {message}", self.first.base());
            }
            sleep(PAUSE).await;
        }
        bail!(
            "{}: no further block came, whose header would prove the last one",
            self.first.base()
        )
    }

    /// Follows what is trusted to a later block.
    ///
    /// # Errors
    /// [`Refuted`] where a block is wrong; what can't be told.
    pub async fn follow(
        &mut self,
        trusted: Trusted,
        height: u64,
        now: UnixTime,
        policy: &Policy,
    ) -> Result<Trusted> {
        let mut walk = Walk::to(trusted, height);
        while let Some(height) = walk.wants() {
            let block = self.light_block(height).await?;
            walk.take(block, now, policy).map_err(judged)?;
        }
        Ok(walk.trusted().clone())
    }

    /// The hash of an earlier block than the trusted one, by the hashes that headers have of those before them.
    ///
    /// # Errors
    /// [`CannotTell`] where that is far back; [`Refuted`] where a header is another one.
    pub async fn go_back(&mut self, trusted: &Trusted, height: u64) -> Result<TrustedBlock> {
        let blocks = trusted.height().saturating_sub(height);
        if blocks > MOST_BACK {
            let message = format!(
                "its header is {blocks} blocks before the trusted one: name a block at {height} or a little before by \
                 --trust"
            );
            return Err(CannotTell(message).into());
        }
        let mut way = WayBack::from(trusted);
        while way.height() > height {
            let path = GET_COMMIT.to(&[&way.height()]);
            let signed: SignedHeaderAnswer = self.patiently(&path).await?;
            way.take(&serde_json::to_vec(&signed)?).map_err(judged)?;
            self.fetched = self.fetched.saturating_add(1);
        }
        Ok(TrustedBlock {
            height,
            hash: way.hash().into(),
        })
    }

    /// An answer of the node, after as many pauses as its limit of requests asks for.
    async fn patiently<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        for _ in 0..TRIES {
            match self.first.get(path).await {
                Err(ClientError::Refused { status: 429, .. }) => sleep(PAUSE).await,
                answer => return Ok(answer?),
            }
        }
        bail!("{} answers too few requests", self.first.base())
    }

    async fn light_block(&mut self, height: u64) -> Result<LightBlock> {
        self.fetched = self.fetched.saturating_add(1);
        let text = fetch(&self.first, height).await?;
        LightBlock::parse(&text).map_err(|error| judged(error.into()))
    }

    /// The witnesses that have the same header.
    ///
    /// # Errors
    /// [`Refuted`] where one has another that follows from what is trusted as well: both are kept.
    pub async fn witnesses(
        &self,
        trusted: &Trusted,
        proven: &Proven,
        kept: &Kept,
    ) -> Result<Vec<String>> {
        let mut same = Vec::new();
        let (height, hash) = proven.header();
        for witness in &self.witnesses {
            let text = match fetch(witness, height).await {
                Ok(text) => text,
                Err(error) => {
                    eprintln!(
                        "ait: the witness {} says nothing: {error:#}",
                        witness.base()
                    );
                    continue;
                }
            };
            let block = match LightBlock::parse(&text) {
                Ok(block) if block.hash() == hash => {
                    same.push(witness.base().to_owned());
                    continue;
                }
                Ok(block) => block,
                Err(error) => {
                    eprintln!("ait: the witness {} says nonsense: {error}", witness.base());
                    continue;
                }
            };
            let own = fetch(&self.first, height).await?;
            let blocks = json!({
                self.first.base(): serde_json::from_slice::<Value>(&own)?,
                witness.base(): serde_json::from_slice::<Value>(&text)?,
            });
            let file = kept.keep_evidence(trusted.chain_id(), height, &blocks)?;
            let message = format!(
                "block {height} is {} for {} and {} for {}; both are in {}",
                hex::encode_upper(hash),
                self.first.base(),
                hex::encode_upper(block.hash()),
                witness.base(),
                file.display()
            );
            let fork = trusted.advance(&block, super::now(), &Policy::default());
            if matches!(fork, Err(Rejection::Fork { .. })) {
                return Err(Refuted(format!("the chain is forked: {message}")).into());
            }
            eprintln!("ait: the witness lies: {message}");
        }
        Ok(same)
    }
}

/// A block's header, its commit and both sets, as `ait_verify` reads them.
async fn fetch(node: &Client, height: u64) -> Result<Vec<u8>> {
    let signed: SignedHeaderAnswer = node.get(&GET_COMMIT.to(&[&height])).await?;
    let next = height.saturating_add(1);
    let validators: ValidatorSet = node.get(&GET_VALIDATOR_SET.to(&[&height])).await?;
    let next: ValidatorSet = node.get(&GET_VALIDATOR_SET.to(&[&next])).await?;
    let mut block = json!({
        "signed_header": signed.signed_header,
        "validators": validators.validators,
    });
    if next.validators != validators.validators {
        block["next_validators"] = json!(next.validators);
    }
    Ok(serde_json::to_vec(&block)?)
}
