//! Owns what is ready before the first transaction is sent: accounts and their money, fees, and everything signed.

use std::collections::VecDeque;

use ait_api::node::Health;
use ait_app::{
    address::Address,
    crypto::SecretKey,
    quantity::{Nonce, Uait},
    tx::Payload,
};
use ait_client::Client;
use tokio::task::spawn_blocking;

use crate::{
    LoadError,
    args::{LoadArgs, Workload},
    funds,
    jobs::{self, Miner},
    target::{Target, has_jobs},
    view::View,
    work::{self, Account, Prepared, Terms},
};

/// Everything that is ready before the first transaction is sent.
pub(crate) struct Ready {
    pub queues: Vec<VecDeque<Prepared>>,
    /// Of a chain of ours.
    pub ours: Option<Ours>,
}

/// What a chain of ours is held against afterwards.
pub(crate) struct Ours {
    pub client: Client,
    pub accounts: Vec<Account>,
    pub before: Vec<u64>,
    pub terms: Terms,
}

/// The accounts, their money, and everything signed.
pub(crate) async fn prepare(
    args: &LoadArgs,
    target: &Target,
    view: &View,
) -> Result<Ready, LoadError> {
    if args.workload == Workload::Kvstore {
        let queues = work::pairs(args)?;
        return Ok(Ready { queues, ours: None });
    }
    let client = target.client()?;
    let payer = target.payer.as_ref();
    let payer = payer.ok_or_else(|| LoadError::Usage("--payer is missing".to_owned()))?;
    let mut accounts = work::accounts(args)?;
    let terms = terms(args, target, &client).await?;
    view.say(&format!("paying {} senders", accounts.len()));
    funds::fund(&client, payer, &terms, &mut accounts).await?;
    let before = funds::balances(&client, &accounts).await?;
    view.say(&format!("signing {} transactions", args.count));
    let signed = {
        let args = args.clone();
        spawn_blocking(move || {
            let queues = work::sign(&args, &accounts, &terms);
            queues.map(|queues| (queues, accounts, terms))
        })
    };
    let signed = signed
        .await
        .map_err(|error| LoadError::Internal(error.to_string()))?;
    let (queues, accounts, terms) = signed?;
    let ours = Ours {
        client,
        accounts,
        before,
        terms,
    };
    Ok(Ready {
        queues,
        ours: Some(ours),
    })
}

/// Fees as the node asks for them at present, and the keys of who works.
async fn terms(args: &LoadArgs, target: &Target, client: &Client) -> Result<Terms, LoadError> {
    let health: Health = client.health().await?;
    let somebody = Address::of(&work::random_key()?.public_key());
    let fee = async |payload: Payload, sender: Address| {
        let estimate = client.estimate_fee(&payload, &sender).await?;
        Ok::<Uait, LoadError>(estimate.recommended.max(estimate.fee))
    };
    let mut terms = Terms {
        transfer_fee: fee(work::transfer(somebody)?, somebody).await?,
        open_fee: Uait::ZERO,
        fees: client.fee_params().await?,
        coordinator: target.coordinator.clone(),
        miners: Vec::new(),
        name: format!("load{:x}", std::process::id()),
        chain_id: health.chain_id,
    };
    if !has_jobs(args.workload) {
        return Ok(terms);
    }
    let coordinator = target.coordinator.clone();
    let coordinator =
        coordinator.ok_or_else(|| LoadError::Usage("--coordinator is missing".to_owned()))?;
    for connection in 0..args.connections() {
        let works = work::has_jobs(args.workload, connection);
        terms.miners.push(works.then(work::random_key).transpose()?);
    }
    // As long as the longest name of a job of this load.
    let job = format!("{}-{}-{}", terms.name, 99_999, 9_999_999_999_u64)
        .parse()
        .map_err(|_| LoadError::Internal("a job's name is malformed".to_owned()))?;
    let opening = jobs::open(&job, Address::of(&coordinator.public_key()), somebody)?;
    terms.open_fee = fee(opening.into(), somebody).await?;
    Ok(terms)
}

pub(crate) fn miner(terms: &Terms, key: SecretKey, coordinator: SecretKey) -> Miner {
    Miner {
        key,
        chain_id: terms.chain_id.clone(),
        coordinator,
        fees: terms.fees,
        next_nonce: Nonce::constant(1),
    }
}
