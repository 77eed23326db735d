//! What a client is told whose request could not even be parsed.
//!
//! hyper answers such a request itself, with a bare status, and closes. This stands between hyper and the socket, knows that
//! answer, and writes one with a code and a sentence in its place. It then reads for a moment what the client still has to
//! say: closing at once would reset the connection, and many clients would never see the answer.

use std::future::Future as _;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::dialect::Family;
use crate::error::Refusal;
use crate::strict::Strict;

/// After such an answer, at most so much is read and thrown away, and for so long.
const LINGER_BYTES: usize = 8 << 20;
const LINGER: Duration = Duration::from_secs(1);

/// The preface of HTTP/2 (RFC 9113 section 3.4): after so many bytes the protocol is known.
const PREFACE: usize = 24;

/// How long a connection may take to say which protocol it speaks.
const SILENCE: Duration = Duration::from_secs(30);

/// The end of a head with a field that has no name.
const BAD_END: &[u8] = b"\0\r\n\r\n";

/// How long a client may take nothing of its answer.
const STALL: Duration = Duration::from_secs(120);

/// How hyper's own answers begin, and what is written instead.
const BARE: &[(&[u8], &str)] = &[
    (b"HTTP/1.1 400 Bad Request\r\n", "malformed_http"),
    (b"HTTP/1.1 414 URI Too Long\r\n", "header_block_too_large"),
    (b"HTTP/1.1 431 Request Header Fields Too Large\r\n", "header_block_too_large"),
];

/// The longest answer that hyper makes by itself, in bytes.
const LONGEST: usize = 256;

/// A socket on which hyper's bare refusals are explained.
pub(crate) struct Explained<S> {
    inner: S,
    /// What goes out instead of a bare refusal, how much of it has, and how long that refusal was.
    instead: Option<(Vec<u8>, usize, usize)>,
    /// Until it is clear which protocol is spoken, and the bytes so far: a connection on which nothing is said, or half a
    /// preface, holds a place that others wait for. From then on hyper has timers of its own.
    silence: Option<(Pin<Box<Sleep>>, usize)>,
    /// Looks at what comes in before hyper does.
    strict: Strict,
    /// It was refused, and so much of [`BAD_END`] was read in its place.
    refused: Option<usize>,
    /// The client takes nothing; until then it may.
    stalled: Option<Pin<Box<Sleep>>>,
    /// A refusal went out: the socket lingers before it closes.
    lingering: Option<(Pin<Box<Sleep>>, usize)>,
}

impl<S> Explained<S> {
    pub(crate) fn new(inner: S) -> Self {
        Self {
            inner,
            instead: None,
            silence: Some((Box::pin(sleep(SILENCE)), 0)),
            strict: Strict::default(),
            refused: None,
            stalled: None,
            lingering: None,
        }
    }
}

/// What to write instead of a bare refusal; none for anything else.
fn explanation(written: &[u8]) -> Option<Vec<u8>> {
    if written.len() > LONGEST || !written.ends_with(b"\r\n\r\n") {
        return None;
    }
    let (_, code) = BARE.iter().find(|(begin, _)| written.starts_with(begin))?;
    let head = written.strip_suffix(b"\r\n\r\n")?;
    let lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let mut empty = false;
    for line in lines {
        empty |= line.eq_ignore_ascii_case(b"content-length: 0");
    }
    if !empty {
        return None;
    }
    let refusal = Refusal::new(code);
    let body = refusal.to_json(Family::OpenAi);
    let status = refusal.status;
    let head = format!(
        "HTTP/1.1 {} {}\r\nconnection: close\r\ncontent-type: application/json\r\ncache-control: no-store\r\n\
         x-should-retry: false\r\ncontent-length: {}\r\n\r\n",
        status.as_u16(),
        status.canonical_reason().unwrap_or_default(),
        body.len()
    );
    Some([head.into_bytes(), body].concat())
}

impl<S> Explained<S> {
    /// What hyper reads in place of bytes that can be read in two ways: the end of a head that is none. It looks at a head
    /// when that is complete, and refuses it.
    fn end_badly(&mut self, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let rest = BAD_END.get(self.refused.unwrap_or(0)..).unwrap_or_default();
        let part = rest.get(..rest.len().min(buffer.remaining())).unwrap_or_default();
        buffer.put_slice(part);
        self.refused = Some(self.refused.unwrap_or(0).saturating_add(part.len()));
        Poll::Ready(Ok(()))
    }

    /// A write that waits, waits no longer than it may.
    fn moves(&mut self, cx: &mut Context<'_>, wrote: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if wrote.is_ready() {
            self.stalled = None;
            return wrote;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(STALL)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Explained<S> {
    /// Writes what goes out instead of a bare refusal; done, it counts as that refusal.
    fn explain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<usize>>> {
        let Some((bytes, done, length)) = &mut self.instead else { return Poll::Ready(Ok(None)) };
        while let Some(rest) = bytes.get(*done..).filter(|rest| !rest.is_empty()) {
            let wrote = ready!(Pin::new(&mut self.inner).poll_write(cx, rest))?;
            if wrote == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            *done = done.saturating_add(wrote);
        }
        let length = *length;
        self.instead = None;
        self.lingering = Some((Box::pin(sleep(LINGER)), 0));
        Poll::Ready(Ok(Some(length)))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Explained<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.refused.is_some() {
            return self.end_badly(buffer);
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(cx, buffer);
        if read.is_pending() {
            if let Some((silence, _)) = &mut self.silence {
                ready!(silence.as_mut().poll(cx));
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        } else if let Some((_, said)) = &mut self.silence {
            *said = said.saturating_add(buffer.filled().len().saturating_sub(before));
            if *said >= PREFACE {
                self.silence = None;
            }
        }
        let new = buffer.filled().get(before..).unwrap_or_default();
        if self.strict.look(new).is_err() {
            buffer.set_filled(before);
            return self.end_badly(buffer);
        }
        read
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Explained<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.instead.is_none()
            && let Some(instead) = explanation(bytes)
        {
            self.instead = Some((instead, 0, bytes.len()));
        }
        if let Some(length) = ready!(self.explain(cx))? {
            return Poll::Ready(Ok(length.min(bytes.len())));
        }
        let wrote = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.moves(cx, wrote)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // A bare refusal has no body, so it is the only slice with something in it.
        let mut filled = slices.iter().filter(|slice| !slice.is_empty());
        if let (Some(only), None) = (filled.next(), filled.next()) {
            return self.poll_write(cx, only);
        }
        let wrote = Pin::new(&mut self.inner).poll_write_vectored(cx, slices);
        self.moves(cx, wrote)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.inner).poll_shutdown(cx))?;
        let Self { inner, lingering, .. } = &mut *self;
        let Some((timer, thrown_away)) = lingering else { return Poll::Ready(Ok(())) };
        let mut scratch = [0; 4096];
        while *thrown_away < LINGER_BYTES && timer.as_mut().poll(cx).is_pending() {
            let mut buffer = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(&mut *inner).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {
                    *thrown_away = thrown_away.saturating_add(buffer.filled().len());
                }
                _ => break,
            }
        }
        *lingering = None;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_left() {
        let (_client, server) = tokio::io::duplex(8);
        let mut server = Explained::new(server);
        let error = server.write_all(&[0; 100]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn what_is_read_in_two_ways_is_no_request_any_more() {
        let (mut client, server) = tokio::io::duplex(4096);
        let mut server = Explained::new(server);
        client
            .write_all(b"GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\n")
            .await
            .unwrap();
        drop(client);
        let mut read = Vec::new();
        server.read_to_end(&mut read).await.unwrap();
        assert!(read.ends_with(BAD_END) && read.len() < 80, "{read:?}");
    }

    #[tokio::test]
    async fn a_bare_refusal_is_explained_and_nothing_else_is() {
        for (written, code) in [
            (
                "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
                "header_block_too_large",
            ),
            ("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\ndate: x\r\n\r\n", "malformed_http"),
            ("HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}", ""),
            ("HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n", ""),
            ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", ""),
        ] {
            let (mut client, server) = tokio::io::duplex(4096);
            let mut server = Explained::new(server);
            server.write_all(written.as_bytes()).await.unwrap();
            server.flush().await.unwrap();
            drop(server);
            let mut seen = String::new();
            client.read_to_string(&mut seen).await.unwrap();
            if code.is_empty() {
                assert_eq!(seen, written);
            } else {
                assert!(seen.contains(&format!("\"code\":\"{code}\"")), "{seen}");
                let (head, body) = seen.split_once("\r\n\r\n").unwrap();
                assert!(head.contains(&format!("content-length: {}", body.len())));
            }
        }
    }
}
