//! Owns the socket between CometBFT and the application: a unix socket, or TCP with NODELAY (without
//! it each call waits for a delayed acknowledgement). One blocking thread a connection; CometBFT
//! opens four. Knows frames, not what they say.

mod address;
mod codec;
mod connection;

use std::{
    io,
    net::{Shutdown, SocketAddr, TcpListener},
    os::unix::{fs::PermissionsExt, net::UnixListener},
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

pub use address::{Address, AddressError};
pub use codec::MAX_FRAME_BYTES;
use connection::Stream;
use tendermint_abci::Application;

use crate::OnFatal;

/// Connections at once: CometBFT's four, and room for those it is just replacing.
const MAX_CONNECTIONS: usize = 16;

/// A bound socket, not yet served.
pub struct Server {
    listener: Listener,
}

enum Listener {
    Unix(UnixListener, PathBuf),
    Tcp(TcpListener),
}

/// A server at work; [`Handle::stop`] ends it.
pub struct Handle {
    shared: Arc<Shared>,
    acceptor: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    stopping: AtomicBool,
    connections: Mutex<Vec<(Stream, JoinHandle<()>)>>,
    wake: Mutex<Option<Wake>>,
}

/// How to wake the acceptor from its wait.
enum Wake {
    Unix(PathBuf),
    Tcp(SocketAddr),
}

impl Server {
    /// Binds the address. A socket file that a dead process left is removed; a live one is not.
    ///
    /// # Errors
    /// From the operating system; `AddrInUse` when somebody serves there.
    pub fn bind(address: &Address) -> io::Result<Self> {
        let listener = match address {
            Address::Unix(path) => Listener::Unix(bind_unix(path)?, path.clone()),
            Address::Tcp(address) => Listener::Tcp(TcpListener::bind(address.as_str())?),
        };
        Ok(Self { listener })
    }

    /// The address in CometBFT's `proxy_app` form, with the port that was really bound.
    ///
    /// # Errors
    /// From the operating system.
    pub fn local_address(&self) -> io::Result<String> {
        Ok(match &self.listener {
            Listener::Unix(_, path) => format!("unix://{}", path.display()),
            Listener::Tcp(listener) => format!("tcp://{}", listener.local_addr()?),
        })
    }

    /// Serves `application` on threads of its own. `on_fatal` is told when the application panics:
    /// a node half alive is worse than none.
    ///
    /// # Errors
    /// From the operating system.
    pub fn serve<A>(self, application: A, on_fatal: OnFatal) -> io::Result<Handle>
    where
        A: Application + Sync,
    {
        let shared = Arc::new(Shared::default());
        let wake = match &self.listener {
            Listener::Unix(_, path) => Wake::Unix(path.clone()),
            Listener::Tcp(listener) => Wake::Tcp(listener.local_addr()?),
        };
        *lock(&shared.wake) = Some(wake);
        let for_acceptor = shared.clone();
        let acceptor = thread::Builder::new()
            .name("abci-accept".into())
            .spawn(move || accept_all(&self.listener, &application, &on_fatal, &for_acceptor))?;
        Ok(Handle { shared, acceptor })
    }
}

impl Handle {
    /// Stops: no new connection, requests in progress are answered, then all are closed.
    pub fn stop(self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        match lock(&self.shared.wake).take() {
            Some(Wake::Unix(path)) => drop(std::os::unix::net::UnixStream::connect(path)),
            Some(Wake::Tcp(address)) => drop(std::net::TcpStream::connect(address)),
            None => {}
        }
        let _ = self.acceptor.join();
        let connections = std::mem::take(&mut *lock(&self.shared.connections));
        for (stream, thread) in connections {
            // Reading ends, so the thread leaves after what it is answering; its answer still goes out.
            let _ = stream.shutdown(Shutdown::Read);
            let _ = thread.join();
        }
    }
}

fn accept_all<A: Application + Sync>(
    listener: &Listener,
    application: &A,
    on_fatal: &OnFatal,
    shared: &Arc<Shared>,
) {
    loop {
        let stream = match listener.accept() {
            _ if shared.stopping.load(Ordering::SeqCst) => break,
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(component = "transport", event = "accept_failed", "{error}");
                // Out of file descriptors, most likely: trying again at once would spin.
                thread::sleep(std::time::Duration::from_millis(50));
                continue;
            }
        };
        if let Err(error) = begin(stream, application, on_fatal, shared) {
            tracing::warn!(
                component = "transport",
                event = "connection_refused",
                "{error}"
            );
        }
    }
    if let Listener::Unix(_, path) = listener {
        let _ = std::fs::remove_file(path);
    }
}

fn begin<A: Application + Sync>(
    stream: Stream,
    application: &A,
    on_fatal: &OnFatal,
    shared: &Arc<Shared>,
) -> io::Result<()> {
    let mut connections = lock(&shared.connections);
    connections.retain(|(_, thread)| !thread.is_finished());
    if connections.len() >= MAX_CONNECTIONS {
        return Err(io::Error::other(format!(
            "{MAX_CONNECTIONS} are open, the limit"
        )));
    }
    let (handle, application, on_fatal) =
        (stream.try_clone()?, application.clone(), on_fatal.clone());
    let thread = thread::Builder::new()
        .name("abci-connection".into())
        .spawn(move || connection::serve(stream, &application, &on_fatal))?;
    connections.push((handle, thread));
    Ok(())
}

impl Listener {
    fn accept(&self) -> io::Result<Stream> {
        match self {
            Listener::Unix(listener, _) => Ok(Stream::Unix(listener.accept()?.0)),
            Listener::Tcp(listener) => {
                let (stream, _) = listener.accept()?;
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream))
            }
        }
    }
}

fn bind_unix(path: &PathBuf) -> io::Result<UnixListener> {
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        let message = format!("{} is served by another process", path.display());
        return Err(io::Error::new(io::ErrorKind::AddrInUse, message));
    }
    if path.exists() {
        std::fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
