//! Resolving specs and building their graphs.
#![expect(clippy::disallowed_methods, reason = "specs are files")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use specc::compile::Compiled;
use specc::diag::Fault;
use specc::ir::{self, verify};
use specc::model::{essential, to_ast};
use specc::syntax::print;

use crate::pipeline::{built, compile, compile_with, legal, no_imports, rendered};
use crate::props;

fn specs() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs");
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths.filter(|path| path.is_file()).collect();
    paths.sort();
    paths
}

fn text(text: &str, overrides: &[&str]) -> Compiled {
    compile_with(Path::new("spec.net"), text, &mut no_imports, overrides)
}

/// The errors of a text and the warnings that are not of scaling.
fn codes(compiled: &Compiled) -> Vec<&'static str> {
    let codes = compiled.diagnostics.iter().map(|diagnostic| diagnostic.code.id());
    codes.filter(|code| !code.starts_with("W04")).collect()
}

/// A whole spec around a net.
fn with_net(net: &str) -> String {
    format!("data digits\n{net}\nloss cross_entropy\ntrain sgd\n")
}

#[test]
fn shipped_specs_match_their_snapshots() {
    for path in specs() {
        let source = std::fs::read_to_string(&path).unwrap();
        let (spec, graph) = legal(&compile(&path, &source, &[]));
        verify(&graph).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        insta::assert_snapshot!(format!("{name}.model"), print(&to_ast(&spec)));
        insta::assert_snapshot!(format!("{name}.graph"), ir::text(&graph));
    }
}

#[test]
fn resolved_specs_compile_to_the_same_graph_and_text() {
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite");
    let cases = ["model", "graph"].map(|feature| suite.join(feature).join("ok"));
    let cases = cases.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let cases = cases.map(|entry| entry.unwrap().path());
    let cases = cases.filter(|path| path.extension().is_some_and(|ending| ending == "net"));
    for path in specs().into_iter().chain(cases) {
        let source = std::fs::read_to_string(&path).unwrap();
        let (spec, graph) = legal(&compile(&path, &source, &[]));
        let resolved = print(&to_ast(&spec));
        let (again, same) = legal(&text(&resolved, &[]));
        assert_eq!(ir::text(&graph), ir::text(&same), "{}", path.display());
        assert_eq!(ir::hash(&graph), ir::hash(&same));
        assert_eq!(print(&to_ast(&again)), resolved, "{}", path.display());
        assert_eq!((&spec.data, &spec.train), (&again.data, &again.train));
        // What names a run is as good a spec, and stating a default does not change it.
        let essence = print(&essential(&to_ast(&spec)));
        assert_eq!(print(&to_ast(&legal(&text(&essence, &[])).0)), resolved, "{essence}");
        assert_eq!(print(&essential(&to_ast(&again))), essence, "{}", path.display());
    }
}

#[test]
fn a_stated_default_is_no_difference() {
    let essence = |source: &str| print(&essential(&to_ast(&legal(&text(source, &[])).0)));
    let net = "flatten -> linear(8) -> relu -> linear(classes)";
    let brief = format!("data digits\nnet n {{ {net} }}\nloss single_scale\ntrain sgd {{ }}");
    let stated = "data digits(normalize=unit, shuffle=true)
net n(bias=true) { flatten -> linear(8, bias=true) -> relu -> linear(classes, init=default) }
loss single_scale(r1=trainable(R), base=cross_entropy, size=derived, scale_lr=1)
train sgd(lr=0.1, momentum=0, schedule=constant) { batch = 128  epochs = 10  seeds = 0 }";
    let found = essence(&brief);
    assert_eq!(essence(stated), found);
    for kept in ["size", "lr", "batch", "normalize", "bias", "r1"] {
        assert!(!found.contains(kept), "{kept}: {found}");
    }
    let own = essence(&stated.replace("linear(8, bias=true)", "linear(8, bias=false)"));
    assert!(own.contains("linear(8, bias=false)"), "{own}");
    let head = essence(&stated.replace("n(bias=true)", "n(bias=false)"));
    assert!(head.contains("linear(8, bias=true)") && head.contains("n(bias=false)"), "{head}");
}

#[test]
fn parameter_counts_are_the_published_ones() {
    let count = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs").join(name);
        let source = std::fs::read_to_string(&path).unwrap();
        assert!(source.lines().filter(|line| !line.starts_with("//")).count() <= 25, "{name}");
        let (_, graph) = legal(&compile(&path, &source, &[]));
        graph.params.iter().map(|param| param.shape.elements()).sum::<usize>()
    };
    assert_eq!(count("lenet_cifar100.net"), 63_092);
    assert_eq!(count("wrn28_10_cifar100_asam.net"), 36_536_884);
}

#[test]
fn graphs_do_not_depend_on_layout_or_values_spelt_otherwise() {
    let hash = |net: &str| ir::hash(&legal(&text(&with_net(net), &[])).1);
    let plain = hash("net a { flatten  linear(64) -> relu  linear(classes) }");
    let other = "let w = 8\n// words\nnet b { flatten -> linear(w * w)\n\nrelu\nlinear(classes, bias=true) }";
    assert_eq!(plain, hash(other));
    assert_ne!(plain, hash("net a { flatten  linear(64) -> abs  linear(classes) }"));
    assert_ne!(plain, hash("net a { flatten  x: linear(64) -> relu  linear(classes) }"));
}

#[test]
fn names_of_the_residual_net_are_those_of_the_golden_trajectories() {
    let net = "block wide(c, stride=1) {
        let main = in -> conv(c, kernel=3, stride=stride, pad=1) -> batch_norm -> relu
          -> conv(c, kernel=3, pad=1)
        if stride == 1 { out main + in }
        else { out main + (in -> conv(c, kernel=1, stride=stride)) }
      }
      net wrn(bias=false) {
        conv(8, kernel=3, pad=1)
        let x = in
        (batch_norm -> relu -> conv(8, kernel=3, pad=1) -> batch_norm -> relu
          -> conv(8, kernel=3, pad=1)) + identity
        batch_norm -> relu -> wide(12, stride=2) -> batch_norm -> relu -> wide(16, stride=2)
        batch_norm -> relu -> global_avg_pool -> linear(classes, bias=true)
      }";
    let compiled = text(&with_net(net), &[]);
    let graph = built(&compiled).1.graph();
    let found: Vec<_> = graph.params.iter().map(|param| param.name.as_str()).collect();
    let expected = "conv1.weight bn1.weight bn1.bias conv2.weight bn2.weight bn2.bias conv3.weight \
        bn3.weight bn3.bias conv4.weight bn4.weight bn4.bias conv5.weight conv6.weight \
        bn5.weight bn5.bias conv7.weight bn6.weight bn6.bias conv8.weight conv9.weight \
        bn7.weight bn7.bias linear1.weight linear1.bias";
    assert_eq!(found, expected.split_whitespace().collect::<Vec<_>>());
}

#[test]
fn overrides_go_through_the_same_checks() {
    let source = "data digits\nnet n { flatten -> linear(classes) }\n\
        loss two_scale(0.5, base=focal(gamma=2), size=weights)\n\
        train sam(sgd(lr=0.1), rho=0.05) { epochs = 3 }";
    let keys = [
        "train.steps=7",
        "train.lr=0.2",
        "train.rho=0.1",
        "loss.delta=0.25",
        "loss.base.gamma=3",
        "data.normalize=half",
        "net.bias=false",
    ];
    let (spec, graph) = legal(&text(source, &keys));
    assert_eq!(graph.params.len(), 1);
    let resolved = print(&to_ast(&spec));
    for part in ["steps = 7", "lr=0.2", "rho=0.1", "delta=0.25", "gamma=3", "normalize=half"] {
        assert!(resolved.contains(part), "{part}\n{resolved}");
    }
    let wrong = [
        ("train.epcohs=2", "E0214"),
        ("loss.gamma=2", "E0214"),
        ("loss.base.delta=2", "E0214"),
        ("sweep.x=2", "E0214"),
        ("data.coarse=true", "E0214"),
        ("train.lr=-1", "E0206"),
        ("loss.delta=true", "E0205"),
    ];
    for (key, code) in wrong {
        let compiled = text(source, &[key]);
        assert_eq!(codes(&compiled), [code], "{key}");
        let place = compiled.diagnostics[0].labels[0].span;
        assert_eq!(compiled.sources.name(place.file), "argument");
        assert_eq!(compiled.fault(), Some(Fault::Usage));
        insta::assert_snapshot!(format!("override.{key}"), rendered(&compiled));
    }
}

#[test]
fn a_width_of_a_million_millions_is_refused_at_once() {
    for net in [
        "net a { flatten  linear(10^12)  linear(classes) }",
        "net a { conv(10^12, kernel=3)  flatten  linear(classes) }",
        "net a { conv(4, kernel=10^12, pad=10^12)  flatten  linear(classes) }",
        "net a { flatten  repeat 64 { linear(10^5) }  linear(classes) }",
        "net a { conv(1, kernel=1, pad=9 * 10^18)  flatten  linear(classes) }",
    ] {
        assert_eq!(codes(&text(&with_net(net), &[])).first(), Some(&"E0301"), "{net}");
    }
}

#[test]
fn deep_and_long_expansions_are_refused() {
    let mut blocks = "block b1 { relu }\n".to_owned();
    for i in 2..300 {
        let inner = i - 1;
        writeln!(blocks, "block b{i} {{ b{inner} }}").unwrap();
    }
    let net = format!("{blocks}net n {{ flatten -> b299 -> linear(classes) }}");
    assert_eq!(codes(&text(&with_net(&net), &[])), ["E0302"]);
    let net = "net n { flatten -> linear(classes) repeat 10^9 { relu } }";
    assert_eq!(codes(&text(&with_net(net), &[])), ["E0302"]);
    let net = "net n { flatten -> linear(classes) repeat 0..10^9 { relu } }";
    assert_eq!(codes(&text(&with_net(net), &[])), ["E0206"]);
}

#[test]
fn an_import_is_read_once_and_sees_its_own_values() {
    let mut reads = 0;
    let mut load = |path: &str| match path {
        "lib/a.net" => Ok("import \"c.net\"\nblock a { linear(c) }".to_owned()),
        "lib/b.net" => Ok("import \"./c.net\"\nblock b(n) { linear(c * n) }".to_owned()),
        "lib/c.net" => {
            reads += 1;
            Ok("let c = 3".to_owned())
        }
        other => Err(format!("`{other}` is not there")),
    };
    let source = "import \"lib/a.net\"\nimport \"lib/b.net\"\n".to_owned()
        + &with_net("net n { flatten -> a -> b(2) -> linear(classes) }");
    let (_, graph) = legal(&compile_with(Path::new("spec.net"), &source, &mut load, &[]));
    assert_eq!(graph.params[2].shape.dims, [6, 3]);
    assert_eq!(reads, 1);
}

#[test]
fn a_value_of_one_file_does_not_clash_with_a_parameter_of_another() {
    let mut load = |_: &str| Ok("block wide(c) { linear(c) }".to_owned());
    let source = "import \"lib.net\"\nlet c = 3\n".to_owned()
        + &with_net("net n { flatten -> wide(2 * c) -> linear(classes) }");
    let (spec, graph) = legal(&compile_with(Path::new("spec.net"), &source, &mut load, &[]));
    let resolved = print(&to_ast(&spec));
    let (_, same) = legal(&text(&resolved, &[]));
    assert_eq!(ir::hash(&graph), ir::hash(&same), "{resolved}");
}

proptest! {
    /// Whatever parses is resolved or refused; nothing panics.
    #[test]
    fn no_tree_panics(tree in props::ast::spec()) {
        let _ = text(&print(&tree), &[]);
    }

    /// Bodies drawn from words of the language are built or refused, and what is built holds its invariants.
    #[test]
    fn built_graphs_hold_their_invariants(
        words in prop::collection::vec(prop::sample::select(LAYERS), 0..12),
    ) {
        let net = format!("net n {{ {} \n flatten -> linear(classes) }}", words.join("\n"));
        let compiled = text(&with_net(&net), &[]);
        if let Some((spec, checked)) = compiled.sound() {
            prop_assert!(verify(checked.graph()).is_ok());
            let same = text(&print(&to_ast(spec)), &[]);
            prop_assert_eq!(ir::hash(checked.graph()), ir::hash(built(&same).1.graph()));
        }
    }
}

const LAYERS: &[&str] = &[
    "conv(4, kernel=3, pad=same)",
    "conv(6, kernel=[1, 2], stride=2, bias=false)",
    "depthwise_conv(3, pad=1)",
    "batch_norm",
    "layer_norm(affine=false)",
    "group_norm(2)",
    "relu",
    "prelu(per_channel=true)",
    "max_pool(2)",
    "avg_pool(3, stride=1, pad=1)",
    "global_avg_pool",
    "flatten",
    "linear(6)",
    "softmax",
    "dropout(0.2)",
    "relu + identity",
    "concat(in)",
    "repeat 2 { tanh }",
    "if channels(in) == 1 { abs } else { silu }",
    "reshape([4, 4, 4])",
];

#[test]
fn the_reference_states_every_call_with_its_defaults() {
    use specc::model::table::Group;
    let reference = include_str!("../../grammar/REFERENCE.md");
    let rows = Group::ALL.into_iter().flat_map(Group::rows);
    let lines: Vec<_> =
        rows.map(|row| format!("| `{}` | {} |", row.signature(), row.doc)).collect();
    let missing: Vec<_> = lines.iter().filter(|line| !reference.contains(line.as_str())).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}
