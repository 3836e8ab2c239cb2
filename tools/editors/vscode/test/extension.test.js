// The built extension without an editor: its manifest names files that exist, its snippets are right, its bundle loads and
// registers what the manifest promises.

const assert = require('node:assert');
const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');
const { test } = require('node:test');

const root = path.join(__dirname, '..');
const manifest = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
const read = (file) => JSON.parse(fs.readFileSync(path.join(root, file), 'utf8'));

test('the manifest names files that exist', () => {
  const { languages, grammars, snippets } = manifest.contributes;
  for (const file of [languages[0].configuration, grammars[0].path, snippets[0].path]) read(file);
  assert.ok(fs.existsSync(path.join(root, manifest.main)), 'run `npm run build` first');
  assert.strictEqual(read(grammars[0].path).scopeName, grammars[0].scopeName);
});

test('snippets have a prefix, a body, and tab stops that count from 1', () => {
  for (const [name, snippet] of Object.entries(read('snippets/net.json'))) {
    const body = snippet.body.join('\n');
    assert.ok(snippet.prefix && snippet.description, name);
    const stops = [...body.matchAll(/\$\{?(\d+)/g)].map((match) => Number(match[1])).filter((n) => n > 0);
    for (let n = 1; n <= Math.max(0, ...stops); n += 1) assert.ok(stops.includes(n), `${name} lacks \${${n}}`);
  }
});

/** A stand-in for the editor's module: classes are empty, functions do nothing, commands are kept. */
function editor(registered) {
  const anything = () =>
    new Proxy(class {}, {
      get: (target, key) => (key in target || typeof key === 'symbol' ? target[key] : anything()),
      apply: () => undefined,
    });
  const known = {
    commands: { registerCommand: (name) => (registered.push(name), { dispose() {} }) },
    workspace: new Proxy(
      {
        getConfiguration: () => ({ get: (_, fallback) => fallback }),
        onDidChangeConfiguration: () => ({ dispose() {} }),
        createFileSystemWatcher: () => ({ dispose() {} }),
      },
      { get: (target, key) => target[key] ?? anything() },
    ),
  };
  return new Proxy(known, { get: (target, key) => target[key] ?? anything() });
}

test('the bundle loads and registers its commands', async () => {
  const registered = [];
  const load = Module._load;
  Module._load = (name, ...rest) => (name === 'vscode' ? editor(registered) : load(name, ...rest));
  try {
    const extension = require(path.join(root, manifest.main));
    assert.strictEqual(typeof extension.deactivate, 'function');
    assert.deepStrictEqual(extension.server({ path: '', dataDir: '' }), { command: 'specc', args: ['lsp'] });
    assert.deepStrictEqual(extension.server({ path: '/bin/specc', dataDir: 'd' }), {
      command: '/bin/specc',
      args: ['lsp', '--data-dir', 'd'],
    });
    const subscriptions = [];
    await extension.activate({ subscriptions }).catch(() => {});
    const promised = manifest.contributes.commands.map((command) => command.command);
    assert.deepStrictEqual(registered.sort(), promised.sort());
  } finally {
    Module._load = load;
  }
});
