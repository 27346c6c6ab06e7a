//! Owns what the admin sends: `ait tx param-update`, `admin-accept`, `treasury-spend`.

use ait_app::{
    address::Address,
    bank::treasury_spend::TreasurySpend,
    params::{admin::AdminAccept, update::ParamUpdate},
    quantity::{Positive, Uait},
};
use anyhow::Result;
use clap::Args;

use super::submit::{self, SendOptions};
use ait_home::{amounts::parse_amount, exit::Usage};

/// `ait tx param-update`
#[derive(Debug, Args)]
pub struct ParamUpdateArgs {
    /// The param's name (docs/PROTOCOL.md section 5). admin names the account that may become the admin
    /// by admin-accept
    name: String,
    /// Its whole new value in JSON: 20, or '"cbp"'
    value: String,
    #[command(flatten)]
    options: SendOptions,
}

/// `ait tx admin-accept`
#[derive(Debug, Args)]
pub struct AdminAcceptArgs {
    #[command(flatten)]
    options: SendOptions,
}

/// `ait tx treasury-spend`
#[derive(Debug, Args)]
pub struct TreasurySpendArgs {
    /// Who receives
    to: Address,
    /// How much, in uait or such as 1.5ait
    #[arg(value_parser = parse_amount)]
    amount: Positive<Uait>,
    #[command(flatten)]
    options: SendOptions,
}

/// Runs `ait tx param-update`.
///
/// # Errors
/// What went wrong, for people.
pub async fn param_update(args: ParamUpdateArgs) -> Result<()> {
    let payload = update(&args.name, &args.value)?;
    submit::run(payload, &args.options).await
}

fn update(name: &str, value: &str) -> Result<ParamUpdate> {
    let update = ParamUpdate::new(name, value.as_bytes());
    Ok(update.map_err(|refusal| {
        Usage(format!(
            "{name}: {refusal}. Values are JSON; text stands in quotes of its own: '\"cbp\"'"
        ))
    })?)
}

/// Runs `ait tx admin-accept`.
///
/// # Errors
/// What went wrong, for people.
pub async fn admin_accept(args: AdminAcceptArgs) -> Result<()> {
    submit::run(AdminAccept {}, &args.options).await
}

/// Runs `ait tx treasury-spend`.
///
/// # Errors
/// What went wrong, for people.
pub async fn treasury_spend(args: TreasurySpendArgs) -> Result<()> {
    let payload = TreasurySpend {
        amount: args.amount,
        to: args.to,
    };
    submit::run(payload, &args.options).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use ait_home::exit;

    #[test]
    fn a_value_that_no_node_takes_is_refused_before_it_is_signed() {
        assert!(update("base_fee", "20").is_ok());
        assert!(update("consensus_mode", "\"cbp\"").is_ok());
        for (name, value) in [
            ("base_fee", "1.5"),
            ("base_fee", "1000001"),
            ("consensus_mode", "cbp"),
            ("evidence_max_age_num_blocks", "5"),
            ("no_such_param", "5"),
        ] {
            let error = update(name, value).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
            assert_eq!(exit::code_of(&error), exit::USAGE);
        }
    }
}
