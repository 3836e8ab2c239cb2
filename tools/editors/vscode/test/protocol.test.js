// The real program, spoken to by the library that the extension speaks with: every request of the client, on every shipped
// spec. `SPECC` names the program; without it the test is skipped, and says so.

const assert = require('node:assert');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const { test } = require('node:test');
const { pathToFileURL } = require('node:url');
const rpc = require('vscode-languageserver-protocol/node');
const { specs } = require('./specs');

const program = process.env.SPECC;

test('the client and the server understand each other', { skip: !program && 'SPECC is not set' }, async () => {
  const child = spawn(program, ['lsp'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.on('exit', resolve));
  const connection = rpc.createProtocolConnection(
    new rpc.StreamMessageReader(child.stdout),
    new rpc.StreamMessageWriter(child.stdin),
  );
  const told = new Map();
  connection.onNotification(rpc.PublishDiagnosticsNotification.type, (params) => told.set(params.uri, params));
  connection.listen();
  const begun = await connection.sendRequest(rpc.InitializeRequest.type, {
    processId: process.pid,
    rootUri: null,
    capabilities: { textDocument: { completion: { completionItem: { snippetSupport: true } } } },
    workspaceFolders: null,
  });
  assert.ok(begun.capabilities.semanticTokensProvider.legend.tokenTypes.includes('keyword'));
  await connection.sendNotification(rpc.InitializedNotification.type, {});
  for (const file of specs) {
    const text = fs.readFileSync(file, 'utf8');
    const uri = pathToFileURL(file).href;
    const textDocument = { uri };
    await connection.sendNotification(rpc.DidOpenTextDocumentNotification.type, {
      textDocument: { uri, languageId: 'net', version: 1, text },
    });
    const lines = text.split('\n');
    const line = lines.findIndex((each) => each.includes('linear('));
    const position = { line, character: lines[line].indexOf('linear(') + 1 };
    const symbols = await connection.sendRequest(rpc.DocumentSymbolRequest.type, { textDocument });
    assert.ok(symbols.some((symbol) => symbol.name.startsWith('net ')), file);
    const hover = await connection.sendRequest(rpc.HoverRequest.type, { textDocument, position });
    assert.ok(hover.contents.value.includes('Fully connected layer'), file);
    const range = { start: { line: 0, character: 0 }, end: { line: lines.length, character: 0 } };
    const hints = await connection.sendRequest(rpc.InlayHintRequest.type, { textDocument, range });
    assert.ok(hints.some((hint) => hint.label.startsWith('[n, ')), file);
    const completion = await connection.sendRequest(rpc.CompletionRequest.type, { textDocument, position });
    assert.ok(completion.some((item) => item.label === 'linear'), file);
    const tokens = await connection.sendRequest(rpc.SemanticTokensRequest.type, { textDocument });
    assert.strictEqual(tokens.data.length % 5, 0);
    const folds = await connection.sendRequest(rpc.FoldingRangeRequest.type, { textDocument });
    assert.ok(folds.length > 0, file);
    const edits = await connection.sendRequest(rpc.DocumentFormattingRequest.type, {
      textDocument,
      options: { tabSize: 2, insertSpaces: true },
    });
    assert.deepStrictEqual(edits, [], `${file} is formatted`);
    const actions = await connection.sendRequest(rpc.CodeActionRequest.type, {
      textDocument,
      range,
      context: { diagnostics: [] },
    });
    assert.ok(Array.isArray(actions));
    const wrong = told.get(uri).diagnostics.filter((one) => one.severity === rpc.DiagnosticSeverity.Error);
    assert.deepStrictEqual(wrong, [], file);
    assert.strictEqual(told.get(uri).version, 1);
  }
  await connection.sendRequest(rpc.ShutdownRequest.type);
  await connection.sendNotification(rpc.ExitNotification.type);
  assert.strictEqual(await ended, 0);
});
