//! What the mock coordinator holds for true.

use ait_app::{
    crypto::SecretKey,
    escrow::record::{Attester, Binding, EscrowStatus, Reason},
    quantity::{Count, Positive},
    receipts::attestation::Attestation,
};

use super::{
    super::ledger::{Answer, Ledger, Opening},
    *,
};

fn job(id: &str) -> JobId {
    id.parse().unwrap()
}

fn terms(id: &str, price: u64, units: u64) -> ReceiptTerms {
    ReceiptTerms {
        receipt_id: id.parse().unwrap(),
        job_id: job("job_42"),
        client: Address::module("client"),
        miner: Address::module("miner"),
        compute_units: Positive::new(Units::constant(units)).unwrap(),
        price: Positive::new(Uait::constant(price)).unwrap(),
        output_hash: format!("sha256:{}", "00".repeat(32)).parse().unwrap(),
        opened_height: Height::constant(17),
    }
}

fn shown(partial: bool, remaining: u64, paid: u64) -> Shown {
    Shown {
        escrow: Escrow {
            client: Address::module("client"),
            job_id: job("job_42"),
            attesters: vec![Attester {
                address: Address::module("coordinator"),
                key: SecretKey::from_seed([9; 32]).public_key(),
            }],
            threshold: 1,
            binding: Binding::Unbound,
            partial,
            amount: Uait::constant(remaining + paid),
            paid: Uait::constant(paid),
            claims: Count::ZERO,
            last_receipt: None,
            opened_height: Height::constant(17),
            expires_height: Height::constant(100),
            status: EscrowStatus::Open {
                remaining: Uait::constant(remaining),
                cancelled: false,
            },
            convicted: Default::default(),
        },
        next: Height::constant(50),
    }
}

const LIMITS: Limits = Limits {
    price: Some(Uait::constant(1_000)),
    compute_units: Some(Units::constant(100)),
    known_jobs: true,
};

/// A coordinator without HTTP: judges, and notes what it answered.
struct Books {
    ledger: Ledger,
    _folder: tempfile::TempDir,
}

impl Books {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.jsonl");
        Self {
            ledger: Ledger::open(&path, &"ait-devnet".parse().unwrap()).unwrap(),
            _folder: folder,
        }
    }

    fn ask(&mut self, terms: &ReceiptTerms, shown: &Shown) -> Result<bool, &'static str> {
        let opening = Opening::of(terms);
        let facts = judge(terms, shown, &self.ledger.job(&opening), &LIMITS);
        let facts = facts.map_err(|denied| denied.code)?;
        let answer = Answer::new(terms, facts);
        let good = answer.is_good();
        let name = terms.receipt_id.to_string();
        self.ledger.attest(&opening, name, answer).unwrap();
        Ok(good)
    }
}

#[test]
fn every_name_is_a_job_unless_only_known_ones_are() {
    for name in ["job_1", "7", "my-own.job", "job_0"] {
        assert!(exists(&job(name), &Limits::default()), "{name}");
    }
    let known = |name: &str| exists(&job(name), &LIMITS);
    for there in ["job_1", "job_42", "job_1000000", "1", "42", "1000000"] {
        assert!(known(there), "{there}");
    }
    for not in [
        "job_0",
        "job_1000001",
        "job_01",
        "job_",
        "job_x",
        "Job_1",
        "0",
        "01",
        "1000001",
        "job_job_1",
    ] {
        assert!(!known(not), "{not}");
        assert!(no_such_job(&job(not)).contains(not), "{not}");
    }
}

#[test]
fn a_quote_depends_on_the_job_alone() {
    let free = Limits::default();
    let first = quote(&job("job_42"), &free);
    assert_eq!(quote(&job("job_42"), &free), first);
    assert_ne!(quote(&job("job_43"), &free), first);
    assert!((100_000..=1_000_000).contains(&first.compute_units.get()));
    assert_eq!(first.price.get(), first.compute_units.get() * 100);
    assert_eq!(quote(&job("job_42"), &LIMITS).price.get(), 1_000);
}

#[test]
fn an_escrow_that_is_not_partial_gets_one_good_answer() {
    let (mut books, shown) = (Books::new(), shown(false, 1_000, 0));
    assert_eq!(books.ask(&terms("a", 500, 10), &shown), Ok(true));
    assert_eq!(
        books.ask(&terms("b", 500, 10), &shown),
        Err("other_receipt")
    );
    let mut other = terms("c", 500, 10);
    other.miner = Address::module("other");
    assert_eq!(books.ask(&other, &shown), Err("taken"));
    assert_eq!(
        books.ask(&terms("d", 1_001, 10), &shown),
        Ok(false),
        "above the quote"
    );
}

#[test]
fn parts_are_attested_as_far_as_escrow_and_quote_reach() {
    let mut books = Books::new();
    let begun = shown(true, 900, 0);
    assert_eq!(books.ask(&terms("a", 400, 40), &begun), Ok(true));
    assert_eq!(books.ask(&terms("b", 400, 40), &begun), Ok(true));
    assert_eq!(books.ask(&terms("c", 101, 10), &begun), Err("not_covered"));
    // Both were paid, and the client topped the escrow up.
    let more = shown(true, 500, 800);
    assert_eq!(books.ask(&terms("c", 101, 21), &more), Err("quote_used_up"));
    assert_eq!(books.ask(&terms("c", 201, 10), &more), Err("quote_used_up"));
    assert_eq!(books.ask(&terms("c", 200, 20), &more), Ok(true));
    assert_eq!(books.ask(&terms("d", 501, 1), &more), Err("not_covered"));
}

#[test]
fn what_the_miner_cannot_help_is_never_damning() {
    let mut books = Books::new();
    let mut closed = shown(false, 1_000, 0);
    closed.escrow.status = EscrowStatus::Refunded {
        closed_height: Height::constant(40),
        deleted_height: Height::constant(90),
        reason: Reason::Expired,
    };
    let asked = terms("a", 500, 10);
    let facts = judge(&asked, &closed, &Job::default(), &LIMITS).unwrap();
    assert!(facts.exists && !facts.paid);
    let mut overdue = shown(false, 1_000, 0);
    overdue.escrow.expires_height = Height::constant(50);
    assert_eq!(books.ask(&asked, &overdue), Ok(false));
    let poor = shown(false, 499, 0);
    assert_eq!(books.ask(&terms("b", 500, 10), &poor), Err("not_covered"));
    let mut bound = shown(false, 1_000, 0);
    bound.escrow.binding = Binding::Assigned(Address::module("other"));
    let denied = books.ask(&terms("c", 1_001, 10), &bound);
    assert_eq!(denied, Err("bound_to_another_miner"));
}

#[test]
fn receipts_above_the_quote_and_jobs_that_are_none_are_damned() {
    use ait_app::receipts::attestation::Answer as Meaning;
    let key = SecretKey::from_seed([9; 32]);
    let coordinator = Address::of(&key.public_key());
    let chain = "ait-devnet".parse().unwrap();
    let mut nonsense = terms("c", 500, 10);
    nonsense.job_id = job("no-such-job");
    for asked in [terms("a", 1_001, 10), terms("b", 500, 101), nonsense] {
        let facts = judge(&asked, &shown(false, 5_000, 0), &Job::default(), &LIMITS).unwrap();
        let signed = Attestation::sign(&chain, &asked, facts, coordinator, &key);
        assert_eq!(signed.answer(&asked), Meaning::Damning);
    }
}
