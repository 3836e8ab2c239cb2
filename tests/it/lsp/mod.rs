//! The language server: its features by messages, random edits, and the program over its streams.

mod complete;
mod edits;
mod features;
mod names;
mod stdio;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lsp_server::{Message, Notification, Request, Response};
use serde_json::{Value, json};
use specc::data::{DataSpec, Description, Locations, describe};
use specc::diag::{Diagnostic, ToDiagnostic};
use specc::lsp::{Host, Server};

/// Files in memory; data as far as it needs none.
#[derive(Default)]
struct Files(BTreeMap<PathBuf, String>);

impl Host for Files {
    fn import(&self, folder: &Path, path: &str) -> Result<String, String> {
        self.0.get(&folder.join(path)).cloned().ok_or_else(|| "no such file".to_owned())
    }

    fn describe(&self, _: &Path, spec: &DataSpec) -> Result<Description, Box<Diagnostic>> {
        describe(spec, &Locations::default()).map_err(|error| Box::new(error.to_diagnostic()))
    }

    fn specs_below(&self, folder: &Path) -> Vec<PathBuf> {
        self.0.keys().filter(|path| path.starts_with(folder)).cloned().collect()
    }
}

/// An editor that talks to a server in this process.
pub(super) struct Editor {
    server: Server,
    requests: i32,
    /// The newest diagnostics of each text, with their version.
    told: BTreeMap<String, (Option<i64>, Vec<Value>)>,
}

pub(super) const URI: &str = "file:///home/ada/spec.net";

impl Editor {
    /// A connection that has begun, with files on the disk.
    pub(super) fn with(files: &[(&str, &str)], capabilities: &Value) -> Self {
        let files = files.iter().map(|(path, text)| (PathBuf::from(path), (*text).to_owned()));
        let server = Server::new(Box::new(Files(files.collect())));
        let mut editor = Self { server, requests: 0, told: BTreeMap::new() };
        let folders = json!([{ "uri": "file:///home/ada", "name": "ada" }]);
        let params = json!({ "capabilities": capabilities, "workspaceFolders": folders });
        editor.request("initialize", params).unwrap();
        editor.notify("initialized", json!({}));
        editor
    }

    /// An editor with one open text.
    pub(super) fn open(text: &str) -> Self {
        let mut editor = Self::with(&[], &json!({}));
        editor.opened(URI, text);
        editor
    }

    pub(super) fn opened(&mut self, uri: &str, text: &str) {
        let document = json!({ "uri": uri, "languageId": "net", "version": 1, "text": text });
        self.notify("textDocument/didOpen", json!({ "textDocument": document }));
    }

    /// The whole text anew.
    pub(super) fn changed(&mut self, uri: &str, version: i64, text: &str) {
        let document = json!({ "uri": uri, "version": version });
        let changes = json!([{ "text": text }]);
        let params = json!({ "textDocument": document, "contentChanges": changes });
        self.notify("textDocument/didChange", params);
    }

    pub(super) fn notify(&mut self, method: &str, params: Value) {
        let message = Notification { method: method.to_owned(), params }.into();
        let answers = self.server.handle(message);
        self.keep(&answers);
    }

    pub(super) fn request(&mut self, method: &str, params: Value) -> Result<Value, String> {
        self.requests += 1;
        let id = lsp_server::RequestId::from(self.requests);
        let request = Request { id: id.clone(), method: method.to_owned(), params };
        let mut answers = self.server.handle(request.into());
        match (answers.pop(), answers.len()) {
            (Some(Message::Response(Response { id: answered, response_result })), 0) => {
                assert_eq!(answered, id);
                response_result.map_err(|error| format!("{}: {}", error.code, error.message))
            }
            (other, more) => panic!("{other:?} and {more} more"),
        }
    }

    /// A request about a place of a text.
    pub(super) fn at(&mut self, method: &str, uri: &str, place: &Value) -> Value {
        let params = json!({
            "textDocument": { "uri": uri },
            "position": place,
            "context": { "includeDeclaration": true, "triggerKind": 1 },
        });
        self.request(method, params).unwrap()
    }

    /// A request about a text.
    pub(super) fn about(&mut self, method: &str) -> Value {
        self.request(method, json!({ "textDocument": { "uri": URI } })).unwrap()
    }

    fn keep(&mut self, messages: &[Message]) {
        for message in messages {
            let Message::Notification(Notification { method, params }) = message else { continue };
            assert_eq!(method, "textDocument/publishDiagnostics");
            let uri = params["uri"].as_str().unwrap().to_owned();
            let all = params["diagnostics"].as_array().unwrap().clone();
            self.told.insert(uri, (params["version"].as_i64(), all));
        }
    }

    /// The diagnostics of a text, after the server has had its rest.
    pub(super) fn diagnostics(&mut self, uri: &str) -> (Option<i64>, Vec<Value>) {
        let answers = self.server.rest();
        self.keep(&answers);
        let answers = self.server.sweep();
        self.keep(&answers);
        self.told.get(uri).cloned().unwrap_or_default()
    }

    /// Code and first line of each diagnostic.
    pub(super) fn titles(&mut self, uri: &str) -> Vec<String> {
        let all = self.diagnostics(uri).1;
        let title = |one: &Value| {
            let message = one["message"].as_str().unwrap();
            format!("{} {}", one["code"].as_str().unwrap(), message.lines().next().unwrap())
        };
        all.iter().map(title).collect()
    }
}

/// The text without its mark `¦`, and the place of the mark in UTF-16 units.
pub(super) fn marked(text: &str) -> (String, Value) {
    let at = text.find('¦').unwrap();
    (text.replace('¦', ""), place(text, at))
}

/// The place of a byte.
pub(super) fn place(text: &str, at: usize) -> Value {
    let before = &text[..at];
    let line = before.matches('\n').count();
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    json!({ "line": line, "character": before[start..].encode_utf16().count() })
}

/// The text at a range of the protocol.
pub(super) fn slice<'a>(text: &'a str, range: &Value) -> &'a str {
    &text[byte(text, &range["start"])..byte(text, &range["end"])]
}

/// The byte of a place.
pub(super) fn byte(text: &str, place: &Value) -> usize {
    let (line, units) = (place["line"].as_u64().unwrap(), place["character"].as_u64().unwrap());
    let mut start = 0;
    for _ in 0..line {
        start += text[start..].find('\n').unwrap() + 1;
    }
    let mut left = units as usize;
    for (at, c) in text[start..].char_indices() {
        if left == 0 {
            return start + at;
        }
        assert!(c != '\n', "{place} lies behind its line in\n{text}");
        left -= c.len_utf16();
    }
    assert_eq!(left, 0, "the place lies behind the text");
    text.len()
}

/// The text after the edits of an answer.
pub(super) fn edited(text: &str, edits: &Value) -> String {
    let mut edits: Vec<(usize, usize, &str)> = edits
        .as_array()
        .unwrap()
        .iter()
        .map(|edit| {
            let range = &edit["range"];
            let new = edit["newText"].as_str().unwrap();
            (byte(text, &range["start"]), byte(text, &range["end"]), new)
        })
        .collect();
    edits.sort_unstable();
    let mut out = text.to_owned();
    for (start, end, new) in edits.into_iter().rev() {
        out.replace_range(start..end, new);
    }
    out
}
