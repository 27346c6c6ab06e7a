//! Owns looking at the chain while it is loaded: how high it is, and which transactions a block has. As the load goes
//! through REST or through CometBFT, so does this.

use ait_api::{
    blocks::{Block, Head},
    routes::{GET_BLOCK, GET_HEAD},
};
use ait_app::tx::TxHash;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{LoadError, args::Through, connection::Connection};

/// Where a chain is looked at.
pub(crate) struct Chain {
    connection: Connection,
    url: String,
    is_comet: bool,
}

impl Chain {
    pub fn new(url: &str, through: Through) -> Result<Self, LoadError> {
        Ok(Self {
            connection: Connection::new(url)?,
            url: url.to_owned(),
            is_comet: through == Through::Comet,
        })
    }

    /// The height that the application has committed.
    pub async fn height(&mut self) -> Result<u64, LoadError> {
        if !self.is_comet {
            let head: Head = self.read(GET_HEAD.path).await?;
            return Ok(head.height);
        }
        let answer: Rpc<Info> = self.read("/abci_info").await?;
        let height = answer.result.response.last_block_height;
        // CometBFT leaves zeros out.
        Ok(height.parse().unwrap_or(0))
    }

    /// The height of CometBFT's last block. An application that keeps no state says nothing of its own height.
    pub async fn stored_height(&mut self) -> Result<u64, LoadError> {
        let answer: Rpc<Status> = self.read("/status").await?;
        Ok(answer
            .result
            .sync_info
            .latest_block_height
            .parse()
            .unwrap_or(0))
    }

    /// The hashes of a block's transactions.
    pub async fn hashes(&mut self, height: u64) -> Result<Vec<TxHash>, LoadError> {
        if !self.is_comet {
            let block: Block = self.read(&GET_BLOCK.to(&[&height])).await?;
            let hashes = block.txs.iter().filter_map(|tx| tx.as_str());
            return Ok(hashes.filter_map(TxHash::parse).collect());
        }
        let path = format!("/block?height={height}");
        let answer: Rpc<BlockAnswer> = self.read(&path).await?;
        let txs = answer.result.block.data.txs.unwrap_or_default();
        let wires = txs.iter().filter_map(|tx| STANDARD.decode(tx).ok());
        Ok(wires.map(|wire| TxHash::of(&wire)).collect())
    }

    pub async fn read<T: DeserializeOwned>(&mut self, path: &str) -> Result<T, LoadError> {
        let answer = self.connection.get(path).await?;
        serde_json::from_slice(&answer.body).map_err(|error| {
            let shown = String::from_utf8_lossy(answer.body.get(..300).unwrap_or(&answer.body));
            let reason = format!("HTTP {}, {error}: {shown}", answer.status);
            LoadError::connection(&format!("{}{path}", self.url), reason)
        })
    }
}

#[derive(Deserialize)]
struct Rpc<T> {
    result: T,
}

#[derive(Deserialize)]
struct Status {
    sync_info: SyncInfo,
}

#[derive(Deserialize)]
struct SyncInfo {
    latest_block_height: String,
}

#[derive(Deserialize)]
struct Info {
    response: InfoResponse,
}

#[derive(Deserialize)]
struct InfoResponse {
    #[serde(default)]
    last_block_height: String,
}

#[derive(Deserialize)]
struct BlockAnswer {
    block: BlockBody,
}

#[derive(Deserialize)]
struct BlockBody {
    data: BlockData,
}

#[derive(Deserialize)]
struct BlockData {
    txs: Option<Vec<String>>,
}
