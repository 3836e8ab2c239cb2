//! The server as a function: a message and the state before it give messages and the state after it.
//!
//! Requests before `initialize` and after `shutdown` are refused, unknown ones are answered as unknown, unknown notifications
//! are ignored. Diagnostics come from [`Server::rest`], once no message waits, and carry the version that they are of.

use std::collections::BTreeSet;

use lsp_server::{ErrorCode, Message, Notification, Request, RequestId, Response, ResponseError};
use lsp_types::{
    DidChangeConfigurationParams, DidChangeTextDocumentParams, DidCloseTextDocumentParams,
    DidOpenTextDocumentParams, InitializeParams, InitializeResult, PublishDiagnosticsParams,
    ServerInfo, Uri,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::analysis::CELLS;
use super::documents::Document;
use super::host::Host;
use super::workspace::Workspace;
use super::{
    capabilities, completion, diagnostics, fixes, folding, format, highlight, hints, hover,
    navigate, rename, symbols, uri,
};

/// Where a connection is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing but `initialize` is answered.
    New,
    /// Everything is.
    Running,
    /// Nothing but `exit` counts.
    ShutDown,
    /// The connection is over.
    Over {
        /// Whether the editor said so before.
        announced: bool,
    },
}

/// The state of a connection.
#[expect(missing_debug_implementations, reason = "it holds the world outside")]
pub struct Server {
    workspace: Workspace,
    phase: Phase,
    /// Texts whose diagnostics are not told yet, by address.
    untold: BTreeSet<String>,
    /// Texts of which cells of sweeps are not looked at yet.
    unswept: BTreeSet<String>,
    /// Whether the editor can be asked to ask for hints again.
    refreshes_hints: bool,
    /// Whether the editor can be asked to tell of files that change on the disk.
    watches_files: bool,
    requests: i32,
}

/// Why a request has no result.
pub(super) type Refusal = ResponseError;

impl Server {
    /// A server that no editor has spoken to.
    pub fn new(host: Box<dyn Host>) -> Self {
        Self {
            workspace: Workspace::new(host),
            phase: Phase::New,
            untold: BTreeSet::new(),
            unswept: BTreeSet::new(),
            refreshes_hints: false,
            watches_files: false,
            requests: 0,
        }
    }

    /// Whether the connection is over, and then whether the editor had announced it.
    pub fn over(&self) -> Option<bool> {
        match self.phase {
            Phase::Over { announced } => Some(announced),
            Phase::New | Phase::Running | Phase::ShutDown => None,
        }
    }

    /// Takes a message and returns what is to be sent.
    pub fn handle(&mut self, message: Message) -> Vec<Message> {
        match message {
            Message::Request(request) => {
                let id = request.id.clone();
                let result = self.request(request);
                vec![Response { id, response_result: result }.into()]
            }
            Message::Notification(notification) => self.notification(notification),
            Message::Response(_) => vec![],
        }
    }

    /// Tells the diagnostics that are not told yet, each with the version of its text.
    pub fn rest(&mut self) -> Vec<Message> {
        let mut out = vec![];
        for address in std::mem::take(&mut self.untold) {
            let Some(document) = self.workspace.documents.get(&address) else { continue };
            let analysis = self.workspace.analyse(document, 0);
            let told = diagnostics::of(document, &analysis);
            out.push(publish(document.uri.clone(), Some(document.version), told));
            if !analysis.is_whole {
                self.unswept.insert(address);
            }
        }
        out
    }

    /// Whether [`Server::sweep`] has something to do.
    pub fn has_unswept(&self) -> bool {
        !self.unswept.is_empty()
    }

    /// Looks at the cells of sweeps, which takes longer than a key may, and tells what is found.
    pub fn sweep(&mut self) -> Vec<Message> {
        let mut out = vec![];
        for address in std::mem::take(&mut self.unswept) {
            let Some(document) = self.workspace.documents.get_mut(&address) else { continue };
            document.forget();
            let Some(document) = self.workspace.documents.get(&address) else { continue };
            let analysis = self.workspace.analyse(document, CELLS);
            let told = diagnostics::of(document, &analysis);
            out.push(publish(document.uri.clone(), Some(document.version), told));
        }
        out
    }

    fn request(&mut self, request: Request) -> Result<Value, Refusal> {
        let Request { method, params, .. } = request;
        match (self.phase, method.as_str()) {
            (Phase::New, "initialize") => return self.initialize(params),
            (Phase::New, _) => {
                let text = "the first request is `initialize`";
                return Err(refusal(ErrorCode::ServerNotInitialized, text));
            }
            (Phase::Running, "initialize") => {
                return Err(refusal(ErrorCode::InvalidRequest, "initialised already"));
            }
            (Phase::Running, "shutdown") => {
                self.phase = Phase::ShutDown;
                return Ok(Value::Null);
            }
            (Phase::Running, _) => {}
            (Phase::ShutDown | Phase::Over { .. }, _) => {
                return Err(refusal(ErrorCode::InvalidRequest, "shut down already"));
            }
        }
        let workspace = &self.workspace;
        match method.as_str() {
            "textDocument/hover" => answer(params, |p| hover::hover(workspace, &p)),
            "textDocument/completion" => answer(params, |p| completion::complete(workspace, &p)),
            "textDocument/definition" => answer(params, |p| navigate::definition(workspace, &p)),
            "textDocument/references" => answer(params, |p| navigate::references(workspace, &p)),
            "textDocument/documentHighlight" => {
                answer(params, |p| navigate::highlights(workspace, &p))
            }
            "textDocument/prepareRename" => answer(params, |p| rename::prepare(workspace, &p)),
            "textDocument/rename" => checked(params, |p| rename::rename(workspace, &p)),
            "textDocument/documentSymbol" => answer(params, |p| symbols::symbols(workspace, &p)),
            "textDocument/formatting" => checked(params, |p| format::format(workspace, &p)),
            "textDocument/semanticTokens/full" => {
                answer(params, |p| highlight::tokens(workspace, &p))
            }
            "textDocument/inlayHint" => answer(params, |p| hints::hints(workspace, &p)),
            "textDocument/foldingRange" => answer(params, |p| folding::ranges(workspace, &p)),
            "textDocument/codeAction" => answer(params, |p| fixes::actions(workspace, &p)),
            _ => Err(refusal(ErrorCode::MethodNotFound, &format!("no method `{method}`"))),
        }
    }

    fn initialize(&mut self, params: Value) -> Result<Value, Refusal> {
        let params: InitializeParams = parsed(params)?;
        self.phase = Phase::Running;
        let folders = params.workspace_folders.iter().flatten();
        self.workspace.roots = folders.filter_map(|folder| uri::path(&folder.uri)).collect();
        #[expect(deprecated, reason = "older editors name one folder this way")]
        if self.workspace.roots.is_empty() {
            self.workspace.roots.extend(params.root_uri.as_ref().and_then(uri::path));
        }
        let client = params.capabilities.workspace.unwrap_or_default();
        let inlay = client.inlay_hint.unwrap_or_default();
        self.refreshes_hints = inlay.refresh_support.unwrap_or_default();
        let watched = client.did_change_watched_files.unwrap_or_default();
        self.watches_files = watched.dynamic_registration.unwrap_or_default();
        let text = params.capabilities.text_document.unwrap_or_default();
        let items = text.completion.and_then(|completion| completion.completion_item);
        self.workspace.snippets = items.and_then(|item| item.snippet_support).unwrap_or_default();
        if let Some(options) = params.initialization_options {
            self.configure(&options);
        }
        let server_info =
            ServerInfo { name: "specc".into(), version: Some(env!("CARGO_PKG_VERSION").into()) };
        let capabilities = capabilities::capabilities();
        result(InitializeResult { capabilities, server_info: Some(server_info) })
    }

    /// `{"hints": {"shapes": true, "degrees": false}}`.
    fn configure(&mut self, options: &Value) {
        let hints = &options["hints"];
        let current = &mut self.workspace.hints;
        current.shapes = hints["shapes"].as_bool().unwrap_or(current.shapes);
        current.degrees = hints["degrees"].as_bool().unwrap_or(current.degrees);
    }

    fn notification(&mut self, notification: Notification) -> Vec<Message> {
        let Notification { method, params } = notification;
        if method == "exit" {
            self.phase = Phase::Over { announced: self.phase == Phase::ShutDown };
            return vec![];
        }
        if self.phase != Phase::Running {
            return vec![];
        }
        match method.as_str() {
            "initialized" if self.watches_files => return vec![self.watch()],
            "textDocument/didOpen" => self.opened(parsed(params).ok()),
            "textDocument/didChange" => self.changed(parsed(params).ok()),
            "textDocument/didSave" | "workspace/didChangeWatchedFiles" => self.files_changed(),
            "textDocument/didClose" => return self.closed(parsed(params).ok()),
            "workspace/didChangeConfiguration" => return self.configured(parsed(params).ok()),
            _ => {}
        }
        vec![]
    }

    fn opened(&mut self, params: Option<DidOpenTextDocumentParams>) {
        let Some(DidOpenTextDocumentParams { text_document: opened }) = params else { return };
        let address = opened.uri.as_str().to_owned();
        let document = Document::new(opened.uri, opened.version, &opened.text);
        self.workspace.documents.insert(address.clone(), document);
        self.touched(&address);
    }

    fn changed(&mut self, params: Option<DidChangeTextDocumentParams>) {
        let Some(params) = params else { return };
        let address = params.text_document.uri.as_str().to_owned();
        let Some(document) = self.workspace.documents.get_mut(&address) else { return };
        document.change(params.text_document.version, params.content_changes);
        self.touched(&address);
    }

    fn closed(&mut self, params: Option<DidCloseTextDocumentParams>) -> Vec<Message> {
        let Some(params) = params else { return vec![] };
        let uri = params.text_document.uri;
        let address = uri.as_str().to_owned();
        if self.workspace.documents.remove(&address).is_none() {
            return vec![];
        }
        self.untold.remove(&address);
        self.unswept.remove(&address);
        // What others import is the file on the disk again.
        self.files_changed();
        vec![publish(uri, None, vec![])]
    }

    fn configured(&mut self, params: Option<DidChangeConfigurationParams>) -> Vec<Message> {
        let Some(DidChangeConfigurationParams { settings }) = params else { return vec![] };
        self.configure(settings.get("specc").unwrap_or(&settings));
        if !self.refreshes_hints {
            return vec![];
        }
        vec![self.ask("workspace/inlayHint/refresh", Value::Null)]
    }

    /// Asks the editor to tell of specs and data that change on the disk.
    fn watch(&mut self) -> Message {
        let watchers =
            ["**/*.net", "**/*.csv", "**/*.npy"].map(|glob| json!({ "globPattern": glob }));
        let registration = json!({
            "id": "files",
            "method": "workspace/didChangeWatchedFiles",
            "registerOptions": { "watchers": watchers },
        });
        self.ask("client/registerCapability", json!({ "registrations": [registration] }))
    }

    /// A request to the editor; nothing depends on its answer.
    fn ask(&mut self, method: &str, params: Value) -> Message {
        self.requests += 1;
        let id = RequestId::from(format!("specc-{}", self.requests));
        Request { id, method: method.to_owned(), params }.into()
    }

    /// A text is new or has changed: it and those that import it are to be looked at.
    fn touched(&mut self, address: &str) {
        self.untold.insert(address.to_owned());
        let document = self.workspace.documents.get(address);
        if let Some(path) = document.and_then(|document| document.path.clone()) {
            let importers = self.workspace.forget_importers(&path);
            self.untold.extend(importers);
        }
    }

    fn files_changed(&mut self) {
        self.workspace.forget_files();
        self.untold.extend(self.workspace.documents.keys().cloned());
    }
}

fn publish(uri: Uri, version: Option<i32>, diagnostics: Vec<lsp_types::Diagnostic>) -> Message {
    let params = PublishDiagnosticsParams { uri, diagnostics, version };
    Notification::new("textDocument/publishDiagnostics".to_owned(), json!(params)).into()
}

/// The answer to a request with parameters; `null` where there is nothing to say.
fn answer<P: DeserializeOwned, R: Serialize>(
    params: Value,
    answer: impl FnOnce(P) -> Option<R>,
) -> Result<Value, Refusal> {
    result(answer(parsed(params)?))
}

/// The same of a request that may be refused.
fn checked<P: DeserializeOwned, R: Serialize>(
    params: Value,
    answer: impl FnOnce(P) -> Result<Option<R>, Refusal>,
) -> Result<Value, Refusal> {
    result(answer(parsed(params)?)?)
}

fn parsed<P: DeserializeOwned>(params: Value) -> Result<P, Refusal> {
    serde_json::from_value(params)
        .map_err(|error| refusal(ErrorCode::InvalidParams, &error.to_string()))
}

fn result(value: impl Serialize) -> Result<Value, Refusal> {
    serde_json::to_value(value)
        .map_err(|error| refusal(ErrorCode::InternalError, &error.to_string()))
}

/// A request is refused, for a reason in words.
pub(super) fn refusal(code: ErrorCode, text: &str) -> Refusal {
    ResponseError { code: code as i32, message: text.to_owned(), data: None }
}
