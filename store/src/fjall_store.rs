//! The store in fjall, a log-structured merge tree: a keyspace for each table, one for the head and the saved
//! pool. Every batch goes to fjall's journal with an fsync before it is seen.

use std::{
    fs::{self, File},
    io::{self, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use fjall::{
    CompressionType, Database, Keyspace, KeyspaceCreateOptions, PersistMode,
    config::{BlockSizePolicy, CompressionPolicy, FilterPolicy},
};

use crate::{
    Engine, Entry, Head, Store, StoreError, Table, Write, WriteBatch,
    contain::{contain, corrupt},
    disk, folder,
    head::{self, ChainHead},
    pool,
    writer::Writer,
};

/// fjall writes this file last when it makes a database.
const DATABASE_FILE: &str = "version";
/// What the names of its journals end with.
const JOURNAL: &str = "jnl";
/// The keyspace of the head and the saved pool, and their keys.
const HEAD_KEYSPACE: &str = "head";
const HEAD: &str = "head";
const POOL: &str = "pool";
/// Memory for blocks of its files. The state has a cache of its own above it.
const CACHE_BYTES: u64 = 32 * 1024 * 1024;
/// The journals on disk from which on tables that seldom change give up theirs: fjall's least. Up to three of this
/// length are there at times.
const JOURNAL_BYTES: u64 = 64 * 1024 * 1024;
/// Memory for what a table got last, before it goes to a file.
const RECORDS_MEMTABLE_BYTES: u64 = 16 * 1024 * 1024;
const MEMTABLE_BYTES: u64 = 4 * 1024 * 1024;

/// A [`Store`] in a folder, opened with [`FjallStore::open`]. One process at a time has it open.
pub struct FjallStore {
    path: PathBuf,
    chain_id: String,
    writer: Mutex<Writer>,
    tables: Vec<Keyspace>,
    head: Keyspace,
    /// Dropped last: it syncs its journal then.
    database: Database,
}

impl FjallStore {
    /// Opens the store of a chain in a folder, which is created with those above it if need be.
    ///
    /// # Errors
    /// [`StoreError::NotAFolder`], [`StoreError::NotWritable`], [`StoreError::Locked`],
    /// [`StoreError::InvalidChainId`], [`StoreError::OtherChain`], [`StoreError::NewerFormat`],
    /// [`StoreError::OlderFormat`], [`StoreError::Corrupt`], [`StoreError::Lost`],
    /// [`StoreError::RolledBack`], [`StoreError::Io`]: each says what to do. Damage may also show later, from
    /// reading.
    pub fn open(path: &Path, chain_id: &str) -> Result<Self, StoreError> {
        let make = |new: &Path| open_database(path, new).map(drop);
        let files = folder::prepare(path, chain_id, Engine::Fjall, DATABASE_FILE, make)?;
        let database = open_database(path, &files)?;
        let keyspace = |name: &str, options: KeyspaceCreateOptions| {
            read(path, || database.keyspace(name, || options))
        };
        let head = keyspace(HEAD_KEYSPACE, options(MEMTABLE_BYTES))?;
        let mut tables = Vec::new();
        for table in Table::ALL {
            let options = match table {
                // They are read by ranges alone, which no filter shortens.
                Table::Records => {
                    options(RECORDS_MEMTABLE_BYTES).filter_policy(FilterPolicy::disabled())
                }
                _ => options(MEMTABLE_BYTES),
            };
            tables.push(keyspace(table.name(), options)?);
        }
        disk::sync_tree(&files)?;
        let stored = read(path, || head.get(HEAD))?;
        let found = head::read(path, stored.as_deref())?;
        folder::check_head(path, chain_id, found.as_ref())?;
        if found.is_none() {
            clear_tables(path, &tables)?;
        }
        let writer = Writer::open(path, found.map(|found| found.head.height))?;
        Ok(Self {
            path: path.to_owned(),
            chain_id: chain_id.to_owned(),
            writer: Mutex::new(writer),
            tables,
            head,
            database,
        })
    }

    fn table(&self, table: Table) -> Result<&Keyspace, StoreError> {
        let index = Table::ALL.iter().position(|other| *other == table);
        let missing = || corrupt(&self.path, format!("it has no table {}", table.name()));
        index
            .and_then(|index| self.tables.get(index))
            .ok_or_else(missing)
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        // No panic leaves a write, so a poisoned lock holds no half-made change.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(
        &self,
        writes: &[Write],
        changes: &mut fjall::OwnedWriteBatch,
    ) -> Result<(), StoreError> {
        for change in writes {
            let table = self.table(change.table)?;
            match &change.value {
                Some(value) => changes.insert(table, change.key.as_slice(), value.as_ref()),
                None => changes.remove(table, change.key.as_slice()),
            }
        }
        Ok(())
    }

    fn write_block(&self, batch: &WriteBatch) -> Result<(), StoreError> {
        let mut changes = self
            .database
            .batch()
            .durability(Some(PersistMode::SyncData));
        self.add(&batch.writes, &mut changes)?;
        let head = ChainHead::encode(&self.chain_id, batch.height, &batch.meta);
        changes.insert(&self.head, HEAD, head);
        write(&self.path, || changes.commit())
    }

    fn write_pool(&self, transactions: &[Vec<u8>]) -> Result<(), StoreError> {
        let mut changes = self
            .database
            .batch()
            .durability(Some(PersistMode::SyncData));
        match transactions {
            [] => changes.remove(&self.head, POOL),
            _ => changes.insert(&self.head, POOL, pool::encode(transactions)),
        }
        write(&self.path, || changes.commit())
    }
}

impl Store for FjallStore {
    fn head(&self) -> Result<Option<Head>, StoreError> {
        let stored = read(&self.path, || self.head.get(HEAD))?;
        Ok(head::read(&self.path, stored.as_deref())?.map(|found| found.head))
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let table = self.table(table)?;
        let value = read(&self.path, || table.get(key))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn range(
        &self,
        table: Table,
        first: &[u8],
        last: &[u8],
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        if first > last {
            return Ok(Vec::new());
        }
        let table = self.table(table)?;
        read(&self.path, || {
            let entries = table.range(first..=last).take(limit);
            entries
                .map(|entry| {
                    let (key, value) = entry.into_inner()?;
                    Ok((key.to_vec(), value.to_vec()))
                })
                .collect()
        })
    }

    fn fill(&self, writes: &[Write]) -> Result<(), StoreError> {
        self.writer().fill(writes, || {
            let mut changes = self.database.batch();
            self.add(writes, &mut changes)?;
            write(&self.path, || changes.commit())
        })
    }

    fn commit(&self, batch: &WriteBatch) -> Result<(), StoreError> {
        self.writer()
            .commit(&self.path, &self.chain_id, batch, |_| {
                self.write_block(batch)
            })
    }

    fn roll_back(&self, batch: &WriteBatch) -> Result<(), StoreError> {
        self.writer().roll_back(batch, || self.write_block(batch))
    }

    fn clear(&self) -> Result<(), StoreError> {
        self.writer().clear(&self.path, || {
            let mut changes = self
                .database
                .batch()
                .durability(Some(PersistMode::SyncData));
            changes.remove(&self.head, HEAD);
            write(&self.path, || changes.commit())?;
            clear_tables(&self.path, &self.tables)
        })
    }

    fn save_pool(&self, transactions: &[Vec<u8>]) -> Result<(), StoreError> {
        self.writer()
            .save_pool(transactions, || self.write_pool(transactions))
    }

    fn saved_pool(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        let saved = read(&self.path, || self.head.get(POOL))?;
        let Some(saved) = saved else {
            return Ok(Vec::new());
        };
        pool::decode(&saved)
            .ok_or_else(|| corrupt(&self.path, "the saved pool cannot be understood"))
    }
}

fn clear_tables(path: &Path, tables: &[Keyspace]) -> Result<(), StoreError> {
    let mut tables = tables.iter();
    tables.try_for_each(|table| write(path, || table.clear()))
}

/// The settings of a table.
fn options(memtable_bytes: u64) -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default()
        .max_memtable_size(memtable_bytes)
        .data_block_size_policy(BlockSizePolicy::all(4 * 1024))
        .data_block_compression_policy(CompressionPolicy::all(CompressionType::Lz4))
}

fn open_database(path: &Path, files: &Path) -> Result<Database, StoreError> {
    match open_files(path, files)? {
        Err(fjall::Error::JournalRecovery(_)) => {}
        other => return read(path, || other),
    }
    // A batch that a power loss tore, with its end on disk and something before it not. It was the last one,
    // as each is synced before the next is written, and nobody was told of it. fjall leaves out a batch that
    // has no end.
    let torn = TornEnd::cut(files)?;
    let opened = open_files(path, files)?;
    if opened.is_err() {
        torn.put_back()?;
    }
    read(path, || opened)
}

fn open_files(path: &Path, files: &Path) -> Result<fjall::Result<Database>, StoreError> {
    folder::wait_for_lock(path, || {
        let opened = contain(|| {
            Database::builder(files)
                .cache_size(CACHE_BYTES)
                .max_journaling_size(JOURNAL_BYTES)
                // Keys and values are short, and what is long was compressed by its owner.
                .journal_compression(CompressionType::None)
                .open()
        });
        match opened {
            Ok(Err(fjall::Error::Locked)) => None,
            other => Some(flat(other)),
        }
    })
}

/// The end of the last journal, which was cut off: its last byte that is not zero, and what is behind it.
struct TornEnd {
    journal: PathBuf,
    position: u64,
    last: Vec<u8>,
    length: u64,
}

impl TornEnd {
    fn cut(files: &Path) -> Result<Self, StoreError> {
        let journal = last_journal(files)?;
        let fail = |error| StoreError::io("read", &journal, error);
        let contents = fs::read(&journal).map_err(fail)?;
        let position = contents.iter().rposition(|byte| *byte != 0);
        let position = position.unwrap_or_default();
        let torn = Self {
            position: position as u64,
            last: contents
                .get(position..)
                .unwrap_or_default()
                .first()
                .copied()
                .into_iter()
                .collect(),
            length: contents.len() as u64,
            journal,
        };
        torn.change(|file| file.set_len(torn.position))?;
        Ok(torn)
    }

    /// What is damaged otherwise stays as it was found.
    fn put_back(&self) -> Result<(), StoreError> {
        self.change(|file| {
            file.set_len(self.position)?;
            file.seek(SeekFrom::End(0))?;
            file.write_all(&self.last)?;
            file.set_len(self.length)
        })
    }

    fn change(&self, change: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), StoreError> {
        let file = File::options().write(true).open(&self.journal);
        let changed = file.and_then(|mut file| {
            change(&mut file)?;
            file.sync_all()
        });
        changed.map_err(|error| StoreError::io("write", &self.journal, error))
    }
}

/// The journal with the highest number.
fn last_journal(files: &Path) -> Result<PathBuf, StoreError> {
    let fail = |error| StoreError::io("read the folder", files, error);
    let mut last = None;
    for entry in fs::read_dir(files).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        let number = path
            .file_stem()
            .and_then(|name| name.to_str()?.parse::<u64>().ok());
        if path.extension().is_some_and(|end| end == JOURNAL) {
            last = last.max(number.map(|number| (number, path)));
        }
    }
    let none = || corrupt(files, "it has no journal");
    last.map(|(_, path)| path).ok_or_else(none)
}

/// Runs a read. What fjall cannot read, and what makes it panic, is damage.
fn read<T>(path: &Path, action: impl FnOnce() -> fjall::Result<T>) -> Result<T, StoreError> {
    match contain(action) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(failure)) => Err(translate("read the database in", path, failure)),
        Err(panic) => Err(corrupt(
            path,
            format!("its database cannot be read ({panic})"),
        )),
    }
}

/// Runs a write.
fn write(path: &Path, action: impl FnOnce() -> fjall::Result<()>) -> Result<(), StoreError> {
    match contain(action) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(failure)) => Err(translate("write the database in", path, failure)),
        Err(detail) => Err(StoreError::Database {
            path: path.to_owned(),
            detail,
        }),
    }
}

fn flat<T>(opened: Result<fjall::Result<T>, String>) -> fjall::Result<T> {
    opened.unwrap_or_else(|panic| Err(fjall::Error::Io(io::Error::other(panic))))
}

fn translate(action: &'static str, path: &Path, failure: fjall::Error) -> StoreError {
    let inner = match failure {
        fjall::Error::Storage(fjall::LsmError::Io(source)) | fjall::Error::Io(source) => {
            return match source.kind() {
                io::ErrorKind::UnexpectedEof => {
                    corrupt(path, "a file of its database ends too early")
                }
                io::ErrorKind::NotFound => corrupt(
                    path,
                    format!("a file of its database is missing ({source})"),
                ),
                _ => StoreError::io(action, path, source),
            };
        }
        other => other,
    };
    match inner {
        fjall::Error::Poisoned | fjall::Error::KeyspaceDeleted => StoreError::Database {
            path: path.to_owned(),
            detail: inner.to_string(),
        },
        damage => corrupt(path, format!("its database cannot be read ({damage:?})")),
    }
}
