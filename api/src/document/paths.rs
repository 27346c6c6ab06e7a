//! Owns what the document says of each route.

use serde_json::{Value, json};

use super::{
    operation::{Operation, reference},
    transaction::{DRAFT, INTENT, SIGNED},
};
use crate::{
    accounts::{Account, Balance, CoordinatorAnswer, MinerAnswer},
    admin::{AddPeer, Dialing, MintFaucet},
    blocks::{Block, Head, SignedHeaderAnswer, ValidatorSet},
    error::PassedOn,
    fees::{FeeEstimate, SimulationAnswer},
    node::{Health, Peers},
    params::Params,
    payloads::{Attestation, AttestationRequest, Facts, FactsRequest, ParamUpdate},
    records::{EscrowRecord, ReceiptRecord, SupplyRecord},
    routes,
    schema::{self, Address, Hash, Id},
    tx::{Sent, TxView},
    validators::Validators,
};

/// Every route.
pub(super) fn operations() -> Vec<Operation> {
    [
        transactions(),
        blocks(),
        state(),
        lists(),
        node(),
        admin(),
        page(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn transactions() -> Vec<Operation> {
    let send = Operation::new(routes::SEND_TX, "transactions", "Sends a transaction").says(
        "Any JSON formatting of the fields. Sent again while pending or committed: the same answer. What only \
         time could cure (a future nonce, a missing balance, an escrow not open yet) is refused at once.",
    );
    let claim = Operation::new(
        routes::SUBMIT_RECEIPT,
        "transactions",
        "Sends a RECEIPT_CLAIM",
    )
    .says("As `/rpc/sendTx`, for this one type.");
    let get_tx = Operation::new(
        routes::GET_TX,
        "transactions",
        "A transaction by its hash: in a block, in this node's mempool, or dropped from it",
    )
    .says(
        "`ATTESTATIONS` entries of proposers are found too. A node remembers why it dropped the last 100,000 \
         transactions that it had accepted, not what they were.",
    )
    .path::<Hash>("txHash", "64 hex characters, either case")
    .query(
        "prove",
        json!({"type": "boolean", "default": false}),
        "Adds a proof that it stands in its block, and of its code, once the next block is there",
    )
    .answers::<TxView>(200, "The transaction")
    .refuses(&[404]);
    let estimate = Operation::new(
        routes::ESTIMATE_FEE,
        "transactions",
        "The required fee of a payload",
    )
    .body("What would be sent", json_of(reference(INTENT)))
    .answers::<FeeEstimate>(200, "The fee")
    .refuses(&[403, 422]);
    let simulate = Operation::new(
        routes::SIMULATE,
        "transactions",
        "What a transaction would do in the next block",
    )
    .body("The transaction", json_of(reference(DRAFT)))
    .answers::<SimulationAnswer>(200, "Its result; a refusal is a result, with its code")
    .refuses(&[403, 422]);
    vec![
        sends(send),
        sends(claim),
        batch(),
        get_tx,
        estimate,
        simulate,
    ]
}

fn json_of(schema: Value) -> Value {
    json!({"application/json": {"schema": schema}})
}

/// What `?replace=` says.
const REPLACE: &str = "With `false` a nonce that another pending transaction of the sender has is refused as \
                       `nonce_pending`, whatever the fee";

/// What all routes that send one transaction have in common.
fn sends(operation: Operation) -> Operation {
    let mut operation = operation
        .query(
            "wait",
            json!({"enum": ["commit"]}),
            "Waits for the block, at most 60 s by default",
        )
        .query(
            "replace",
            json!({"type": "boolean", "default": true}),
            REPLACE,
        )
        .body("The transaction", json_of(reference(SIGNED)));
    let (sent, view) = (operation.known::<Sent>(), operation.known::<TxView>());
    let either = json_of(json!({"oneOf": [sent, view]}));
    operation
        .answers_with(
            200,
            "Accepted by CheckTx; with `wait=commit` what became of the transaction: in its block, or dropped",
            either,
        )
        .answers::<TxView>(202, "With `wait=commit`: still pending when the wait ended")
        .refuses(&[403, 404, 409, 422])
}

fn batch() -> Operation {
    let mut operation = Operation::new(
        routes::SEND_TXS,
        "transactions",
        "Sends 1 to 1,000 transactions",
    )
    .says(
        "One a line (`application/x-ndjson`) or as elements of a JSON list (`application/json`); without one of \
         these types, what begins with `[` is a list. Answered in the same form and order, each with its hash or \
         its own error: one that is refused stops no other. Those of one sender are judged one after another. \
         Each counts for the rate limit.",
    );
    let (sent, error) = (operation.known::<Sent>(), reference("Error"));
    let list =
        json!({"type": "array", "minItems": 1, "maxItems": 1000, "items": reference(SIGNED)});
    let lines = json!({"type": "string", "description": "A transaction a line"});
    let answers = json!({"type": "array", "items": {"oneOf": [sent, error]}});
    let answer_lines = json!({"type": "string", "description": "A Sent or an Error a line"});
    operation
        .query(
            "replace",
            json!({"type": "boolean", "default": true}),
            REPLACE,
        )
        .body(
            "The transactions, 16 MiB at most",
            json!({"application/json": {"schema": list}, "application/x-ndjson": {"schema": lines}}),
        )
        .answers_with(
            200,
            "What became of each",
            json!({
                "application/json": {"schema": answers},
                "application/x-ndjson": {"schema": answer_lines},
            }),
        )
}

fn blocks() -> Vec<Operation> {
    let full = json!({"enum": ["full"]});
    vec![
        Operation::new(routes::GET_BLOCK, "blocks", "A block by its height or hash")
            .text(
                "heightOrHash",
                "A height, or 64 hex characters of either case",
            )
            .query("txs", full, "Shows transactions as objects, not as hashes")
            .answers::<Block>(200, "The block")
            .refuses(&[404]),
        Operation::new(
            routes::GET_COMMIT,
            "blocks",
            "A block's header and who signed it, for light clients",
        )
        .path::<schema::Height>("height", "Which block")
        .answers::<SignedHeaderAnswer>(200, "The header and its commit")
        .refuses(&[404]),
        Operation::new(
            routes::GET_VALIDATOR_SET,
            "blocks",
            "The validators that sign a block, for light clients",
        )
        .path::<schema::Height>("height", "Which block; the one after the last is known too")
        .answers::<ValidatorSet>(200, "The set")
        .refuses(&[404]),
        Operation::new(routes::GET_HEAD, "blocks", "The latest committed block")
            .answers::<Head>(200, "The head"),
    ]
}

fn state() -> Vec<Operation> {
    let absent =
        "One that is not there: 404, with `proof` of its absence beside `error` if asked for.";
    let stored = "A proof is of the record as stored.";
    vec![
        Operation::new(
            routes::GET_BALANCE,
            "state",
            "Balance and nonce; zeros for an account never seen",
        )
        .path::<Address>("address", "Whose")
        .answers_proved::<Balance>("The balance"),
        Operation::new(
            routes::GET_ACCOUNT,
            "state",
            "All that an address has on the chain",
        )
        .path::<Address>("address", "Whose")
        .proves()
        .answers::<Account>(200, "The account; zeros and nulls for one never seen"),
        Operation::new(routes::GET_ESCROW, "state", "An escrow")
            .says(absent)
            .path::<Address>("client", "Whose")
            .path::<Id>("job_id", "For which job")
            .answers_proved::<EscrowRecord>("The escrow")
            .refuses(&[404]),
        Operation::new(
            routes::GET_RECEIPT,
            "state",
            "A miner's receipt that was paid or refused",
        )
        .says(absent)
        .path::<Address>("miner", "Whose")
        .path::<Id>("receipt_id", "The miner's name for it")
        .answers_proved::<ReceiptRecord>("The receipt")
        .refuses(&[404]),
        Operation::new(
            routes::GET_MINER,
            "state",
            "A miner's work, its score brought up to date; zeros for an account that never claimed",
        )
        .says(stored)
        .path::<Address>("address", "Who")
        .answers_proved::<MinerAnswer>("The miner"),
        Operation::new(
            routes::GET_COORDINATOR,
            "state",
            "A coordinator's bond and how its escrows ended; zeros for an account that is none",
        )
        .says(stored)
        .path::<Address>("address", "Who")
        .answers_proved::<CoordinatorAnswer>("The coordinator"),
        Operation::new(
            routes::GET_SUPPLY,
            "state",
            "Where every coin is and came from",
        )
        .answers_proved::<SupplyRecord>(
            "total = genesis + minted - burned = balances + escrows + stakes + bonds + unbonding",
        ),
    ]
}

fn lists() -> Vec<Operation> {
    let validators = Operation::new(
        routes::GET_VALIDATORS,
        "state",
        "Validators and those who could be elected, by power descending, then address",
    )
    .says(
        "Everybody in the set that CometBFT was last told of, and of those with `min_stake` or more and of the \
         jailed the 100 with the most stake: who waits for an epoch's end, is jailed, or found no seat has power \
         0.",
    )
    .proves()
    .answers::<Validators>(200, "The validators");
    let params = Operation::new(
        routes::GET_PARAMS,
        "state",
        "Every param by its name, as it holds in the next block",
    )
    .proves()
    .answers::<Params>(200, "The params");
    vec![validators, params]
}

fn node() -> Vec<Operation> {
    let ours = json!({"type": "object", "additionalProperties": true});
    vec![
        Operation::new(routes::METRICS, "node", "What the node counts").answers_with(
            200,
            "Prometheus text format",
            json!({"text/plain": {"schema": {"type": "string"}}}),
        ),
        Operation::new(routes::HEALTH, "node", "Whether this node can serve now")
            .answers::<Health>(200, "Ready")
            .answers::<Health>(503, "Not ready; `status` says why"),
        Operation::new(routes::OPENAPI, "node", "This document").answers_with(
            200,
            "OpenAPI 3.1",
            json_of(ours),
        ),
        Operation::new(routes::DOCS, "node", "This document for people")
            .becomes(308, "To `/docs/index.html`"),
        Operation::new(routes::DOCS_FILE, "node", "A file of the document for people")
            .text("file", "Its name")
            .answers_with(200, "The file", json!({"*/*": {"schema": {"type": "string"}}}))
            .refuses(&[404]),
        Operation::new(routes::PEERS, "node", "CometBFT's peers").answers::<Peers>(200, "The peers"),
        Operation::new(routes::LIVE_EVENTS, "node", "Live events, as a WebSocket")
            .says(
                "Text messages, each a `LiveEvent`. The server pings every 20 s and hangs up after 60 s of \
                 silence.",
            )
            .becomes(101, "Becomes a WebSocket")
            .refuses(&[400]),
        attest(),
    ]
}

fn attest() -> Operation {
    let mut operation = Operation::new(
        routes::ATTEST,
        "devnet",
        "The mock coordinator's /attest/receipt; on a devnet only",
    )
    .says(
        "Asked for the facts alone, it signs nothing. What the coordinator refuses is passed on in its own words.",
    );
    let asked = [
        operation.known::<AttestationRequest>(),
        operation.known::<FactsRequest>(),
    ];
    let answered = [operation.known::<Attestation>(), operation.known::<Facts>()];
    operation
        .body(
            "What a coordinator is asked",
            json_of(json!({"oneOf": asked})),
        )
        .answers_with(
            200,
            "Signed by the coordinator, or the facts",
            json_of(json!({"oneOf": answered})),
        )
        .passes_on(&PassedOn::STATUSES)
}

fn admin() -> Vec<Operation> {
    let who = "`Authorization: Bearer ADMIN_TOKEN`; where none is set, only on a devnet and only from loopback.";
    let sends = [404, 409, 422];
    vec![
        Operation::new(routes::PARAM_SET, "admin", "Signs and sends PARAM_UPDATE")
            .says(&format!(
                "`admin` as key names a candidate, who becomes the admin by ADMIN_ACCEPT. {who}"
            ))
            .guarded()
            .takes::<ParamUpdate>("A param and its whole new value")
            .answers::<Sent>(200, "Accepted by CheckTx")
            .refuses(&sends),
        Operation::new(
            routes::ADD_PEER,
            "admin",
            "Dials a peer and stays connected",
        )
        .says(&format!(
            "Needs `rpc.unsafe = true` in CometBFT's config.toml. {who}"
        ))
        .guarded()
        .takes::<AddPeer>("The peer")
        .answers::<Dialing>(200, "CometBFT dials"),
        Operation::new(
            routes::MINT_FAUCET,
            "admin",
            "Transfers from the genesis faucet account",
        )
        .says(&format!(
            "Calls at the same time all succeed. Mints nothing: the coins are the faucet's. {who}"
        ))
        .guarded()
        .takes::<MintFaucet>("Who gets how much")
        .answers::<Sent>(200, "Accepted by CheckTx")
        .refuses(&sends),
    ]
}

fn page() -> Vec<Operation> {
    let text = |kind: &str| json!({kind: {"schema": {"type": "string"}}});
    vec![
        Operation::new(routes::PAGE, "page", "The web page").answers_with(
            200,
            "HTML",
            text("text/html"),
        ),
        Operation::new(routes::PAGE_FILE, "page", "A file of the web page")
            .text("file", "Its name")
            .answers_with(200, "The file", text("*/*"))
            .refuses(&[404]),
    ]
}
