//! The parser on whole specs: what it accepts, what it reports, what it refuses to work on.

use std::fmt::Write as _;

use proptest::collection::vec;
use proptest::prelude::*;
use specc::diag::{Code, Diagnostics, FileId, RenderStyle, SourceMap, render};
use specc::syntax::ast::{BinaryOp, ExprKind, ItemKind, Spec, StmtKind, UnaryOp};
use specc::syntax::{format, parse, parse_expr, parse_override, print};

use crate::props;

const LENET: &str = "\
// LeNet-5 for CIFAR-100.
data cifar100

/// The network.
///   indented
net lenet5 {
  conv(6, kernel=5)  -> relu -> max_pool(2)
  conv(16, kernel=5)
    -> relu -> max_pool(2)
  flatten
  fc1: linear(120) -> relu
  linear(classes)
}

loss two_scale(delta=0.5, lambda=trainable)

train sgd(lr=0.1) { batch = 128  epochs = 128  seeds = 0..10 conserved }
";

pub(crate) fn parse_ok(text: &str) -> Spec {
    let (spec, diagnostics) = parse(FileId(0), text);
    assert!(diagnostics.is_empty(), "{diagnostics:#?}\n{text}");
    spec
}

fn codes(text: &str) -> Vec<Code> {
    parse(FileId(0), text).1.iter().map(|diagnostic| diagnostic.code).collect()
}

fn help(text: &str) -> String {
    let (_, diagnostics) = parse(FileId(0), text);
    assert_eq!(diagnostics.len(), 1, "{text}: {diagnostics:#?}");
    diagnostics[0].help.join("\n")
}

fn expr(text: &str) -> ExprKind {
    parse_expr(FileId(0), text).unwrap().value
}

#[test]
fn the_example_of_the_language_parses() {
    let spec = parse_ok(LENET);
    assert_eq!(spec.items.len(), 4);
    assert_eq!(spec.items[1].docs, ["The network.", "  indented"]);
    let ItemKind::Net(net) = &spec.items[1].kind else { panic!("not a net") };
    assert_eq!(net.body.len(), 5);
    let StmtKind::Chain(steps) = &net.body[3].kind else { panic!("not a chain") };
    assert_eq!(steps[0].label.as_ref().unwrap().value, "fc1");
    let ItemKind::Train(train) = &spec.items[3].kind else { panic!("not train") };
    assert_eq!(train.entries.len(), 4);
    assert!(train.entries[3].value.is_none());
    let span = spec.items[0].span.0;
    assert_eq!(&LENET[span.start as usize..span.end as usize], "data cifar100");
    let span = net.body[1].span.0;
    assert!(LENET[span.start as usize..span.end as usize].ends_with("max_pool(2)"));
}

#[test]
fn every_construct_parses() {
    parse_ok(
        "import \"blocks.net\" let width = 2 ^ 3 + 1
         block wide(c, stride=1) {
           let pre = in -> batch_norm -> relu
           let main = pre -> conv(c, kernel=3, stride=stride) -> conv(c)
           let skip = (pre -> conv(c, kernel=1)) * 1
           repeat i in 0..n - 1 { conv(c) repeat 3 { relu } }
           if stride != 1 && !(c == 2) { relu } else if c % 2 == 0 { identity } else { }
           (in -> relu) + skip
           -> relu
           out main + skip
         }
         loss my_focal(gamma=2) { let p = softmax(logits)  out -(1 - p[label])^gamma * log(p[label]) }
         loss two_scale(base=my_focal(gamma=2), delta=0.01, r1=trainable(10*R))
         train sam(sgd(lr=0.1), rho=0.05)
         net x(init=he_normal, bias=false, allow=[nonhomogeneous],) { add(in -> conv(3), in) }
         analyze { eta = [0, 0.1, 1e-5, 1_000] conserved }
         assert homogeneous(net, degree=4) && 1 < 2",
    );
}

#[test]
fn operators_bind_as_documented() {
    let neg_pow = expr("-x^2");
    assert_eq!(neg_pow, expr("-(x^2)"));
    assert!(matches!(neg_pow, ExprKind::Unary(UnaryOp::Neg, _)));
    assert_eq!(expr("2^3^4"), expr("2^(3^4)"));
    assert_eq!(expr("2^-x^3 * y"), expr("(2^(-(x^3))) * y"));
    assert_eq!(expr("a - b - c"), expr("(a - b) - c"));
    assert_eq!(expr("a + b * c % d"), expr("a + ((b * c) % d)"));
    assert_eq!(expr("a || b && c == d + 1"), expr("a || (b && (c == (d + 1)))"));
    assert_eq!(expr("-a * b"), expr("(-a) * b"));
    assert_eq!(expr("0..n - 1"), expr("0..(n - 1)"));
    assert!(matches!(expr("p[label]"), ExprKind::Index(..)));
    assert!(matches!(expr("(in -> relu) + 1"), ExprKind::Binary(BinaryOp::Add, ..)));
    assert_eq!(expr("1_000"), ExprKind::Int(1000));
    assert_eq!(expr("1e3"), ExprKind::Float(1000.0));
    assert_eq!(expr(r#""a\"\\\n\u{2192}""#), ExprKind::Str("a\"\\\n→".into()));
}

#[test]
fn overrides_keep_their_places() {
    let (path, value) = parse_override(FileId(0), "loss.base.gamma=[1, 2]").unwrap();
    assert_eq!(path.len(), 3);
    assert_eq!((path[1].span.start, path[1].span.end), (5, 9));
    assert_eq!((value.span.start, value.span.end), (16, 22));
    for bad in ["", "=", "a", "a=", "a..b=1", "1=2", "a=1 2", "a=(", "a b=1", "é=1"] {
        let errors: Diagnostics = parse_override(FileId(0), bad).unwrap_err();
        assert_eq!(errors.len(), 1, "{bad}");
    }
}

#[test]
fn slips_name_their_fix() {
    assert_eq!(help("net a { if x = 1 { relu } }"), "write `==`");
    assert_eq!(codes("net a { conv (6) }"), [Code::E0103]);
    assert_eq!(codes("net a { x: conv (6) -> relu }"), [Code::E0103]);
    assert_eq!(codes("loss a (b=1)"), [Code::E0103]);
    assert_eq!(help("nett lenet { relu }"), "write `net`");
    assert_eq!(help("net a { conv(kernel: 5) }"), "write `kernel=…`");
    assert_eq!(help("train sgd { batch: 5 }"), "write `batch = …`");
    assert_eq!(codes("net a { fc1 = linear(3) }"), [Code::E0109]);
    assert_eq!(codes("# hello\ndata mnist"), [Code::E0110]);
    assert_eq!(codes("data mnist # hello\nnet a { relu }"), [Code::E0110]);
    assert_eq!(help("import 'a.net'"), "write `\"a.net\"`");
    assert_eq!(codes("data mnist\n)"), [Code::E0107]);
    assert_eq!(codes("data mnist 5"), [Code::E0101]);
    assert_eq!(codes("let net = 3"), [Code::E0112]);
    assert_eq!(codes("let repeat = 3"), [Code::E0112]);
    assert_eq!(codes("train sgd { batch = 1, epochs = 2 }"), [Code::E0114]);
    assert_eq!(codes("train sgd { batch = 1; epochs = 2 }"), [Code::E0114]);
    assert_eq!(codes("let x = [1 2]"), [Code::E0114]);
    assert_eq!(help("let x = .5"), "write `0.5`");
    assert_eq!(help("let x = 1."), "write `1.0`");
    assert_eq!(codes("let x = 9223372036854775808"), [Code::E0104]);
    assert_eq!(codes("let x = 1e999"), [Code::E0104]);
    assert_eq!(codes("let x = 2 → 3"), [Code::E0113]);
    assert_eq!(codes("claim { a }"), [Code::E0101]);
    assert_eq!(codes("claim \"a\" { R of }"), [Code::E0101]);
    assert_eq!(help("let x = a and b"), "write `&&`");
}

#[test]
fn a_broken_item_leaves_the_others() {
    let text = "data mnist\nnet a {\n  linear(3\n\nloss two_scale(delta=)\ntrain sgd(lr=0.1)\n";
    let (spec, diagnostics) = parse(FileId(0), text);
    let found: Vec<_> = diagnostics.iter().map(|d| (d.code, d.labels[0].span.start)).collect();
    assert_eq!(found, [(Code::E0106, 27), (Code::E0101, 52)], "{diagnostics:#?}");
    assert_eq!(spec.items.len(), 2);
}

#[test]
fn limits_come_before_work() {
    let deep = |n: usize| format!("let x = {}1{}", "(".repeat(n), ")".repeat(n));
    parse_ok(&deep(64));
    assert_eq!(codes(&deep(65)), [Code::E0105]);
    assert_eq!(codes(&deep(100_000)), [Code::E0105]);
    assert_eq!(codes(&"{".repeat(100_000)), [Code::E0105]);
    assert_eq!(codes(&" ".repeat(10 << 20)), [Code::E0105]);
    let blocks = |n: usize| format!("net a {}{}", "{ repeat 2 ".repeat(n), "}".repeat(n));
    assert_eq!(codes(&blocks(100)), [Code::E0105]);
    let ifs = |n: usize| format!("net a {{ if a {{ }} {} }}", "else if a { } ".repeat(n));
    parse_ok(&ifs(60));
    assert_eq!(codes(&ifs(64)), [Code::E0105]);
    assert_eq!(codes(&ifs(50_000)), [Code::E0105]);
    parse_ok(&format!("let x = 1{}", " + 1".repeat(255)));
    assert_eq!(codes(&format!("let x = 1{}", "+1".repeat(500_000))), [Code::E0105]);
    assert_eq!(codes(&format!("let x = 1{}", "^1".repeat(500_000))), [Code::E0105]);
    assert_eq!(codes(&format!("let x = {}1", "-".repeat(1_000_000))), [Code::E0105]);
    assert_eq!(codes(&format!("let x = a{}", "[1]".repeat(300_000))), [Code::E0105]);
    parse_ok(&format!("net x {{ a{} }}", " -> a".repeat(200_000)));
    let mut items = String::new();
    for i in 0..70_000 {
        let _ = writeln!(items, "let x{i} = 1");
    }
    assert_eq!(parse_ok(&items).items.len(), 70_000);
    assert_eq!(codes(&"data\n".repeat(200_000)).len(), 100);
    assert_eq!(codes("data mnist\0"), [Code::E0113]);
    parse_ok("\u{feff}data mnist");
    assert_eq!(codes("data mnist\u{feff}"), [Code::E0113]);
}

/// The text of a spec with comments and odd blanks between its tokens.
fn disturbed(text: &str, seeds: &[u8]) -> String {
    const NOISE: &[&str] =
        &[" ", "  ", "\n", "\n\n\n", " // c\n", "\n  // own\n", "\n\n/// doc\n\n", "\t", "\r\n"];
    let mut out = String::new();
    let mut seeds = seeds.iter().cycle();
    let mut in_string = false;
    let mut previous = ' ';
    for c in text.chars() {
        if c == '"' && previous != '\\' {
            in_string = !in_string;
        }
        previous = if previous == '\\' { ' ' } else { c };
        if !in_string && (c == ' ' || c == '\n') {
            let noise = NOISE[*seeds.next().unwrap() as usize % NOISE.len()];
            out.push_str(noise);
        } else {
            out.push(c);
        }
    }
    out
}

/// Formatting keeps the tree and every comment, and a second time changes nothing.
pub(crate) fn assert_formats(text: &str) -> String {
    let before = parse_ok(text);
    let once = format(text).unwrap();
    let after = parse_ok(&once);
    assert_eq!(before, after, "\n{text}\n-----\n{once}");
    assert_eq!(format(&once).unwrap(), once, "\n{text}");
    let comments = |text: &str| text.matches("//").count();
    assert_eq!(comments(text), comments(&once));
    once
}

#[test]
fn the_formatter_keeps_what_the_writer_decides() {
    let text = "
// head

data   cifar100( normalize=half )   // trailing
net lenet5{
  // first

  // second
  conv(6,kernel = 5)->relu   ->max_pool(2)
  conv(16, kernel=5) ->
     relu -> max_pool(2)


  fc1:linear( -x ^ 2+1 )
  if c {relu} else   if !d { tanh } else {
    relu }
  repeat i in - 1 .. n { relu  relu }
  long_name(
    a=1, b=[ 1,2 ])
  relu   tanh
  if c {relu}
  else { tanh   relu }
  // last
}
train sgd(lr=0.1) { batch = 128   epochs=128 }
let a = [1, // one
  2,
]
";
    let expected = "\
// head

data cifar100(normalize=half) // trailing
net lenet5 {
  // first

  // second
  conv(6, kernel=5) -> relu -> max_pool(2)
  conv(16, kernel=5)
    -> relu -> max_pool(2)

  fc1: linear(-x^2 + 1)
  if c {
    relu
  } else if !d {
    tanh
  } else {
    relu
  }
  repeat i in -1..n { relu  relu }
  long_name(
    a=1,
    b=[1, 2],
  )
  relu  tanh
  if c { relu }
  else { tanh  relu }
  // last
}
train sgd(lr=0.1) { batch = 128  epochs = 128 }
let a = [
  1, // one
  2,
]
";
    assert_eq!(assert_formats(text), expected);
    assert_formats(LENET);
    assert_formats("net a { a -> // c\n b // d\n -> c f(a // x\n , b // y\n) // z\n }// end");
    assert_eq!(format("").unwrap(), "");
    assert_eq!(format("// c").unwrap(), "// c\n");
    let long = format!("net a {{\n  {}\n}}\n", ["conv(64, kernel=3)"; 12].join(" -> "));
    assert!(assert_formats(&long).lines().all(|line| line.len() <= 100));
    let long = format!("let a = f({})\n", ["some_name=1000"; 12].join(", "));
    assert!(assert_formats(&long).lines().all(|line| line.len() <= 100));
}

const VALID: &[&str] = &[
    LENET,
    "block w(c, s=1) { let p = in -> relu\n if s != 1 { relu } else { tanh }\n out p + in }\n",
    "loss f(g=2) { let p = softmax(logits) out -(1 - p[label])^g * log(p[label]) }\nloss f\n",
    "analyze { eta = [0, 0.1] conserved }\nassert homogeneous(net, degree=4)\nimport \"a.net\"\n",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn parsing_what_is_printed_gives_the_same_tree(spec in props::ast::spec(), noise in any::<[u8; 16]>()) {
        let text = print(&spec);
        let parsed = parse_ok(&text);
        prop_assert_eq!(&parsed, &spec, "\n{}", text);
        prop_assert_eq!(&print(&parsed), &text);
        prop_assert!(assert_formats(&text) == text);
        // Noise adds doc comments, so only the formatter's own promises hold.
        let noisy = disturbed(&text, &noise);
        if parse(FileId(0), &noisy).1.is_empty() {
            assert_formats(&noisy);
        }
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,60}", tokens in "(net|data|a|\\{|\\}|\\(|\\)|\\[|->|=|:|,|\"|'|//|\n| |-|\\^|1|\\.|if|let|repeat|in|\\\\u){0,40}") {
        for text in [text, tokens] {
            let (_, diagnostics) = parse(FileId(0), &text);
            prop_assert_eq!(format(&text).is_ok(), diagnostics.is_empty());
            let _ = parse_override(FileId(0), &text);
            let mut sources = SourceMap::new();
            sources.add("a.net", text.as_str());
            for diagnostic in diagnostics {
                prop_assert!(diagnostic.title.chars().count() <= 72);
                render(&diagnostic, &sources, RenderStyle { color: false, width: 60 });
            }
        }
    }

    #[test]
    fn no_mutation_panics(which in 0..VALID.len(), edits in vec((any::<prop::sample::Index>(), 0_usize..6, "\\PC|[(){}\\[\\],:=\"/#\n-]"), 1..6)) {
        let mut chars: Vec<char> = VALID[which].chars().collect();
        for (at, cut, put) in edits {
            let from = at.index(chars.len().max(1)).min(chars.len());
            let to = (from + cut).min(chars.len());
            chars.splice(from..to, put.chars());
        }
        let text: String = chars.into_iter().collect();
        if parse(FileId(0), &text).1.is_empty() {
            assert_formats(&text);
        } else {
            prop_assert!(format(&text).is_err());
        }
    }
}
