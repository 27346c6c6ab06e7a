//! A small application, and the other end of its socket.

use std::{
    error::Error,
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    os::unix::net::UnixStream,
    path::Path,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
        mpsc,
    },
    time::Duration,
};

use ait_abci::transport::{Address, Application, Handle, Server, default_answer};
use prost::Message as _;
use tendermint_proto::v0_38::abci::{
    Request, RequestCheckTx, RequestEcho, RequestFlush, RequestQuery, Response, ResponseCheckTx,
    ResponseFlush, ResponseQuery, request::Value as Ask, response::Value as Answer,
};

pub type TestResult = Result<(), Box<dyn Error>>;

/// Far more than any answer takes: a test that needs it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Counts CheckTx, and does in Query what the path says.
#[derive(Clone, Default)]
pub struct TestApplication {
    checked: Arc<AtomicI64>,
    pub gate: Arc<Gate>,
}

/// Holds a Query with the path `wait` until it is opened.
#[derive(Default)]
pub struct Gate {
    state: Mutex<(u32, bool)>,
    changed: Condvar,
}

impl Gate {
    fn wait(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 += 1;
        self.changed.notify_all();
        while !state.1 {
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until so many queries are held.
    pub fn wait_for_held(&self, count: u32) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.0 < count {
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub fn open(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).1 = true;
        self.changed.notify_all();
    }
}

impl Application for TestApplication {
    type Fatal = String;

    fn answer(&self, request: Ask) -> Result<Answer, String> {
        match request {
            Ask::CheckTx(request) => Ok(Answer::CheckTx(self.check_tx(request))),
            Ask::Query(request) => self.query(&request).map(Answer::Query),
            other => Ok(default_answer(other)),
        }
    }
}

impl TestApplication {
    fn check_tx(&self, request: RequestCheckTx) -> ResponseCheckTx {
        let gas_used = self.checked.fetch_add(1, Ordering::SeqCst);
        ResponseCheckTx {
            data: request.tx,
            gas_used,
            ..Default::default()
        }
    }

    #[expect(clippy::panic, reason = "what the server does then is what is tested")]
    fn query(&self, request: &RequestQuery) -> Result<ResponseQuery, String> {
        match request.path.as_str() {
            "wait" => self.gate.wait(),
            "panic" => panic!("supply does not add up"),
            "fatal" => return Err("supply does not add up".to_owned()),
            _ => {}
        }
        let length = usize::try_from(request.height).unwrap_or_default();
        Ok(ResponseQuery {
            value: vec![7; length].into(),
            ..Default::default()
        })
    }
}

/// Serves an application. What is fatal arrives at the receiver.
pub fn serve(
    address: &Address,
    application: &TestApplication,
) -> io::Result<(String, Handle, mpsc::Receiver<String>)> {
    serve_frames(address, application, ait_abci::transport::MAX_FRAME_BYTES)
}

/// As [`serve`], with frames of up to so many bytes.
pub fn serve_frames(
    address: &Address,
    application: &TestApplication,
    limit: usize,
) -> io::Result<(String, Handle, mpsc::Receiver<String>)> {
    let server = Server::bind(address)?.max_frame_bytes(limit);
    let bound = server.local_address()?;
    let (sender, receiver) = mpsc::channel();
    let on_fatal = Arc::new(move |message| drop(sender.send(message)));
    Ok((
        bound,
        server.serve(application.clone(), on_fatal)?,
        receiver,
    ))
}

/// An address in a folder, and one on TCP.
pub fn unix(folder: &Path) -> Address {
    Address::Unix(folder.join("ait.sock"))
}

pub fn tcp() -> Address {
    Address::Tcp("127.0.0.1:0".into())
}

/// CometBFT's end of a connection.
pub enum Peer {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Peer {
    pub fn connect(address: &str) -> io::Result<Self> {
        if let Some(path) = address.strip_prefix("unix://") {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            return Ok(Self::Unix(stream));
        }
        let stream = TcpStream::connect(address.trim_start_matches("tcp://"))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self::Tcp(stream))
    }

    /// A second handle on the same connection.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Unix(stream) => Self::Unix(stream.try_clone()?),
            Self::Tcp(stream) => Self::Tcp(stream.try_clone()?),
        })
    }

    /// Tells the server that nothing more is sent.
    pub fn end_sending(&self) -> io::Result<()> {
        match self {
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
        }
    }

    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Unix(stream) => stream.write_all(bytes),
            Self::Tcp(stream) => stream.write_all(bytes),
        }
    }

    /// Waits until something has arrived, and reads none of it.
    pub fn wait_for_bytes(&self) -> io::Result<()> {
        match self {
            Self::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
            Self::Tcp(stream) => stream.peek(&mut [0]).map(drop),
        }
    }

    fn read_byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.read_exact(&mut byte)?;
        Ok(byte[0])
    }

    fn read_exact(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        match self {
            Self::Unix(stream) => stream.read_exact(bytes),
            Self::Tcp(stream) => stream.read_exact(bytes),
        }
    }

    /// The next answer.
    pub fn receive(&mut self) -> Result<Answer, Box<dyn Error>> {
        let mut length = 0_usize;
        for shift in (0..).step_by(7) {
            let byte = self.read_byte()?;
            length |= usize::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        let mut frame = vec![0; length];
        self.read_exact(&mut frame)?;
        Ok(Response::decode(&frame[..])?
            .value
            .ok_or("an answer without a value")?)
    }

    pub fn ask(&mut self, request: Ask) -> Result<Answer, Box<dyn Error>> {
        self.send(&frame(request))?;
        self.receive()
    }

    /// Asserts that the server closed the connection.
    pub fn assert_closed(&mut self) {
        let end = self.read_byte().err().map(|error| error.kind());
        let closed = [io::ErrorKind::UnexpectedEof, io::ErrorKind::ConnectionReset];
        assert!(end.is_some_and(|end| closed.contains(&end)), "{end:?}");
    }
}

pub fn frame(request: Ask) -> Vec<u8> {
    Request {
        value: Some(request),
    }
    .encode_length_delimited_to_vec()
}

pub fn echo(message: &str) -> Ask {
    Ask::Echo(RequestEcho {
        message: message.to_owned(),
    })
}

pub fn check(tx: &[u8]) -> Ask {
    Ask::CheckTx(RequestCheckTx {
        tx: tx.to_vec().into(),
        ..Default::default()
    })
}

pub fn flush() -> Ask {
    Ask::Flush(RequestFlush {})
}

pub fn flushed() -> Answer {
    Answer::Flush(ResponseFlush {})
}

/// A query that does what its path says, and answers with so many bytes.
pub fn query(path: &str, length: i64) -> Ask {
    Ask::Query(RequestQuery {
        path: path.to_owned(),
        height: length,
        ..Default::default()
    })
}

/// Asserts that a connection is served.
pub fn assert_served(peer: &mut Peer) -> TestResult {
    match peer.ask(echo("still there?"))? {
        Answer::Echo(answer) => assert_eq!(answer.message, "still there?"),
        other => return Err(format!("{other:?}").into()),
    }
    Ok(())
}
