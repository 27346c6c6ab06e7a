//! Owns how long an answer may wait to be read. A client that does not read would keep its answer in memory for
//! as long as it likes; a limit on silence alone would be kept by one that reads a byte now and then. So a
//! connection has patience: waiting uses it up, and bytes that are taken give it back.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep_until},
};

/// Bytes that give a second of patience back: the slowest pace that is served, 128 kbit/s.
const BYTES_A_SECOND: u32 = 16 * 1024;

/// A connection whose writes fail with [`io::ErrorKind::TimedOut`] once the other side has read too slowly.
pub struct Paced {
    stream: TcpStream,
    most: Duration,
    left: Duration,
    waiting: Option<Waiting>,
}

/// A write that the other side makes wait.
struct Waiting {
    since: Instant,
    end: Pin<Box<Sleep>>,
}

impl Paced {
    /// At most so much patience.
    pub fn new(stream: TcpStream, most: Duration) -> Self {
        // Small answers shall not wait for acknowledgements; a socket that can't is served all the same.
        let _ = stream.set_nodelay(true);
        Self {
            stream,
            most,
            left: most,
            waiting: None,
        }
    }

    fn judge(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(result) = written {
            if let Some(waiting) = self.waiting.take() {
                self.left = self.left.saturating_sub(waiting.since.elapsed());
            }
            let bytes =
                u32::try_from(result.as_ref().map_or(0, |bytes| *bytes)).unwrap_or(u32::MAX);
            let earned = Duration::from_secs(1).saturating_mul(bytes) / BYTES_A_SECOND;
            self.left = self.left.saturating_add(earned).min(self.most);
            return Poll::Ready(result);
        }
        let left = self.left;
        let waiting = self.waiting.get_or_insert_with(|| {
            let since = Instant::now();
            let end = Box::pin(sleep_until(since + left));
            Waiting { since, end }
        });
        ready!(waiting.end.as_mut().poll(context));
        // What the kernel still has for the other side goes too.
        let _ = self.stream.set_zero_linger();
        let message = "the answer is read too slowly, or not at all";
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, message)))
    }
}

impl AsyncWrite for Paced {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.judge(context, written)
    }

    /// Without this hyper would copy each answer into a buffer of the connection's own.
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl AsyncRead for Paced {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
        time::{sleep, timeout},
    };

    use super::*;

    /// More than any kernel keeps for a client that does not read.
    const LONG: usize = 64 * 1024 * 1024;

    async fn pair(most: Duration) -> (Paced, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap());
        let (client, accepted) = tokio::join!(client, listener.accept());
        (Paced::new(accepted.unwrap().0, most), client.unwrap())
    }

    async fn write(mut server: Paced) -> io::Result<()> {
        let answer = vec![7; LONG];
        timeout(Duration::from_secs(60), server.write_all(&answer))
            .await
            .expect("it waits for ever")
    }

    #[tokio::test]
    async fn who_does_not_read_is_hung_up_on() {
        let (server, _client) = pair(Duration::from_millis(200)).await;
        let error = write(server).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn who_reads_a_little_now_and_then_is_too() {
        let (server, mut client) = pair(Duration::from_millis(500)).await;
        let trickle = tokio::spawn(async move {
            let mut some = [0; 64];
            while client.read(&mut some).await.is_ok_and(|count| count > 0) {
                sleep(Duration::from_millis(50)).await;
            }
        });
        let error = write(server).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        trickle.abort();
    }

    #[tokio::test]
    async fn who_reads_all_of_it_gets_all_of_it() {
        let (server, mut client) = pair(Duration::from_secs(30)).await;
        let writing = tokio::spawn(write(server));
        let mut all = Vec::new();
        client.read_to_end(&mut all).await.unwrap();
        assert_eq!(all.len(), LONG);
        writing.await.unwrap().unwrap();
    }
}
