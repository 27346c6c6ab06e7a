//! Owns `ESCROW_RELEASE` and every refund: an open escrow goes back to its client, whole.
//! Only the escrow's coordinator may send it. Codes: `escrow`. Event: `escrow_refunded`.

use std::collections::BTreeMap;

use super::Context;
use crate::{
    address::Address,
    code::Code,
    error::{Broken, Failure, Refusal},
    events::Event,
    identifiers::JobId,
    json::{Fields, Json},
    state::{
        Key,
        overlay::{Overlay, View},
        records::{Escrow, EscrowStatus},
    },
};

/// The payload of `ESCROW_RELEASE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EscrowRelease {
    /// Whose escrow.
    pub client_addr: Address,
    /// For which job.
    pub job_id: JobId,
}

impl EscrowRelease {
    pub(super) fn parse(json: &Json) -> Result<Self, Refusal> {
        let fields = Fields::open(json, "payload", &["client_addr", "job_id"], &[])?;
        Ok(Self {
            client_addr: fields.parsed("client_addr")?,
            job_id: fields.parsed("job_id")?,
        })
    }

    pub(super) fn to_json(&self) -> Json {
        Json::Object(BTreeMap::from([
            (
                "client_addr".into(),
                Json::String(self.client_addr.to_string()),
            ),
            ("job_id".into(), Json::String(self.job_id.to_string())),
        ]))
    }

    pub(super) fn execute<V: View>(
        &self,
        context: &Context<'_>,
        overlay: &mut Overlay<'_, V>,
    ) -> Result<Vec<Event>, Failure> {
        let escrow = open_escrow(overlay, &self.client_addr, &self.job_id, context.height)?;
        let sender = context.verified.tx.sender;
        if escrow.coordinator != sender {
            return Err(Failure::Refused(Refusal::new(
                Code::NotTheCoordinator,
                format!(
                    "only its coordinator {} may release this escrow",
                    escrow.coordinator
                ),
            )));
        }
        Ok(vec![refund(overlay, escrow, "released")?])
    }
}

/// The escrow of a client for a job, while it can still be claimed or released.
///
/// # Errors
/// [`Code::EscrowNotFound`], [`Code::EscrowClosed`].
pub(crate) fn open_escrow<V: View>(
    view: &V,
    client: &Address,
    job: &JobId,
    height: u64,
) -> Result<Escrow, Failure> {
    let Some(escrow) = view.escrow(client, job)? else {
        return Err(Failure::Refused(Refusal::new(
            Code::EscrowNotFound,
            format!("{client} has no escrow for job {job}"),
        )));
    };
    if !escrow.is_open_in(height) {
        return Err(Failure::Refused(Refusal::new(
            Code::EscrowClosed,
            format!("the escrow of {client} for job {job} is no longer open"),
        )));
    }
    Ok(escrow)
}

/// Gives an open escrow back to its client, `reason` being `released` or `expired`.
///
/// # Errors
/// [`Broken`] when the books are wrong.
pub(crate) fn refund<V: View>(
    overlay: &mut Overlay<'_, V>,
    mut escrow: Escrow,
    reason: &str,
) -> Result<Event, Broken> {
    escrow.status = EscrowStatus::Refunded;
    overlay.credit(&escrow.client, escrow.amount)?;
    let key = Key::Escrow(escrow.client, escrow.job_id.clone());
    overlay.put(&key, &escrow)?;
    Ok(Event::new("escrow_refunded")
        .id("job_id", &escrow.job_id)
        .id("client", escrow.client)
        .id("coordinator", escrow.coordinator)
        .amount("amount", escrow.amount)
        .id("reason", reason))
}
