//! Messages on a stream: a header with a length, a blank line, a JSON text.
//!
//! What cannot be read as a message costs one answer, not the connection; a length beyond the limit is refused before memory is
//! taken for it.

use std::io::{self, BufRead, Read, Write};

use lsp_server::Message;

/// Longest message in bytes: far above any spec, which has at most 1 MiB.
const MAX_BYTES: u64 = 64 << 20;

/// Longest line of a header.
const MAX_HEADER: u64 = 4096;

/// What came.
#[derive(Debug)]
pub(super) enum Frame {
    /// A message.
    Message(Message),
    /// Something else, with the reason why it is no message.
    Malformed(String),
}

/// The next message; `None` at the end of the stream.
///
/// # Errors
/// The stream cannot be read.
pub(super) fn read(from: &mut impl BufRead) -> io::Result<Option<Frame>> {
    let malformed = |reason: &str| Ok(Some(Frame::Malformed(reason.to_owned())));
    let mut length = None;
    let mut sound = true;
    loop {
        let mut line = vec![];
        from.take(MAX_HEADER).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end_matches(['\r', '\n']);
        if line.is_empty() {
            break;
        }
        match line.split_once(':') {
            Some((name, value)) if name.trim().eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse::<u64>().ok();
            }
            Some(_) => {}
            None => sound = false,
        }
    }
    let Some(length) = length.filter(|_| sound) else {
        return malformed("a header needs a `Content-Length`");
    };
    if length > MAX_BYTES {
        io::copy(&mut from.take(length), &mut io::sink())?;
        return malformed("the message is too long");
    }
    let mut body = vec![];
    from.take(length).read_to_end(&mut body)?;
    if (body.len() as u64) < length {
        return Ok(None);
    }
    match serde_json::from_slice(&body) {
        Ok(message) => Ok(Some(Frame::Message(message))),
        Err(error) => Ok(Some(Frame::Malformed(error.to_string()))),
    }
}

/// Writes a message.
///
/// # Errors
/// The stream cannot be written to.
pub(super) fn write(to: &mut impl Write, message: &Message) -> io::Result<()> {
    message.write(to)
}

/// Answers what is no message.
///
/// # Errors
/// The stream cannot be written to.
pub(super) fn refuse(to: &mut impl Write, reason: &str) -> io::Result<()> {
    let answer = serde_json::json!({
        "jsonrpc": "2.0",
        "id": null,
        "error": { "code": lsp_server::ErrorCode::ParseError as i32, "message": reason },
    });
    let text = answer.to_string();
    write!(to, "Content-Length: {}\r\n\r\n{text}", text.len())?;
    to.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_goes_on_behind_what_is_no_message() {
        let good = r#"{"jsonrpc":"2.0","method":"exit"}"#;
        let text = format!(
            "Content-Length: 3\r\n\r\n{{x}}Content-Length: {}\r\n\r\n{good}nonsense\r\n\r\nContent-Length: {}\r\n\r\n{good}Content-Length: 9\r\n\r\n{{",
            good.len(),
            good.len()
        );
        let mut from = text.as_bytes();
        let mut kinds = String::new();
        while let Some(frame) = read(&mut from).unwrap() {
            kinds.push(if matches!(frame, Frame::Message(_)) { 'm' } else { 'x' });
        }
        assert_eq!(kinds, "xmxm");
    }

    #[test]
    fn a_length_beyond_the_limit_takes_no_memory() {
        let mut from = "Content-Length: 99999999999999\r\n\r\n{}".as_bytes();
        assert!(matches!(read(&mut from), Ok(Some(Frame::Malformed(_)))));
        assert!(matches!(read(&mut from), Ok(None)));
    }
}
