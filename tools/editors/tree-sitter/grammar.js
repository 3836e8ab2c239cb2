// The grammar of `.net` files for editors. `grammar/net.pest` is the contract; this one reads everything that it reads and is
// lenient elsewhere, because an editor shows what is not finished yet.
/// <reference types="tree-sitter-cli/dsl" />
// @ts-check

const list = (rule) => optional(seq(rule, repeat(seq(',', rule)), optional(',')));

module.exports = grammar({
  name: 'net',

  extras: ($) => [/\s/, '\ufeff', $.comment, $.doc_comment],

  word: ($) => $.identifier,

  // At the start of a statement `if` is the statement, elsewhere a value.
  conflicts: ($) => [[$._statement, $.side]],

  supertypes: ($) => [$._item, $._statement, $._expression],

  rules: {
    source_file: ($) => repeat($._item),

    _item: ($) =>
      choice(
        $.data, $.net, $.block, $.loss, $.train, $.analyze, $.let, $.import, $.assert, $.sweep, $.claim,
      ),

    data: ($) => seq('data', field('source', $.declaration)),
    net: ($) => seq('net', field('head', $.declaration), field('body', $.body)),
    block: ($) =>
      seq('block', field('name', $.identifier), optional($.parameters), field('body', $.body)),
    loss: ($) => seq('loss', field('head', $.declaration), optional(field('body', $.body))),
    train: ($) => seq('train', field('optimizer', $.declaration), optional($.entries)),
    analyze: ($) => seq('analyze', $.entries),
    let: ($) => seq('let', field('name', $.identifier), '=', field('value', $.chain)),
    import: ($) => seq('import', field('path', $.string)),
    assert: ($) => seq('assert', $._expression),
    sweep: ($) => seq('sweep', field('name', $.identifier), field('body', $.sweep_body)),
    claim: ($) =>
      seq('claim', field('text', $.string), optional($.claim_arguments), field('body', $.claim_body)),

    parameters: ($) => seq('(', list($.parameter), ')'),
    parameter: ($) => seq(field('name', $.identifier), optional(seq('=', $._expression))),
    entries: ($) => seq('{', repeat($.entry), '}'),
    entry: ($) => seq(field('key', $.identifier), optional(seq('=', field('value', $._expression)))),

    // Sweeps.
    sweep_body: ($) => seq('{', repeat(choice($.axis, $.where)), '}'),
    axis: ($) => seq(field('key', $._key), 'in', field('values', choice($.choices, $._expression))),
    // The brackets of an axis hold choices, not a list.
    choices: ($) => prec(2, seq('[', list($.choice), ']')),
    choice: ($) =>
      prec(2, seq(optional(seq(field('label', $.label), ':')), choice($.bundle, $._expression))),
    bundle: ($) => seq('{', repeat($.setting), '}'),
    setting: ($) => seq(field('key', $._key), '=', field('value', $._expression)),
    where: ($) => seq('where', $._condition),
    _condition: ($) => choice($.any, $.all, $.not, $.where_group, $.test),
    any: ($) => prec.left(1, seq($._condition, '||', $._condition)),
    all: ($) => prec.left(2, seq($._condition, '&&', $._condition)),
    not: ($) => seq('!', $.where_group),
    where_group: ($) => seq('(', $._condition, ')'),
    test: ($) => seq(field('axis', $._key), $.comparison, field('value', $._test_value)),
    _test_value: ($) =>
      choice($.integer, $.float, seq('-', choice($.integer, $.float)), $.string, $.boolean, $._key),
    comparison: () => choice('==', '!=', '<=', '>=', '<', '>'),

    // Claims.
    claim_arguments: ($) => seq('(', list($.argument), ')'),
    claim_body: ($) => seq('{', repeat($.claim_line), '}'),
    claim_line: ($) =>
      seq($._quantity, $.comparison, $._quantity, optional(seq(alias(/\+ *-/, '+-'), $._claim_number))),
    _quantity: ($) => choice($.sum, $.product, $._claim_number, $.extreme, $.claim_group, $.measured),
    sum: ($) => prec.left(1, seq($._quantity, choice('+', '-'), $._quantity)),
    product: ($) => prec.left(2, seq($._quantity, choice('*', '/'), $._quantity)),
    _claim_number: ($) => choice($.integer, $.float, seq('-', choice($.integer, $.float))),
    claim_group: ($) => seq('(', $._quantity, ')'),
    extreme: ($) => seq(alias(token(prec(2, /(min|max)\(/)), $.extreme_name), list($._quantity), ')'),
    measured: ($) => prec.right(seq($.measure, optional(seq('of', $.cells)))),
    measure: () => token(/[A-Za-z_]\w*(\([^){]*\))*(\.[A-Za-z_]\w*(\([^){]*\))*)*/),
    cells: ($) => choice(seq('(', list($.chosen), ')'), $._chosen_label),
    chosen: ($) => seq(optional(seq(field('axis', $._key), '=')), $._chosen_label),
    _chosen_label: ($) => choice(alias($.identifier, $.label), $.string, $._claim_number),

    // Statements.
    body: ($) => seq('{', repeat($._statement), '}'),
    _statement: ($) => choice($.let, $.out, $.repeat, $.if, $.chain),
    out: ($) => seq('out', $.chain),
    repeat: ($) =>
      seq(
        'repeat',
        optional(seq(field('variable', $.identifier), 'in')),
        field('range', $._expression),
        field('body', $.body),
      ),
    if: ($) =>
      prec.dynamic(
        1,
        seq(
          'if',
          field('condition', $._expression),
          $.body,
          repeat(seq('else', 'if', field('condition', $._expression), $.body)),
          optional(seq('else', $.body)),
        ),
      ),

    // Chains.
    chain: ($) => prec.right(seq($.step, repeat(seq('->', $.step)))),
    step: ($) => seq(optional(seq(field('label', $.label), ':')), $._expression),
    label: ($) => $.identifier,

    // Expressions.
    _expression: ($) =>
      choice(
        $.conditional, $.range, $.binary, $.unary, $.index, $.integer, $.float, $.string, $.boolean, $.call, $.list, $.group,
      ),
    conditional: ($) =>
      seq(
        'if',
        field('condition', $._expression),
        $.side,
        repeat(seq('else', 'if', field('condition', $._expression), $.side)),
        'else',
        $.side,
      ),
    side: ($) => seq('{', $.chain, '}'),
    range: ($) => prec.left(1, seq($._expression, '..', $._expression)),
    binary: ($) =>
      choice(
        ...[
          [2, '||'], [3, '&&'], [4, '=='], [4, '!='], [4, '<='], [4, '>='], [4, '<'], [4, '>'], [5, '+'], [5, '-'],
          [6, '*'], [6, '/'], [6, '%'],
        ].map(([level, operator]) =>
          prec.left(level, seq($._expression, field('operator', operator), $._expression)),
        ),
        prec.right(8, seq($._expression, field('operator', '^'), $._expression)),
      ),
    unary: ($) => prec(7, seq(field('operator', choice('-', '!')), $._expression)),
    index: ($) => prec(9, seq($._expression, token.immediate('['), $._expression, ']')),
    declaration: ($) => prec.right(seq(field('name', $.identifier), optional($.arguments))),
    // A dotted name is what is measured of a part of the data: `best(val.accuracy)`.
    call: ($) =>
      prec.right(seq(field('name', choice($.identifier, $.dotted_key)), optional($.arguments))),
    arguments: ($) => seq(token.immediate('('), list($.argument), ')'),
    argument: ($) => seq(optional(seq(field('key', $.identifier), '=')), field('value', $.chain)),
    list: ($) => seq('[', list($._expression), ']'),
    group: ($) => seq('(', $.chain, ')'),

    // Names and literals.
    _key: ($) => choice($.identifier, $.dotted_key),
    dotted_key: () => token(/[A-Za-z_]\w*(\.[A-Za-z_]\w*)+/),
    identifier: () => /[A-Za-z_]\w*/,
    boolean: () => choice('true', 'false'),
    integer: () => token(/\d(_?\d)*/),
    float: () => token(/\d(_?\d)*(\.\d(_?\d)*([eE][+-]?\d(_?\d)*)?|[eE][+-]?\d(_?\d)*)/),
    string: () => token(/"([^"\\\n]|\\.)*"/),
    doc_comment: () => token(prec(1, /\/\/\/([^\/\n][^\n]*)?/)),
    comment: () => token(/\/\/[^\n]*/),
  },
});
