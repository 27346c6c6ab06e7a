//! Owns where settings come from (PROTOCOL section 10): a flag wins over the environment, that over the
//! `.env` file, that over the default. A bad value is refused by its name and its limit.

use std::{collections::BTreeMap, env, io::ErrorKind, path::Path};

use anyhow::{Result, bail};

use crate::{exit::Usage, misspelt};

/// The settings file that is read from the working folder when there is one.
const DEFAULT_FILE: &str = ".env";

/// A setting's value breaks its rule.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{name} {shown}(from {origin}): {rule}")]
pub struct BadSetting {
    name: String,
    shown: String,
    origin: String,
    rule: String,
}

/// A setting that has a name in the environment and maybe a flag.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The variable, as PROTOCOL section 10 names it.
    pub name: &'static str,
    /// The flag, with its dashes.
    pub flag: &'static str,
    /// Whether its value is a secret that no message may show.
    pub secret: bool,
}

impl Setting {
    /// A setting that may be shown.
    pub const fn new(name: &'static str, flag: &'static str) -> Self {
        Self {
            name,
            flag,
            secret: false,
        }
    }

    /// A secret one.
    pub const fn secret(name: &'static str, flag: &'static str) -> Self {
        Self {
            name,
            flag,
            secret: true,
        }
    }

    /// Its value, if it has one anywhere. An empty one counts as none.
    ///
    /// # Errors
    /// [`BadSetting`] with the rule that `parse` names.
    pub fn optional<T>(
        &self,
        environment: &Environment,
        flag: Option<&str>,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, BadSetting> {
        let found = match flag {
            Some(value) => Some((value, format!("the flag {}", self.flag))),
            None => environment.get(self.name),
        };
        let Some((value, origin)) = found else {
            return Ok(None);
        };
        parse(value).map(Some).map_err(|rule| BadSetting {
            name: self.name.to_owned(),
            shown: if self.secret {
                String::new()
            } else {
                format!("is {value:?} ")
            },
            origin,
            rule,
        })
    }

    /// Its value, or its default.
    ///
    /// # Errors
    /// As [`Setting::optional`].
    pub fn or<T>(
        &self,
        environment: &Environment,
        flag: Option<&str>,
        default: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, BadSetting> {
        if let Some(value) = self.optional(environment, flag, &parse)? {
            return Ok(value);
        }
        parse(default).map_err(|rule| BadSetting {
            name: self.name.to_owned(),
            shown: format!("is {default:?} "),
            origin: "its default".to_owned(),
            rule,
        })
    }
}

/// What the process environment and the `.env` file say.
#[derive(Debug, Default, Clone)]
pub struct Environment {
    process: BTreeMap<String, String>,
    file: BTreeMap<String, String>,
    file_name: String,
}

impl Environment {
    /// Reads both. A file that is named must exist; `.env` in the working folder may be missing.
    ///
    /// # Errors
    /// When the file can't be read, a line of it has no `NAME=value` form, or sets what is no setting and looks
    /// like one.
    pub fn read(file: Option<&Path>) -> Result<Self> {
        let path = file.unwrap_or(Path::new(DEFAULT_FILE));
        let mut from_file = BTreeMap::new();
        match dotenvy::from_path_iter(path) {
            Ok(lines) => {
                for line in lines {
                    let (name, value) = line.map_err(|error| {
                        Usage(format!("the settings file {}: {error}", path.display()))
                    })?;
                    misspelt::check(&name, path)?;
                    from_file.insert(name, value);
                }
            }
            Err(dotenvy::Error::Io(error))
                if file.is_none() && error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                bail!(Usage(format!(
                    "cannot read the settings file {}: {error}",
                    path.display()
                )));
            }
        }
        // A variable that is no text can't be one of ours: those are all ASCII.
        let process = env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Ok(Self::new(process, from_file, &path.display().to_string()))
    }

    /// From what both say.
    pub fn new(
        process: BTreeMap<String, String>,
        file: BTreeMap<String, String>,
        file_name: &str,
    ) -> Self {
        Self {
            process,
            file,
            file_name: file_name.to_owned(),
        }
    }

    fn get(&self, name: &str) -> Option<(&str, String)> {
        let filled = |value: &&String| !value.is_empty();
        if let Some(value) = self.process.get(name).filter(filled) {
            return Some((value, "the environment".to_owned()));
        }
        let value = self.file.get(name).filter(filled)?;
        Some((value, self.file_name.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Setting = Setting::new("LIMIT", "--limit");

    fn environment(process: &str, file: &str) -> Environment {
        let map = |value: &str| BTreeMap::from([("LIMIT".to_owned(), value.to_owned())]);
        Environment::new(map(process), map(file), ".env")
    }

    fn number(text: &str) -> Result<u8, String> {
        text.parse()
            .map_err(|_| "must be a number 0..=255".to_owned())
    }

    #[test]
    fn a_flag_wins_over_the_environment_over_the_file_over_the_default() {
        let value = |flag, process, file| {
            LIMIT
                .or(&environment(process, file), flag, "4", number)
                .unwrap()
        };
        assert_eq!(value(Some("1"), "2", "3"), 1);
        assert_eq!(value(None, "2", "3"), 2);
        assert_eq!(value(None, "", "3"), 3);
        assert_eq!(value(None, "", ""), 4);
    }

    #[test]
    fn a_bad_value_is_named_with_where_it_stands_and_its_limit() {
        let error = LIMIT
            .or(&environment("", "300"), None, "4", number)
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "LIMIT is \"300\" (from .env): must be a number 0..=255"
        );
    }

    #[test]
    fn a_bad_secret_is_not_shown() {
        let secret = Setting::secret("LIMIT", "--limit");
        let error = secret
            .or(&environment("hunter2", ""), None, "4", number)
            .unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn a_file_that_was_named_must_exist() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings");
        assert!(Environment::read(Some(&path)).is_err());
        std::fs::write(&path, "# comment\nLIMIT='7'\n").unwrap();
        let environment = Environment::read(Some(&path)).unwrap();
        assert_eq!(LIMIT.or(&environment, None, "4", number).unwrap(), 7);
    }
}
