//! Files and folders that are on disk when the call returns.
//!
//! A new file is only there after a power loss when its bytes, its folder's entry for it, and every folder
//! created above it were synced (fsync(2)).

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use crate::StoreError;

/// Creates a folder and those above it, each synced together with the folder that names it.
pub(crate) fn create_folder(path: &Path) -> Result<(), StoreError> {
    let missing: Vec<&Path> = path
        .ancestors()
        .take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists())
        .collect();
    for folder in missing.into_iter().rev() {
        match fs::create_dir(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(StoreError::io("create the folder", folder, error));
            }
            _ => sync_folder_and_parent(folder)?,
        }
    }
    Ok(())
}

/// Syncs a folder's entries, and its own entry in the folder above.
pub(crate) fn sync_folder_and_parent(path: &Path) -> Result<(), StoreError> {
    sync(path)?;
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => sync(Path::new(".")),
        Some(parent) => sync(parent),
        None => Ok(()),
    }
}

/// Syncs every file below a folder, every folder, and the folder's entry in the one above. What is removed
/// meanwhile is left out: an open database replaces its files at any time, and syncs each new one itself.
pub(crate) fn sync_tree(path: &Path) -> Result<(), StoreError> {
    let entries =
        fs::read_dir(path).map_err(|error| StoreError::io("read the folder", path, error))?;
    for entry in entries {
        let entry = entry.map_err(|error| StoreError::io("read the folder", path, error))?;
        let synced = if entry.path().is_dir() {
            sync_tree(&entry.path())
        } else {
            sync(&entry.path())
        };
        match synced {
            Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            synced => synced?,
        }
    }
    sync_folder_and_parent(path)
}

fn sync(path: &Path) -> Result<(), StoreError> {
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(|error| StoreError::io("sync", path, error))
}

/// Replaces a file: after a crash it is the old one or the new one, whole.
pub(crate) fn replace_file(path: &Path, contents: &[u8]) -> Result<(), StoreError> {
    let fail = |error| StoreError::io("write", path, error);
    let temporary = temporary_path(path);
    let mut file = File::create(&temporary).map_err(fail)?;
    file.write_all(contents)
        .and_then(|()| file.sync_all())
        .map_err(fail)?;
    fs::rename(&temporary, path).map_err(fail)?;
    match path.parent() {
        Some(folder) => sync(folder),
        None => Ok(()),
    }
}

/// Removes a file if it is there; on disk when it returns.
pub(crate) fn remove_file(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(StoreError::io("remove", path, error));
        }
        _ => {}
    }
    match path.parent() {
        Some(folder) => sync(folder),
        None => Ok(()),
    }
}

fn temporary_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

/// A file's contents, or `None` where there is no such file.
pub(crate) fn read_file(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    match fs::read(path) {
        Ok(contents) => Ok(Some(contents)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::io("read", path, error)),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicBool, Ordering},
        thread,
    };

    use super::*;

    #[test]
    fn a_tree_is_synced_while_its_files_and_folders_come_and_go() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("stays"), "stays").expect("a file");
        let ended = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    let passing = folder.path().join("passing");
                    fs::create_dir(&passing).expect("a folder");
                    for name in ["a", "b", "c", "d"] {
                        fs::write(passing.join(name), name).expect("a file");
                    }
                    fs::remove_dir_all(&passing).expect("a removed folder");
                }
            });
            let synced: Result<Vec<()>, _> = (0..200).map(|_| sync_tree(folder.path())).collect();
            ended.store(true, Ordering::Relaxed);
            synced.expect("a synced tree");
        });
        sync_tree(&folder.path().join("none")).expect_err("no such folder");
    }
}
