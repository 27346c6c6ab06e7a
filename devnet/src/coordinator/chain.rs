//! Owns what the mock coordinator sees of the chain, through one node: keys and escrows. What it
//! cannot see yet it cannot know.

use std::sync::OnceLock;

use ait_api::node::Health;
use ait_app::{
    address::Address,
    crypto::PublicKey,
    escrow::record::Escrow,
    identifiers::{ChainId, JobId},
    quantity::Height,
};
use ait_client::Client;
use ait_client::ClientError;

use super::{ledger::Opening, request::Denied, rules::Shown};

/// A chain, seen through a node.
pub struct Chain {
    pub node: Client,
    /// The chain's name.
    pub id: ChainId,
    /// Set once the node said that it is of that chain.
    same: OnceLock<()>,
}

impl Chain {
    /// The chain `id` as `node` shows it.
    pub fn new(node: Client, id: ChainId) -> Self {
        Self {
            node,
            id,
            same: OnceLock::new(),
        }
    }

    /// The key of a miner: the one that came along, if it is the miner's, else the chain's.
    ///
    /// # Errors
    /// 400 for another's key, 409 where none is known.
    pub async fn key_of(
        &self,
        miner: &Address,
        given: Option<PublicKey>,
    ) -> Result<PublicKey, Denied> {
        if let Some(key) = given {
            let owner = Address::of(&key);
            if owner != *miner {
                return Err(Denied::refused(
                    "miner_mismatch",
                    format!("field miner is {miner}, but miner_pubkey is that of {owner}"),
                ));
            }
            return Ok(key);
        }
        self.check().await?;
        let account = self.node.account(miner).await.map_err(away)?;
        account.pubkey.ok_or_else(|| {
            Denied::conflict(
                "miner_key_unknown",
                format!(
                    "the chain does not know the key of {miner} yet, so nothing it signs can be \
                     checked: add the field miner_pubkey"
                ),
            )
        })
    }

    /// An opening of an escrow that names this coordinator with this key.
    ///
    /// # Errors
    /// 409 where the node does not show it, 400 where it names others.
    pub async fn opening(
        &self,
        opening: &Opening,
        coordinator: &Address,
        key: &PublicKey,
    ) -> Result<Shown, Denied> {
        let (head, escrow) = self.escrow(&opening.client, &opening.job_id).await?;
        let height = opening.opened_height;
        if head < height {
            return Err(Denied::conflict(
                "height_unknown",
                format!(
                    "field opened_height is {height}, but the node is at block {head}: ask again"
                ),
            ));
        }
        let Some(escrow) = escrow.filter(|escrow| escrow.opened_height == height) else {
            return Err(Denied::conflict(
                "escrow_unknown",
                format!(
                    "the chain shows no escrow of {} for job {} that block {height} opened",
                    opening.client, opening.job_id
                ),
            ));
        };
        let named = escrow.attester(coordinator);
        if named.is_none_or(|named| named.key != *key) {
            return Err(Denied::refused(
                "not_our_escrow",
                format!("the escrow does not name {coordinator} with the key {key}"),
            ));
        }
        Ok(Shown {
            escrow,
            next: head.next(),
        })
    }

    /// The head, and an escrow that is at least as new.
    ///
    /// # Errors
    /// 409 where the node does not answer.
    pub async fn escrow(
        &self,
        client: &Address,
        job_id: &JobId,
    ) -> Result<(Height, Option<Escrow>), Denied> {
        self.check().await?;
        // The head first: what is read after it is at least as new.
        let head = self.node.head().await.map_err(away)?.height;
        let escrow = self.node.escrow(client, job_id).await.map_err(away)?;
        Ok((Height::constant(head), escrow))
    }

    async fn check(&self) -> Result<(), Denied> {
        if self.same.get().is_some() {
            return Ok(());
        }
        let health: Health = self.node.health().await.map_err(away)?;
        if health.chain_id != self.id {
            return Err(Denied::conflict(
                "node_of_other_chain",
                format!(
                    "the node at {} is of chain {}, not of {}",
                    self.node.base(),
                    health.chain_id,
                    self.id
                ),
            ));
        }
        self.same.get_or_init(|| ());
        Ok(())
    }
}

/// Without its node the coordinator cannot know.
fn away(error: ClientError) -> Denied {
    tracing::warn!(component = "coordinator", event = "node_away", %error);
    Denied::conflict(
        "node_away",
        format!("the coordinator's node cannot be asked: {error}"),
    )
}
