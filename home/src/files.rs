//! Owns how this program writes files: whole or not at all, never over an existing one unless asked
//! to, and on disk when the call returns.

use std::{
    fs::{self, File, Permissions},
    io::{self, Read, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use anyhow::{Context, Result, bail};
use tempfile::NamedTempFile;

/// Readable by its owner alone: keys.
pub const SECRET: u32 = 0o600;
/// Readable by everybody: genesis, settings.
pub const PUBLIC: u32 = 0o644;

/// Writes a file that must not exist yet.
///
/// # Errors
/// When it exists (then it is untouched), or can't be written.
pub fn write_new(path: &Path, contents: &[u8], mode: u32) -> Result<()> {
    let file = prepare(path, contents, mode)?;
    match file.persist_noclobber(path) {
        Ok(_) => sync_folder(path),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => bail!(
            "{} exists already and is never overwritten: choose another path, or move it away",
            path.display()
        ),
        Err(error) => Err(error.error).with_context(|| format!("cannot create {}", path.display())),
    }
}

/// Writes a file, in the place of an earlier one if there is one.
///
/// # Errors
/// When it can't be written; the earlier one is untouched then.
pub fn replace(path: &Path, contents: &[u8], mode: u32) -> Result<()> {
    let file = prepare(path, contents, mode)?;
    file.persist(path)
        .map_err(|error| error.error)
        .with_context(|| format!("cannot write {}", path.display()))?;
    sync_folder(path)
}

/// Reads a text file of at most `limit` bytes.
///
/// # Errors
/// When it can't be read, is longer, or is not UTF-8.
pub fn read_text(path: &Path, limit: u64) -> Result<String> {
    let mut text = String::new();
    // The length that a file is said to have may be that of a moment ago, or none, as a device's.
    let read = File::open(path).and_then(|file| {
        let length = file.metadata()?.len();
        file.take(limit.saturating_add(1))
            .read_to_string(&mut text)?;
        Ok(length.max(text.len() as u64))
    });
    let length = read.with_context(|| format!("cannot read {}", path.display()))?;
    if length > limit {
        bail!(
            "{} has {length} bytes, more than the {limit} that are read of such a file",
            path.display()
        );
    }
    Ok(text)
}

fn prepare(path: &Path, contents: &[u8], mode: u32) -> Result<NamedTempFile> {
    let folder = folder_of(path);
    fs::create_dir_all(folder)
        .with_context(|| format!("cannot create the folder {}", folder.display()))?;
    let write = || -> io::Result<NamedTempFile> {
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(contents)?;
        file.as_file()
            .set_permissions(Permissions::from_mode(mode))?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    write().with_context(|| format!("cannot write to the folder {}", folder.display()))
}

fn sync_folder(path: &Path) -> Result<()> {
    let folder = folder_of(path);
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .with_context(|| format!("cannot sync the folder {}", folder.display()))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
