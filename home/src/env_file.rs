//! Owns the settings file: its settings become variables of this process before anything reads those, so that clap finds
//! them there (PROTOCOL section 10: a flag wins over the environment, that over the file, that over the default).

use std::{
    env,
    ffi::OsString,
    fmt::Write,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::Result;
use clap::{Command, builder::Resettable};

use crate::{exit::Usage, misspelt, output::shell_word};

/// The settings file that is read from the working folder when there is one.
const DEFAULT_FILE: &str = ".env";
/// The flag that names another.
const FLAG: &str = "--env-file";

/// Sets every variable that the settings file has and the environment has not. Variables of other programs in it
/// are left alone. Call it before any thread starts.
///
/// # Errors
/// [`Usage`] when a file that `--env-file` names does not read, a line of it has no `NAME=value` form, or sets what is
/// no setting and looks like one. No value is shown: it may be a secret.
pub fn load(arguments: impl Iterator<Item = OsString>) -> Result<()> {
    let named = named(arguments);
    let path = named.as_deref().unwrap_or(Path::new(DEFAULT_FILE));
    let lines = match dotenvy::from_path_iter(path) {
        Ok(lines) => lines,
        Err(dotenvy::Error::Io(error))
            if named.is_none() && error.kind() == ErrorKind::NotFound =>
        {
            return Ok(());
        }
        Err(error) => return Err(bad_file(path, &error).into()),
    };
    let mut missing = String::new();
    for line in lines {
        let (name, value) = line.map_err(|error| bad_file(path, &error))?;
        misspelt::check(&name, path)?;
        let is_set = env::var_os(&name).is_some_and(|value| !value.is_empty());
        if !is_set && misspelt::known().any(|known| known == name) {
            let _ = writeln!(missing, "{name}={}", quoted(&value));
        }
    }
    // Those that are there and empty count as unset.
    dotenvy::from_read_override(missing.as_bytes()).map_err(|error| bad_file(path, &error).into())
}

/// The file that the arguments name, found before clap reads them: it reads the variables at once.
fn named(arguments: impl Iterator<Item = OsString>) -> Option<PathBuf> {
    let mut arguments = arguments.take_while(|argument| argument != "--");
    while let Some(argument) = arguments.next() {
        if argument == FLAG {
            return arguments.next().map(PathBuf::from);
        }
        let text = argument.to_str().and_then(|text| text.strip_prefix(FLAG));
        if let Some(path) = text.and_then(|text| text.strip_prefix('=')) {
            return Some(PathBuf::from(path));
        }
    }
    None
}

/// What is wrong with a file, without the values in it.
fn bad_file(path: &Path, error: &dotenvy::Error) -> Usage {
    let file = shell_word(path);
    let dotenvy::Error::LineParse(rest, _) = error else {
        return Usage(format!("cannot read the settings file {file}: {error}"));
    };
    // dotenvy tells the line or its value: the name is looked for in the file, so that no part of a value passes for it.
    let unread = rest.lines().next().unwrap_or_default().trim();
    let text = fs::read_to_string(path).unwrap_or_default();
    let mut lines = text.lines().filter(|line| line.trim().ends_with(unread));
    let name = lines.find_map(|line| Some(line.split_once('=')?.0.trim()));
    Usage(match name {
        Some(name) => format!(
            "the settings file {file}: the value of {name} does not read: one with spaces, quotes, # or $ stands in \
             single quotes"
        ),
        None => format!("the settings file {file}: a line of it has not the form NAME=value"),
    })
}

/// A value as dotenvy reads it back.
fn quoted(value: &str) -> String {
    let mut text = String::from('"');
    for character in value.chars() {
        match character {
            '\n' => text.push_str("\\n"),
            '"' | '$' | '\\' => {
                text.push('\\');
                text.push(character);
            }
            other => text.push(other),
        }
    }
    text.push('"');
    text
}

/// A command for which an empty variable counts as none; clap would take it for a value.
pub fn without_empty_variables(command: Command) -> Command {
    command
        .mut_args(|arg| {
            let value = arg.get_env().and_then(env::var_os);
            if value.is_some_and(|value| value.is_empty()) {
                arg.env(Resettable::Reset)
            } else {
                arg
            }
        })
        .mut_subcommands(without_empty_variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(arguments: &[&str]) -> Option<PathBuf> {
        named(arguments.iter().map(OsString::from))
    }

    #[test]
    fn the_file_is_found_wherever_it_is_named() {
        let file = Some(PathBuf::from("my settings"));
        assert_eq!(found(&["ait", "--env-file", "my settings", "start"]), file);
        assert_eq!(found(&["ait", "start", "--env-file=my settings"]), file);
        assert_eq!(found(&["ait", "start", "--env-files", "x"]), None);
        assert_eq!(found(&["ait", "tx", "--", "--env-file", "x"]), None);
    }

    #[test]
    fn a_value_comes_back_as_it_was() {
        for value in ["plain", "two words", "'a' \"b\" $HOME \\n #", "a\nb", ""] {
            let line = format!("NAME={}\n", quoted(value));
            let read: Vec<_> = dotenvy::from_read_iter(line.as_bytes()).collect();
            let expected = ("NAME".to_owned(), value.to_owned());
            assert_eq!(
                read.into_iter().map(Result::unwrap).collect::<Vec<_>>(),
                [expected]
            );
        }
    }

    #[test]
    fn a_line_that_does_not_read_is_named_and_its_value_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings");
        for line in ["ADMIN_TOKEN=hunter2 hunter3", "ADMIN_TOKEN = 'hunter2"] {
            fs::write(&path, format!("RPC_BIND=0.0.0.0:1\n{line}\n")).unwrap();
            let lines = dotenvy::from_path_iter(&path).unwrap();
            let errors: Vec<_> = lines.filter_map(Result::err).collect();
            let said = bad_file(&path, &errors[0]).to_string();
            assert!(
                said.contains("ADMIN_TOKEN") && !said.contains("hunter"),
                "{said}"
            );
        }
    }
}
