//! The server on two streams.
//!
//! A thread reads; the others' messages are handled one after the other, and what a cancellation names before its turn is not
//! computed. Diagnostics are told when no message waits, so that fast typing costs one look at the last text; those of the
//! cells of sweeps after a pause. The loop ends with `exit` or with the input.

use std::collections::VecDeque;
use std::io::{self, BufRead, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, sync_channel};
use std::time::Duration;

use lsp_server::{ErrorCode, Message, RequestId, Response};

use super::frame::{self, Frame};
use super::server::{Server, refusal};

/// How long a user rests before the cells of sweeps are looked at.
const PAUSE: Duration = Duration::from_millis(300);

/// Messages that may wait unread by the server; the reader then waits, and with it the editor.
const WAITING: usize = 1024;

/// Serves until the editor says `exit` or closes the input; whether the end was announced by `shutdown`.
///
/// # Errors
/// A stream cannot be read or written.
pub fn serve(
    mut server: Server,
    input: impl BufRead + Send + 'static,
    mut output: impl Write,
) -> io::Result<bool> {
    let (sender, receiver) = sync_channel(WAITING);
    // The thread ends with the input; a process that ends before does not wait for it.
    std::thread::spawn(move || {
        let mut input = input;
        loop {
            let frame = frame::read(&mut input).transpose();
            let Some(frame) = frame else { return };
            let is_last = frame.is_err();
            if sender.send(frame).is_err() || is_last {
                return;
            }
        }
    });
    let mut queue = VecDeque::new();
    loop {
        match take(&receiver, &mut queue, server.has_unswept())? {
            Waited::Frame => {}
            Waited::End => return Ok(server.over().unwrap_or(false)),
            Waited::Rest => {
                for message in guarded(&mut server, Server::sweep) {
                    frame::write(&mut output, &message)?;
                }
            }
        }
        while let Some(frame) = queue.pop_front() {
            match frame {
                Frame::Malformed(reason) => frame::refuse(&mut output, &reason)?,
                Frame::Message(message) => {
                    for answer in handled(&mut server, message, &queue) {
                        frame::write(&mut output, &answer)?;
                    }
                }
            }
            if let Some(announced) = server.over() {
                return Ok(announced);
            }
            // What came meanwhile may cancel what waits.
            drain(&receiver, &mut queue)?;
        }
        for message in guarded(&mut server, Server::rest) {
            frame::write(&mut output, &message)?;
        }
    }
}

/// What waiting for a frame came to.
enum Waited {
    /// One is there.
    Frame,
    /// There are no more.
    End,
    /// None came for a while.
    Rest,
}

/// Waits for a frame where none is there, but no longer than [`PAUSE`] where something else is to be done.
fn take(
    receiver: &Receiver<io::Result<Frame>>,
    queue: &mut VecDeque<Frame>,
    has_work: bool,
) -> io::Result<Waited> {
    if queue.is_empty() {
        let frame = if has_work {
            receiver.recv_timeout(PAUSE)
        } else {
            receiver.recv().map_err(|_| RecvTimeoutError::Disconnected)
        };
        match frame {
            Ok(frame) => queue.push_back(frame?),
            Err(RecvTimeoutError::Disconnected) => return Ok(Waited::End),
            Err(RecvTimeoutError::Timeout) => return Ok(Waited::Rest),
        }
    }
    drain(receiver, queue)?;
    Ok(Waited::Frame)
}

fn drain(receiver: &Receiver<io::Result<Frame>>, queue: &mut VecDeque<Frame>) -> io::Result<()> {
    loop {
        match receiver.try_recv() {
            Ok(frame) => queue.push_back(frame?),
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => return Ok(()),
        }
    }
}

/// The answers to a message; a request that a waiting message cancels is refused.
fn handled(server: &mut Server, message: Message, queue: &VecDeque<Frame>) -> Vec<Message> {
    let id = match &message {
        Message::Request(request) => Some(request.id.clone()),
        Message::Notification(_) | Message::Response(_) => None,
    };
    if let Some(id) = &id
        && queue.iter().any(|frame| cancels(frame, id))
    {
        return vec![refused(id.clone(), ErrorCode::RequestCanceled, "cancelled")];
    }
    // A defect costs one answer, not the editor's whole session; the tests drive the server without this net.
    catch_unwind(AssertUnwindSafe(|| server.handle(message))).unwrap_or_else(|_| {
        let refuse = |id| refused(id, ErrorCode::InternalError, "the server failed at this");
        id.map(refuse).into_iter().collect()
    })
}

fn guarded(server: &mut Server, tell: fn(&mut Server) -> Vec<Message>) -> Vec<Message> {
    catch_unwind(AssertUnwindSafe(|| tell(server))).unwrap_or_default()
}

fn refused(id: RequestId, code: ErrorCode, text: &str) -> Message {
    Response { id, response_result: Err(refusal(code, text)) }.into()
}

fn cancels(frame: &Frame, id: &RequestId) -> bool {
    let Frame::Message(Message::Notification(notification)) = frame else { return false };
    let named = || serde_json::from_value::<RequestId>(notification.params["id"].clone());
    notification.method == "$/cancelRequest" && named().is_ok_and(|named| named == *id)
}
