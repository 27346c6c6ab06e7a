//! Owns databases of CometBFT that were never finished. LevelDB writes a database's first manifest, and then names it in
//! `CURRENT`; only after that anything is stored. Killed between the two, it says at every later start that the
//! "database entry point" is missing, although there is nothing to lose.

use std::{
    fs::{self, File},
    io,
    path::Path,
};

use super::{Home, RecoveryError};

/// The first manifest of a database.
const MANIFEST: &str = "MANIFEST-000000";
/// What becomes `CURRENT` once it is on disk.
const PENDING: &str = "CURRENT.0";
/// What may be there before anything was stored, but for those two.
const HARMLESS: [&str; 3] = ["LOCK", "LOG", "LOG.old"];

/// Removes what there is of databases that were never finished; gives their names.
///
/// # Errors
/// [`RecoveryError`].
pub fn begin_anew(home: &Home) -> Result<Vec<String>, RecoveryError> {
    let mut begun = Vec::new();
    for name in names(&home.data())? {
        let folder = home.data().join(&name);
        if !name.ends_with(".db") || !folder.is_dir() || !is_unfinished(&folder)? {
            continue;
        }
        remove(&folder)?;
        begun.push(name);
    }
    begun.sort();
    Ok(begun)
}

/// Whether there is a manifest that nothing names, and nothing else.
fn is_unfinished(folder: &Path) -> Result<bool, RecoveryError> {
    let names = names(folder)?;
    let known = |name: &String| [MANIFEST, PENDING].contains(&name.as_str());
    let harmless = |name: &String| HARMLESS.contains(&name.as_str());
    if !names.iter().any(known) || !names.iter().all(|name| known(name) || harmless(name)) {
        return Ok(false);
    }
    // One that is whole is enough for LevelDB, which then opens the database.
    let pending = match fs::read(folder.join(PENDING)) {
        Ok(pending) => pending,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(failed("read", &folder.join(PENDING))(error)),
    };
    let has_manifest = names.iter().any(|name| name == MANIFEST);
    Ok(!has_manifest || pending != format!("{MANIFEST}\n").as_bytes())
}

fn remove(folder: &Path) -> Result<(), RecoveryError> {
    for name in [PENDING, MANIFEST] {
        let path = folder.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed("remove", &path)(error));
            }
            _ => {}
        }
    }
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(failed("write", folder))
}

/// What a folder holds; nothing where there is none.
fn names(folder: &Path) -> Result<Vec<String>, RecoveryError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed("read", folder)(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(failed("read", folder))?.file_name();
        // A name that is no text is none of CometBFT's.
        names.push(name.to_string_lossy().into_owned());
    }
    Ok(names)
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> RecoveryError {
    let path = path.to_owned();
    move |source| RecoveryError {
        action,
        path,
        source,
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    const NAMED: &[u8] = b"MANIFEST-000000\n";

    fn home(files: &[(&str, &[u8])]) -> (TempDir, Home) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path());
        fs::create_dir_all(home.data().join("state.db")).unwrap();
        fs::create_dir_all(home.data().join("cs.wal")).unwrap();
        fs::write(home.data().join("cs.wal/MANIFEST-000000"), "no database").unwrap();
        for (name, contents) in files {
            fs::write(home.data().join("state.db").join(name), contents).unwrap();
        }
        (folder, home)
    }

    #[test]
    fn a_database_whose_first_manifest_is_named_nowhere_is_begun_anew() {
        for files in [
            &[("LOCK", &b""[..]), ("LOG", b"opening"), (MANIFEST, b"")][..],
            &[("LOCK", b""), (MANIFEST, b"whole"), (PENDING, b"")],
            &[("LOG.old", b""), (MANIFEST, b"whole"), (PENDING, b"MANIF")],
            &[(PENDING, NAMED)],
        ] {
            let (_folder, home) = home(files);
            assert_eq!(begin_anew(&home).unwrap(), ["state.db"]);
            let left = names(&home.data().join("state.db")).unwrap();
            assert!(
                left.iter().all(|name| HARMLESS.contains(&name.as_str())),
                "{left:?}"
            );
            assert_eq!(names(&home.data().join("cs.wal")).unwrap(), [MANIFEST]);
            assert_eq!(begin_anew(&home).unwrap(), [""; 0]);
        }
    }

    #[test]
    fn a_database_that_may_hold_something_is_left_alone() {
        for files in [
            &[][..],
            &[("LOCK", &b""[..]), ("LOG", b"")][..],
            &[(MANIFEST, b""), ("CURRENT", NAMED), ("000001.log", b"")],
            &[(MANIFEST, b""), ("000001.log", b"stored")],
            &[(MANIFEST, b""), ("000002.ldb", b"stored")],
            &[(MANIFEST, b""), ("CURRENT.bak", NAMED)],
            &[("MANIFEST-000005", b"")],
            &[(MANIFEST, b"whole"), (PENDING, NAMED)],
        ] {
            let (_folder, home) = home(files);
            let mut before = names(&home.data().join("state.db")).unwrap();
            assert_eq!(begin_anew(&home).unwrap(), [""; 0]);
            let mut after = names(&home.data().join("state.db")).unwrap();
            before.sort();
            after.sort();
            assert_eq!(before, after);
        }
    }

    #[test]
    fn a_home_that_never_ran_has_none() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(begin_anew(&Home::new(folder.path())).unwrap(), [""; 0]);
    }
}
