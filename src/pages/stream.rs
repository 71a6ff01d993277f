//! An answer that is made while it is sent, piece by piece, in constant memory.
//!
//! Its length is not known, so only the end of the body says that it is complete. Rocket ends a body that
//! fails like one that does not, so one that fails here breaks its connection off.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use rocket::Request;
use rocket::futures::Stream;
use rocket::futures::stream::try_unfold;
use rocket::tokio::io::{AsyncRead, ReadBuf};
use tracing::error;

use super::headers::RequestId;
use crate::error::Result;
use crate::wire::Peers;

/// What an answer is made of.
#[rocket::async_trait]
pub trait Pieces: Send {
    /// The next piece; none after the last.
    async fn next(&mut self, request: &Request<'_>) -> Result<Option<Vec<u8>>>;
}

/// A body of pieces.
pub struct Body<'r> {
    pieces: Pin<Box<dyn Stream<Item = io::Result<Vec<u8>>> + Send + 'r>>,
    piece: Vec<u8>,
    /// How much of the piece was read.
    read: usize,
}

impl<'r> Body<'r> {
    /// The most that is handed on at once.
    pub const CHUNK: usize = 64 * 1024;

    /// The body of an answer to a request.
    #[must_use]
    pub fn new(request: &'r Request<'_>, pieces: impl Pieces + 'r) -> Self {
        let peers = request.rocket().state::<Peers>();
        // Now, while the connection stands: its address may be another's later.
        let breaker = peers.zip(request.remote()).and_then(|(peers, seen)| peers.breaker(seen));
        let pieces = try_unfold((pieces, breaker), move |(mut pieces, breaker)| async move {
            let next = pieces.next(request).await;
            match next {
                Ok(piece) => Ok(piece.map(|piece| (piece, (pieces, breaker)))),
                Err(error) => {
                    let id = RequestId::of(request);
                    error!(request = id, path = %request.uri().path(), ?error, "broken off");
                    if let Some(breaker) = breaker {
                        breaker.break_off().await;
                    }
                    Err(io::Error::other("the answer was broken off"))
                }
            }
        });
        Self { pieces: Box::pin(pieces), piece: Vec::new(), read: 0 }
    }
}

impl AsyncRead for Body<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.read >= self.piece.len() {
            match self.pieces.as_mut().poll_next(context) {
                Poll::Ready(Some(Ok(piece))) => {
                    self.piece = piece;
                    self.read = 0;
                }
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error)),
                Poll::Ready(None) => return Poll::Ready(Ok(())),
                Poll::Pending => return Poll::Pending,
            }
        }
        let rest = self.piece.get(self.read..).unwrap_or_default();
        let count = rest.len().min(buffer.remaining());
        buffer.put_slice(rest.get(..count).unwrap_or_default());
        self.read += count;
        Poll::Ready(Ok(()))
    }
}
