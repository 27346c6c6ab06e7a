//! Owns every key of the state (PROTOCOL section 7): the query path in UTF-8.
//! A key's text is consensus and frozen by a test; `docs/state.md` lists each with an example.

use core::fmt;

use crate::{
    address::Address,
    error::Refusal,
    identifiers::{JobId, ReceiptId},
    params::table::ParamKey,
    prelude::*,
};

/// A key of the state.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// `/account/{addr}`
    Account(Address),
    /// `/consensus`
    Consensus,
    /// `/coordinator/{addr}`
    Coordinator(Address),
    /// `/escrow/{client}/{job_id}`
    Escrow(Address, JobId),
    /// `/miner/{addr}`
    Miner(Address),
    /// `/param/{key}`
    Param(ParamKey),
    /// `/protocol`
    Protocol,
    /// `/receipt/{miner}/{receipt_id}`
    Receipt(Address, ReceiptId),
    /// `/supply`
    Supply,
    /// `/validator/{addr}`
    Validator(Address),
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Account(address) => write!(f, "/account/{address}"),
            Key::Consensus => f.write_str("/consensus"),
            Key::Coordinator(address) => write!(f, "/coordinator/{address}"),
            Key::Escrow(client, job) => write!(f, "/escrow/{client}/{job}"),
            Key::Miner(address) => write!(f, "/miner/{address}"),
            Key::Param(key) => write!(f, "/param/{key}"),
            Key::Protocol => f.write_str("/protocol"),
            Key::Receipt(miner, id) => write!(f, "/receipt/{miner}/{id}"),
            Key::Supply => f.write_str("/supply"),
            Key::Validator(address) => write!(f, "/validator/{address}"),
        }
    }
}

impl Key {
    /// The bytes it has in the tree.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_string().into_bytes()
    }

    /// Reads a query path.
    ///
    /// # Errors
    /// [`crate::Code::InvalidField`] that lists the paths there are, or says what is wrong with a part.
    pub fn parse(path: &str) -> Result<Self, Refusal> {
        let mut parts = path.split('/');
        let lead = parts.next();
        let (kind, first, second) = (parts.next(), parts.next(), parts.next());
        if lead != Some("") || parts.next().is_some() {
            return Err(unknown_path());
        }
        match (kind, first, second) {
            (Some("account"), Some(address), None) => Ok(Key::Account(address.parse()?)),
            (Some("consensus"), None, None) => Ok(Key::Consensus),
            (Some("coordinator"), Some(address), None) => Ok(Key::Coordinator(address.parse()?)),
            (Some("escrow"), Some(client), Some(job)) => {
                Ok(Key::Escrow(client.parse()?, job.parse()?))
            }
            (Some("miner"), Some(address), None) => Ok(Key::Miner(address.parse()?)),
            (Some("param"), Some(name), None) => Ok(Key::Param(ParamKey::named(name)?)),
            (Some("protocol"), None, None) => Ok(Key::Protocol),
            (Some("receipt"), Some(miner), Some(id)) => {
                Ok(Key::Receipt(miner.parse()?, id.parse()?))
            }
            (Some("supply"), None, None) => Ok(Key::Supply),
            (Some("validator"), Some(address), None) => Ok(Key::Validator(address.parse()?)),
            _ => Err(unknown_path()),
        }
    }
}

fn unknown_path() -> Refusal {
    Refusal::field(
        "the path is none of /account/{addr}, /consensus, /coordinator/{addr}, \
         /escrow/{client}/{job_id}, /miner/{addr}, /param/{name}, /protocol, \
         /receipt/{miner}/{receipt_id}, /supply, /validator/{addr}",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_texts_are_frozen() {
        let address = Address::treasury();
        let job: JobId = "job_42".parse().unwrap();
        let receipt: ReceiptId = "rcpt_7f3a".parse().unwrap();
        let treasury = "ait1qxxmqhwxgq5xrk9a8llq6qh2guytvrp5mcljxe";
        let table = [
            (Key::Account(address), format!("/account/{treasury}")),
            (Key::Consensus, "/consensus".into()),
            (
                Key::Coordinator(address),
                format!("/coordinator/{treasury}"),
            ),
            (
                Key::Escrow(address, job),
                format!("/escrow/{treasury}/job_42"),
            ),
            (Key::Miner(address), format!("/miner/{treasury}")),
            (Key::Param(ParamKey::BaseFee), "/param/base_fee".into()),
            (Key::Protocol, "/protocol".into()),
            (
                Key::Receipt(address, receipt),
                format!("/receipt/{treasury}/rcpt_7f3a"),
            ),
            (Key::Supply, "/supply".into()),
            (Key::Validator(address), format!("/validator/{treasury}")),
        ];
        for (key, text) in table {
            assert_eq!(key.to_string(), text);
            assert_eq!(Key::parse(&text).unwrap(), key);
        }
    }

    #[test]
    fn nonsense_paths_are_refused() {
        for bad in [
            "",
            "/",
            "account",
            "/account",
            "/account/x",
            "/supply/",
            "/nope",
            "//supply",
            "/escrow/a/b/c",
            "/param/",
            "/param/nonsense",
            "/receipt/rcpt_7f3a",
        ] {
            assert!(Key::parse(bad).is_err(), "{bad}");
        }
    }
}
