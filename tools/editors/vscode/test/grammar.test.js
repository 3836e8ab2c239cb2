// The TextMate grammar on every shipped spec: each token of the language gets the scope that its kind has.

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const oniguruma = require('vscode-oniguruma');
const textmate = require('vscode-textmate');
const { cases, specs } = require('./specs');

async function grammar() {
  const wasm = fs.readFileSync(require.resolve('vscode-oniguruma/release/onig.wasm'));
  await oniguruma.loadWASM(wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength));
  const file = path.join(__dirname, '../syntaxes/net.tmLanguage.json');
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async () => textmate.parseRawGrammar(fs.readFileSync(file, 'utf8'), file),
  });
  return registry.loadGrammar('source.net');
}

/** The kinds of tokens, by patterns of their own, with a part of the scope that each must have. */
const KINDS = [
  [/^\/\/\/(?!\/)/, 'comment.line.documentation'],
  [/^\/\//, 'comment.line'],
  [/^"/, 'string.quoted'],
  [/^\d/, 'constant.numeric'],
  [/^->$/, 'keyword.operator.arrow'],
  [/^(out|repeat|else)$/, 'keyword.control'],
  [/^(true|false)$/, 'constant.language'],
];

test('every token of every shipped spec has its scope', async () => {
  const rules = await grammar();
  let tokens = 0;
  for (const file of [...specs, ...cases]) {
    let state = textmate.INITIAL;
    for (const [number, line] of fs.readFileSync(file, 'utf8').split('\n').entries()) {
      const result = rules.tokenizeLine(line, state);
      state = result.ruleStack;
      for (const token of result.tokens) {
        const text = line.slice(token.startIndex, token.endIndex).trim();
        if (text === '') continue;
        tokens += 1;
        const scope = token.scopes.slice(1).join(' ');
        assert.ok(!scope.includes('invalid'), `${file}:${number + 1}: ${text} is ${scope}`);
        if (/^(comment|string)/.test(scope)) continue;
        const kind = KINDS.find(([pattern]) => pattern.test(text));
        const right = kind === undefined ? scope !== '' : scope.includes(kind[1]);
        assert.ok(right, `${file}:${number + 1}: \`${text}\` is \`${scope}\``);
      }
      const item = line.match(/^(data|net|block|loss|train|sweep|claim|import|assert|analyze)\b/);
      if (item) assert.ok(result.tokens[0].scopes.join(' ').includes('keyword.control.item'), `${file}:${number + 1}`);
      const comment = line.match(/^\s*\/\//);
      if (comment) assert.ok(result.tokens.at(-1).scopes.join(' ').includes('comment'), `${file}:${number + 1}`);
    }
  }
  assert.ok(specs.length >= 12 && cases.length > 30, `${specs.length} specs, ${cases.length} cases`);
  assert.ok(tokens > 4000, `${tokens} tokens`);
});
