//! The program itself, spoken to over its streams as an editor does.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

struct Client {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Client {
    fn new() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_specc"))
            .args(["lsp", "--stdio"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { input: child.stdin.take(), child, output }
    }

    fn raw(&mut self, text: &str) {
        let input = self.input.as_mut().unwrap();
        input.write_all(text.as_bytes()).unwrap();
        input.flush().unwrap();
    }

    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        self.raw(&format!("Content-Length: {}\r\n\r\n{text}", text.len()));
    }

    fn request(&mut self, id: i32, method: &str, params: &Value) {
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
    }

    fn notify(&mut self, method: &str, params: &Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    fn receive(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.output.read_line(&mut line).unwrap();
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if let Some(number) = line.strip_prefix("Content-Length: ") {
                length = number.parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.output.read_exact(&mut body).unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    fn begin(&mut self) -> Value {
        self.request(1, "initialize", &json!({ "capabilities": {} }));
        let answer = self.receive();
        self.notify("initialized", &json!({}));
        answer
    }

    fn open(&mut self, uri: &str, text: &str) {
        let document = json!({ "uri": uri, "languageId": "net", "version": 7, "text": text });
        self.notify("textDocument/didOpen", &json!({ "textDocument": document }));
    }

    /// The exit code, once the program has ended by itself.
    fn end(mut self) -> Option<i32> {
        self.input = None;
        self.child.wait().unwrap().code()
    }
}

#[test]
fn a_session_from_initialize_to_exit() {
    let mut client = Client::new();
    client.request(5, "textDocument/hover", &json!({}));
    assert_eq!(client.receive()["error"]["code"], -32002);
    let answer = client.begin();
    let capabilities = &answer["result"]["capabilities"];
    for name in [
        "hoverProvider",
        "completionProvider",
        "definitionProvider",
        "referencesProvider",
        "renameProvider",
        "documentSymbolProvider",
        "documentFormattingProvider",
        "semanticTokensProvider",
        "inlayHintProvider",
        "foldingRangeProvider",
        "codeActionProvider",
    ] {
        assert!(!capabilities[name].is_null(), "{name}");
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("lib.net"), "block b { flatten -> linear(8) }").unwrap();
    let uri = format!("file://{}/my%20spec.net", folder.path().display());
    client.open(
        &uri,
        "import \"lib.net\"\ndata digits\nnet a { b -> linear(clases) }\nloss mse\ntrain sgd\n",
    );
    let told = client.receive();
    assert_eq!(told["method"], "textDocument/publishDiagnostics");
    assert_eq!((&told["params"]["version"], &told["params"]["uri"]), (&json!(7), &json!(uri)));
    assert_eq!(told["params"]["diagnostics"][0]["code"], "E0201");
    let edit = json!({
        "range": { "start": { "line": 2, "character": 23 }, "end": { "line": 2, "character": 23 } },
        "text": "s",
    });
    let document = json!({ "uri": uri, "version": 8 });
    client.notify(
        "textDocument/didChange",
        &json!({ "textDocument": document, "contentChanges": [edit] }),
    );
    let told = client.receive();
    assert_eq!(told["params"]["version"], 8);
    assert_eq!(told["params"]["diagnostics"], json!([]));
    let at = json!({ "textDocument": { "uri": uri }, "position": { "line": 2, "character": 8 } });
    client.request(2, "textDocument/definition", &at);
    let answer = client.receive();
    assert!(answer["result"]["uri"].as_str().unwrap().ends_with("/lib.net"), "{answer}");
    client.request(3, "shutdown", &Value::Null);
    let answer = client.receive();
    assert_eq!((&answer["id"], answer.get("result")), (&json!(3), Some(&Value::Null)));
    client.request(4, "textDocument/hover", &at);
    assert_eq!(client.receive()["error"]["code"], -32600);
    client.notify("exit", &Value::Null);
    assert_eq!(client.child.wait().unwrap().code(), Some(0));
}

#[test]
fn what_is_unknown_cancelled_or_damaged_is_answered() {
    let mut client = Client::new();
    client.begin();
    client.request(2, "specc/nothing", &json!({}));
    assert_eq!(client.receive()["error"]["code"], -32601);
    client.notify("$/nothing", &json!({}));
    client.request(3, "textDocument/hover", &json!({ "position": "wrong" }));
    assert_eq!(client.receive()["error"]["code"], -32602);
    client.raw("Content-Length: 2\r\n\r\n{]");
    let answer = client.receive();
    assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(-32700), &Value::Null));
    let at = json!({ "textDocument": { "uri": "file:///none.net" }, "position": { "line": 0, "character": 0 } });
    client.request(4, "textDocument/hover", &at);
    assert_eq!(client.receive()["result"], Value::Null);
    // The cancellation arrives with the request, so that it is there before its turn.
    let message = |value: Value| {
        let text = value.to_string();
        format!("Content-Length: {}\r\n\r\n{text}", text.len())
    };
    let slow = "data digits\nnet a { repeat 150 { flatten -> linear(8) } linear(classes) }\nloss mse\ntrain sgd";
    client.open("file:///slow.net", slow);
    let params = json!({ "textDocument": { "uri": "file:///slow.net" } });
    let symbols = json!({ "jsonrpc": "2.0", "id": 9, "method": "textDocument/documentSymbol", "params": params });
    let asked = json!({ "jsonrpc": "2.0", "id": 10, "method": "textDocument/documentSymbol", "params": params });
    let cancel = json!({ "jsonrpc": "2.0", "method": "$/cancelRequest", "params": { "id": 10 } });
    client.raw(&format!("{}{}{}", message(symbols), message(asked), message(cancel)));
    let mut codes = vec![];
    while codes.len() < 2 {
        let answer = client.receive();
        if answer["id"].is_number() {
            codes.push((answer["id"].as_i64().unwrap(), answer["error"]["code"].as_i64()));
        }
    }
    assert_eq!(codes, [(9, None), (10, Some(-32800))]);
    assert_eq!(client.end(), Some(1));
}

#[test]
fn a_closed_input_ends_the_program() {
    let client = Client::new();
    assert_eq!(client.end(), Some(1));
    let mut client = Client::new();
    client.begin();
    client.open("file:///a.net", "net {");
    assert_eq!(client.end(), Some(1));
    let mut client = Client::new();
    client.begin();
    client.notify("exit", &Value::Null);
    assert_eq!(client.child.wait().unwrap().code(), Some(1));
}
