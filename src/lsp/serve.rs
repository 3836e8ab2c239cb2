//! The server on two streams.
//!
//! A thread reads; the others' messages are handled one after the other, and what a cancellation names before its turn is not
//! computed. Diagnostics are told when no message waits, so that fast typing costs one look at the last text. The loop ends with
//! `exit` or with the input.

use std::collections::VecDeque;
use std::io::{self, BufRead, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};

use lsp_server::{ErrorCode, Message, RequestId, Response};

use super::frame::{self, Frame};
use super::server::{Server, refusal};

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
        let open = take(&receiver, &mut queue)?;
        if queue.is_empty() && !open {
            return Ok(server.over().unwrap_or(false));
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
        for message in told(&mut server) {
            frame::write(&mut output, &message)?;
        }
    }
}

/// Waits for a frame where none is there; `false` once there are no more.
fn take(receiver: &Receiver<io::Result<Frame>>, queue: &mut VecDeque<Frame>) -> io::Result<bool> {
    if queue.is_empty() {
        match receiver.recv() {
            Ok(frame) => queue.push_back(frame?),
            Err(_) => return Ok(false),
        }
    }
    drain(receiver, queue)?;
    Ok(true)
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

fn told(server: &mut Server) -> Vec<Message> {
    catch_unwind(AssertUnwindSafe(|| server.rest())).unwrap_or_default()
}

fn refused(id: RequestId, code: ErrorCode, text: &str) -> Message {
    Response { id, response_result: Err(refusal(code, text)) }.into()
}

fn cancels(frame: &Frame, id: &RequestId) -> bool {
    let Frame::Message(Message::Notification(notification)) = frame else { return false };
    let named = || serde_json::from_value::<RequestId>(notification.params["id"].clone());
    notification.method == "$/cancelRequest" && named().is_ok_and(|named| named == *id)
}
