//! A server on loopback that answers as it is told: with lies, errors and broken connections if need be.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) path: String,
    /// First byte of `Range: bytes=N-`.
    pub(super) from: Option<usize>,
}

/// What is sent before the connection is closed.
pub(super) struct Reply {
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Reply {
    pub(super) fn status(status: &str) -> Self {
        Self { head: format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n"), body: vec![] }
    }

    /// The whole body with an honest length; `sent` bytes of it arrive.
    pub(super) fn whole(body: &[u8], sent: usize) -> Self {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n", body.len());
        Self { head, body: body[..sent.min(body.len())].to_vec() }
    }

    /// The body from the byte asked for, at most `sent` bytes of it.
    pub(super) fn range(request: &Request, body: &[u8], sent: usize) -> Self {
        let Some(from) = request.from else { return Self::whole(body, sent) };
        if from >= body.len() {
            return Self::status("416 Range Not Satisfiable");
        }
        let (rest, last, all) = (&body[from..], body.len() - 1, body.len());
        let head = format!(
            "HTTP/1.1 206 Partial Content\r\nContent-Length: {}\r\nContent-Range: bytes {from}-{last}/{all}\r\n",
            rest.len()
        );
        Self { head, body: rest[..sent.min(rest.len())].to_vec() }
    }
}

/// The running server; it stops when dropped.
pub(super) struct Server {
    address: String,
    requests: Arc<Mutex<Vec<Request>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Answers each request by `answer`, which gets its number from 0.
    pub(super) fn start(answer: impl Fn(usize, &Request) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let stop: Arc<AtomicBool> = Arc::default();
        let (seen, stopped) = (Arc::clone(&requests), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(mut stream) = stream else { continue };
                let Some(request) = read_request(&stream) else { continue };
                let number = {
                    let mut seen = seen.lock().unwrap();
                    seen.push(request.clone());
                    seen.len() - 1
                };
                let reply = answer(number, &request);
                // The client may close first; that is its right.
                let _ = write!(stream, "{}Connection: close\r\n\r\n", reply.head);
                let _ = stream.write_all(&reply.body);
                let _ = stream.flush();
            }
        });
        Self { address, requests, stop, thread: Some(thread) }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the listener up.
        let _ = TcpStream::connect(&self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn read_request(stream: &TcpStream) -> Option<Request> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next()?.ok()?;
    let path = first.split(' ').nth(1)?.trim_start_matches('/').to_owned();
    let mut from = None;
    loop {
        let line = lines.next()?.ok()?.to_ascii_lowercase();
        if line.is_empty() {
            return Some(Request { path, from });
        }
        if let Some(range) = line.strip_prefix("range: bytes=") {
            from = range.trim_end_matches('-').parse().ok();
        }
    }
}
