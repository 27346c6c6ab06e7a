//! Owns one connection: reads what has come, handles every whole request in it, and answers them all
//! with one write.

use std::{
    any::Any,
    io::{self, Read as _, Write as _},
    net::Shutdown,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use tendermint_proto::v0_38::abci::{
    Response, request::Value as Request, response::Value as Answer,
};

use super::{
    codec::{self, FrameError, Incoming, RETAINED_BYTES},
    dispatch::{self, Application},
    socket::Stream,
};

/// Answers that wait for those to the requests after them are written when they have this many bytes.
const WRITE_BYTES: usize = 1024 * 1024;
/// How long, and for how many bytes, a peer is listened to that was told to give up.
const FAREWELL_PATIENCE: Duration = Duration::from_millis(500);
const FAREWELL_READS: usize = 64;

/// Why a connection ended.
#[derive(Debug)]
pub(super) enum End {
    /// The peer closed it.
    Closed,
    /// The server stops.
    Stopped,
    /// Reading or writing failed.
    Broken(io::Error),
    /// The peer sent what is no request, or asked for what is too long.
    Refused(FrameError),
    /// The application can't go on, for this reason.
    Fatal(String),
    /// The application panicked, with this message.
    Panicked(String),
}

/// What the server and a connection's thread know of each other.
#[derive(Default)]
pub(super) struct Signals {
    /// The server stops: no further request is handled.
    pub(super) stopping: AtomicBool,
    /// The connection waits for its peer to read.
    pub(super) writing: AtomicBool,
}

/// One connection at work.
pub(super) struct Connection<'a, A> {
    stream: &'a mut Stream,
    application: &'a A,
    signals: &'a Signals,
    limit: usize,
    outgoing: Vec<u8>,
}

impl<'a, A: Application> Connection<'a, A> {
    pub(super) fn new(
        stream: &'a mut Stream,
        application: &'a A,
        signals: &'a Signals,
        limit: usize,
    ) -> Self {
        Self {
            stream,
            application,
            signals,
            limit,
            outgoing: Vec::new(),
        }
    }

    /// Serves until the connection ends.
    pub(super) fn serve(mut self) -> End {
        let end = self.answer_all();
        let end = match end {
            // What was answered before the application panicked is still right, but the process ends.
            End::Broken(_) | End::Panicked(_) => end,
            end => match self.write() {
                Ok(()) => end,
                Err(error) => End::Broken(error),
            },
        };
        if matches!(end, End::Refused(_) | End::Fatal(_)) {
            self.say_farewell();
        }
        let _ = self.stream.shutdown(Shutdown::Both);
        end
    }

    fn answer_all(&mut self) -> End {
        let mut incoming = Incoming::new(self.limit);
        loop {
            if let Some(end) = self.answer_arrived(&mut incoming) {
                return end;
            }
            if let Err(error) = self.write() {
                return End::Broken(error);
            }
            match incoming.read_from(self.stream) {
                Ok(0) if self.is_stopping() => return End::Stopped,
                Ok(0) => return End::Closed,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return End::Broken(error),
            }
        }
    }

    /// Handles the whole requests that have arrived. Returns why the connection ends, if it does.
    fn answer_arrived(&mut self, incoming: &mut Incoming) -> Option<End> {
        loop {
            if self.is_stopping() {
                return Some(End::Stopped);
            }
            let (requests, error) = incoming.next_requests();
            let is_last = requests.is_empty();
            if let Some(end) = self.answer_burst(requests) {
                return Some(end);
            }
            if let Some(error) = error {
                return Some(self.refuse(error));
            }
            if is_last {
                return None;
            }
        }
    }

    /// Handles requests that arrived together, one after the other.
    fn answer_burst(&mut self, requests: Vec<Request>) -> Option<End> {
        let application = self.application;
        if requests.len() > 1 {
            let look = || application.look_ahead(&requests);
            if let Err(payload) = catch_unwind(AssertUnwindSafe(look)) {
                return Some(End::Panicked(message_of(payload.as_ref())));
            }
        }
        for request in requests {
            if self.is_stopping() {
                return Some(End::Stopped);
            }
            let answer = || application.answer(request);
            let answer = match catch_unwind(AssertUnwindSafe(answer)) {
                Ok(Ok(answer)) => answer,
                Ok(Err(fatal)) => return Some(self.give_up(fatal.to_string())),
                Err(payload) => return Some(End::Panicked(message_of(payload.as_ref()))),
            };
            if let Err(error) = self.append(answer, self.limit) {
                return Some(self.refuse(error));
            }
            if self.outgoing.len() >= WRITE_BYTES
                && let Err(error) = self.write()
            {
                return Some(End::Broken(error));
            }
        }
        None
    }

    fn refuse(&mut self, error: FrameError) -> End {
        self.append_exception(error.to_string());
        End::Refused(error)
    }

    fn give_up(&mut self, why: String) -> End {
        self.append_exception(why.clone());
        End::Fatal(why)
    }

    fn append_exception(&mut self, why: String) {
        // An exception is short, and a connection that ends anyway can do without it.
        let _ = self.append(dispatch::exception(why), usize::MAX);
    }

    fn append(&mut self, answer: Answer, limit: usize) -> Result<(), FrameError> {
        let response = Response {
            value: Some(answer),
        };
        codec::append(&mut self.outgoing, &response, limit)
    }

    fn write(&mut self) -> io::Result<()> {
        if self.outgoing.is_empty() {
            return Ok(());
        }
        self.signals.writing.store(true, Ordering::SeqCst);
        let written = self.stream.write_all(&self.outgoing);
        self.signals.writing.store(false, Ordering::SeqCst);
        self.outgoing.clear();
        self.outgoing.shrink_to(RETAINED_BYTES);
        written
    }

    /// Closing a connection with bytes unread may throw away the last answer on its way (RFC 1122,
    /// 4.2.2.13), so some more is read first.
    fn say_farewell(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
        if self.stream.set_read_timeout(FAREWELL_PATIENCE).is_err() {
            return;
        }
        let mut unread = vec![0; WRITE_BYTES];
        for _ in 0..FAREWELL_READS {
            if self.is_stopping() || !matches!(self.stream.read(&mut unread), Ok(1..)) {
                return;
            }
        }
    }

    fn is_stopping(&self) -> bool {
        self.signals.stopping.load(Ordering::SeqCst)
    }
}

fn message_of(payload: &(dyn Any + Send)) -> String {
    let message = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied());
    message.unwrap_or("no message").to_owned()
}
