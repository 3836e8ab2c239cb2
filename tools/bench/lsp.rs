//! What a key costs in an editor: the change of a spec of 500 lines, and the diagnostics of the new text.
//!
//! In: nothing. Out: criterion's table; `keystroke` is the whole way from the message to the diagnostics, the others are requests
//! about a text that is known.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use criterion::{Criterion, criterion_group, criterion_main};
use lsp_server::{Notification, Request};
use serde_json::{Value, json};
use specc::data::{DataSpec, Description, Locations, describe};
use specc::diag::{Diagnostic, ToDiagnostic};
use specc::lsp::{Host, Server};

const URI: &str = "file:///bench/spec.net";

/// No files but the text.
struct Nowhere;

impl Host for Nowhere {
    fn import(&self, _: &Path, _: &str) -> Result<String, String> {
        Err("no such file".to_owned())
    }

    fn describe(&self, _: &Path, spec: &DataSpec) -> Result<Description, Box<Diagnostic>> {
        describe(spec, &Locations::default()).map_err(|error| Box::new(error.to_diagnostic()))
    }

    fn specs_below(&self, _: &Path) -> Vec<PathBuf> {
        vec![]
    }
}

/// A spec of 500 lines: values, blocks, losses, a net of some 400 layers, and a sweep where it is asked for.
fn spec(sweep: bool) -> String {
    let mut text = "// A spec as long as specs get.\ndata cifar10(normalize=half)\n".to_owned();
    for i in 0..40 {
        let _ = writeln!(text, "let width{i} = {} // channels", 16 + i);
    }
    for i in 0..20 {
        let _ = writeln!(text, "/// Block {i}.\nblock wide{i}(c, stride=1) {{");
        text.push_str("  let pre = in -> batch_norm -> relu\n  let main = pre\n");
        text.push_str(
            "    -> conv(c, kernel=3, stride=stride, pad=1)\n    -> batch_norm -> relu\n",
        );
        text.push_str("    -> conv(c, kernel=3, pad=1)\n  if channels(in) == c && stride == 1 {\n");
        text.push_str("    out main + in\n  } else {\n");
        text.push_str("    out main + (pre -> conv(c, kernel=1, stride=stride))\n  }\n}\n");
    }
    for i in 0..10 {
        let _ = writeln!(text, "loss own{i}(gamma=2) {{\n  let p = softmax(logits)");
        text.push_str("  out -(1 - p[label])^gamma * log(p[label])\n}\n");
    }
    text.push_str("net long(bias=false, init=he_normal) {\n  conv(16, kernel=3, pad=1)\n");
    for i in 0..40 {
        let _ = writeln!(text, "  wide{}(width{i})", i % 20);
    }
    text.push_str("  batch_norm -> relu -> global_avg_pool\n  linear(classes, bias=true)\n}\n");
    for i in 0..10 {
        let _ = writeln!(text, "assert degree(layer=linear1) >= {} // and so on", i - 10);
    }
    text.push_str("train sgd(lr=0.1) {\n  batch = 128\n  epochs = 2\n}\n");
    if sweep {
        text.push_str(
            "sweep forms {\n  loss in [a: two_scale(delta=0.01), b: own0(gamma=3), c: own1]\n",
        );
        text.push_str("  train.lr in [0.1, 0.2]\n  seeds in 0..3\n}\n");
        text.push_str("claim \"it is so\" {\n  test.accuracy of a > test.accuracy of b\n}\n");
    } else {
        text.push_str("loss two_scale(delta=0.01, base=own0(gamma=3))\n");
    }
    while text.lines().count() < 500 {
        text.push_str("// The end.\n");
    }
    text
}

struct Editor {
    server: Server,
    version: i32,
    requests: i32,
}

impl Editor {
    fn open(text: &str) -> Self {
        let mut editor = Self { server: Server::new(Box::new(Nowhere)), version: 1, requests: 0 };
        editor.request("initialize", json!({ "capabilities": {} }));
        let document = json!({ "uri": URI, "languageId": "net", "version": 1, "text": text });
        editor.notify("textDocument/didOpen", json!({ "textDocument": document }));
        editor.server.rest();
        editor
    }

    fn notify(&mut self, method: &str, params: Value) {
        self.server.handle(Notification { method: method.to_owned(), params }.into());
    }

    fn request(&mut self, method: &str, params: Value) -> usize {
        self.requests += 1;
        let id = self.requests.into();
        self.server.handle(Request { id, method: method.to_owned(), params }.into()).len()
    }

    /// Types a digit and takes it away again; each time the diagnostics are told.
    fn key(&mut self, line: usize, character: usize) -> usize {
        self.version += 1;
        let typed = self.version % 2 == 0;
        let end = character + usize::from(!typed);
        let range = json!({
            "start": { "line": line, "character": character },
            "end": { "line": line, "character": end },
        });
        let change = json!({ "range": range, "text": if typed { "0" } else { "" } });
        let document = json!({ "uri": URI, "version": self.version });
        let params = json!({ "textDocument": document, "contentChanges": [change] });
        self.notify("textDocument/didChange", params);
        self.server.rest().len()
    }
}

fn place(text: &str, of: &str) -> (usize, usize) {
    let at = text.find(of).map_or(0, |at| at + of.len());
    let line = text[..at].matches('\n').count();
    (line, at - text[..at].rfind('\n').map_or(0, |start| start + 1))
}

fn keys(c: &mut Criterion) {
    let mut group = c.benchmark_group("keystroke");
    for (name, sweep, of) in [
        ("in a value", false, "let width0 = 16"),
        ("in the net", false, "  conv(16"),
        ("in a comment", false, "// The"),
        ("that breaks the net", false, "global_avg_pool"),
        ("under a sweep", true, "let width0 = 16"),
    ] {
        let text = spec(sweep);
        let (line, character) = place(&text, of);
        let mut editor = Editor::open(&text);
        group.bench_function(name, |b| b.iter(|| editor.key(line, character)));
    }
    group.finish();
}

fn requests(c: &mut Criterion) {
    let text = spec(false);
    let mut editor = Editor::open(&text);
    let (line, character) = place(&text, "  conv(16");
    let end = json!({ "line": 499, "character": 0 });
    let params = json!({
        "textDocument": { "uri": URI },
        "position": { "line": line, "character": character },
        "range": { "start": { "line": 0, "character": 0 }, "end": end },
        "context": { "triggerKind": 1, "includeDeclaration": true, "diagnostics": [] },
    });
    let mut group = c.benchmark_group("request");
    for name in ["hover", "completion", "semanticTokens/full", "inlayHint", "documentSymbol"] {
        let method = format!("textDocument/{name}");
        group.bench_function(name, |b| b.iter(|| editor.request(&method, params.clone())));
    }
    group.finish();
}

criterion_group!(benches, keys, requests);
criterion_main!(benches);
