//! Owns the listening socket and all connections, from binding to the last join.

use std::{
    collections::BTreeMap,
    io,
    net::Shutdown,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::{
    Address, Application, MAX_FRAME_BYTES,
    connection::{Connection, End, Signals},
    socket::{Listener, Stream, Waker},
};
use crate::OnFatal;

/// Connections at once: CometBFT's four, and room for those it is just replacing.
const MAX_CONNECTIONS: usize = 16;
/// How long a stop waits for a peer to read its last answer.
const WRITE_PATIENCE: Duration = Duration::from_secs(5);
/// How often a stop looks whether a connection waits for its peer.
const STOP_INTERVAL: Duration = Duration::from_millis(50);
/// How long to wait after accepting failed, most likely for want of file descriptors.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// A bound socket that is not served yet.
pub struct Server {
    listener: Listener,
    max_frame_bytes: usize,
}

/// A server at work. [`Handle::stop`], or dropping it, ends it.
pub struct Handle {
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

struct Shared {
    stopping: AtomicBool,
    /// The acceptor was told to look at `stopping`.
    woken: AtomicBool,
    /// `on_fatal` was told.
    failed: AtomicBool,
    connections: Mutex<Connections>,
    /// Told whenever a connection has ended.
    ended: Condvar,
    waker: Waker,
    max_frame_bytes: usize,
    on_fatal: OnFatal,
}

#[derive(Default)]
struct Connections {
    next_number: u64,
    open: BTreeMap<u64, Control>,
    /// Of open connections, and of some that have ended since the last one was opened.
    threads: Vec<JoinHandle<()>>,
}

/// What ends a connection from another thread.
struct Control {
    stream: Stream,
    signals: Arc<Signals>,
}

impl Server {
    /// Binds the address. The socket file that a dead process left is replaced; it is readable and
    /// writable by its owner alone.
    ///
    /// # Errors
    /// The operating system's, with the address in the message. `AddrInUse` when another process
    /// serves there, `AlreadyExists` when a file stands there that is no socket.
    pub fn bind(address: &Address) -> io::Result<Self> {
        let listener = Listener::bind(address)?;
        Ok(Self {
            listener,
            max_frame_bytes: MAX_FRAME_BYTES,
        })
    }

    /// Takes and sends frames of up to this many bytes, instead of [`MAX_FRAME_BYTES`].
    #[must_use]
    pub fn max_frame_bytes(mut self, limit: usize) -> Self {
        self.max_frame_bytes = limit;
        self
    }

    /// The address in the form of CometBFT's `proxy_app`, with the port that was really bound.
    ///
    /// # Errors
    /// The operating system's.
    pub fn local_address(&self) -> io::Result<String> {
        self.listener
            .local_address()
            .map(|address| address.to_string())
    }

    /// Serves the application on threads of its own. When the application can't go on or panics, `on_fatal` is
    /// told once, with a message, and the server stops: it is expected to end the process.
    ///
    /// # Errors
    /// The operating system's.
    pub fn serve<A: Application>(self, application: A, on_fatal: OnFatal) -> io::Result<Handle> {
        let shared = Arc::new(Shared {
            stopping: AtomicBool::new(false),
            woken: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            connections: Mutex::default(),
            ended: Condvar::new(),
            waker: self.listener.waker()?,
            max_frame_bytes: self.max_frame_bytes,
            on_fatal,
        });
        let for_acceptor = shared.clone();
        let acceptor = thread::Builder::new()
            .name("abci-accept".into())
            .spawn(move || accept_all(&self.listener, &application, &for_acceptor))?;
        Ok(Handle {
            shared,
            acceptor: Some(acceptor),
        })
    }
}

impl Handle {
    /// Stops: takes no new connection and no further request, lets those in progress be answered,
    /// closes all connections, and removes the socket's file. Returns when all threads have ended.
    ///
    /// May not be called from `on_fatal` or from a method of the application, which it would wait for.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.stop();
        self.shared.wait_for_connections();
        let Some(acceptor) = self.acceptor.take() else {
            return;
        };
        if self.shared.woken.load(Ordering::SeqCst) {
            let _ = acceptor.join();
        } else {
            tracing::warn!(
                component = "transport",
                event = "acceptor_left",
                "the socket's file is gone, so the thread that listens there ends with the process"
            );
        }
        // What the threads hold of the application is free once they have ended.
        let threads = std::mem::take(&mut self.shared.lock().threads);
        for thread in threads {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn stop(&self) {
        let connections = self.lock();
        // Under the lock, so that no connection is added unnoticed.
        self.stopping.store(true, Ordering::SeqCst);
        for control in connections.open.values() {
            control.signals.stopping.store(true, Ordering::SeqCst);
            // Ends the wait for a request; an answer can still be written.
            let _ = control.stream.shutdown(Shutdown::Read);
        }
        drop(connections);
        if !self.woken.load(Ordering::SeqCst) {
            self.woken
                .store(self.waker.wake().is_ok(), Ordering::SeqCst);
        }
    }

    fn fail(&self, message: String) {
        if !self.failed.swap(true, Ordering::SeqCst) {
            (self.on_fatal)(message);
        }
        self.stop();
    }

    fn wait_for_connections(&self) {
        let patience_ends = Instant::now() + WRITE_PATIENCE;
        let mut connections = self.lock();
        while !connections.open.is_empty() {
            if Instant::now() > patience_ends {
                for control in connections.open.values() {
                    if control.signals.writing.load(Ordering::SeqCst) {
                        let _ = control.stream.shutdown(Shutdown::Both);
                    }
                }
            }
            let waited = self.ended.wait_timeout(connections, STOP_INTERVAL);
            connections = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Adds a connection, or says why not.
    fn add(&self, stream: &Stream) -> io::Result<(u64, Arc<Signals>)> {
        let mut connections = self.lock();
        if self.stopping.load(Ordering::SeqCst) {
            return Err(io::Error::other("the server stops"));
        }
        if connections.open.len() >= MAX_CONNECTIONS {
            let message = format!("{MAX_CONNECTIONS} connections are open, the limit");
            return Err(io::Error::other(message));
        }
        let signals = Arc::<Signals>::default();
        let control = Control {
            stream: stream.try_clone()?,
            signals: signals.clone(),
        };
        let number = connections.next_number;
        connections.next_number = number.wrapping_add(1);
        connections.open.insert(number, control);
        Ok((number, signals))
    }

    fn lock(&self) -> MutexGuard<'_, Connections> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn accept_all<A: Application>(listener: &Listener, application: &A, shared: &Arc<Shared>) {
    while !shared.stopping.load(Ordering::SeqCst) {
        let accepted = listener.accept();
        if shared.stopping.load(Ordering::SeqCst) {
            return;
        }
        let began = accepted.and_then(|stream| begin(stream, application.connected(), shared));
        if let Err(error) = began {
            tracing::warn!(component = "transport", event = "connection_refused", %error);
            thread::sleep(ACCEPT_RETRY);
        }
    }
}

fn begin<A: Application>(
    mut stream: Stream,
    application: A,
    shared: &Arc<Shared>,
) -> io::Result<()> {
    let (number, signals) = shared.add(&stream)?;
    let open = Open {
        shared: shared.clone(),
        number,
    };
    let serve = move || {
        let limit = open.shared.max_frame_bytes;
        let end = Connection::new(&mut stream, &application, &signals, limit).serve();
        report(number, &end);
        match end {
            End::Fatal(why) => open.shared.fail(why),
            End::Panicked(message) => {
                open.shared
                    .fail(format!("the application panicked: {message}"));
            }
            End::Closed | End::Stopped | End::Broken(_) | End::Refused(_) => {}
        }
    };
    let name = format!("abci-{number}");
    let thread = thread::Builder::new().name(name).spawn(serve)?;
    let mut connections = shared.lock();
    connections.threads.retain(|thread| !thread.is_finished());
    connections.threads.push(thread);
    Ok(())
}

/// A connection counts as open until this is dropped.
struct Open {
    shared: Arc<Shared>,
    number: u64,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.shared.lock().open.remove(&self.number);
        self.shared.ended.notify_all();
    }
}

fn report(number: u64, end: &End) {
    match end {
        End::Closed | End::Stopped => tracing::info!(
            component = "transport",
            event = "connection_closed",
            connection = number,
            reason = ?end
        ),
        End::Broken(error) => tracing::warn!(
            component = "transport",
            event = "connection_broken",
            connection = number,
            %error
        ),
        End::Refused(error) => tracing::error!(
            component = "transport",
            event = "request_refused",
            connection = number,
            %error,
            "the connection is closed"
        ),
        End::Fatal(why) => tracing::error!(
            component = "transport",
            event = "fatal",
            connection = number,
            "{why}"
        ),
        End::Panicked(message) => tracing::error!(
            component = "transport",
            event = "application_panicked",
            connection = number,
            message
        ),
    }
}
