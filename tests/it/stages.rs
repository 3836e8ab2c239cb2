//! Every stage of every spec of the repository as text: what a change of the compiler changes, somebody reads.

use std::path::Path;

use sha2::{Digest, Sha256};
use specc::grad;
use specc::kernels::isa::Isa;
use specc::lower::cpu::{PlanOptions, plan};
use specc::report::check::emit;
use specc::syntax::{parse, print};

use crate::pipeline::{built, compile};

fn each_spec(mut visit: impl FnMut(&Path, &str)) {
    insta::glob!("../../specs", "*.net", |path| {
        visit(path, &std::fs::read_to_string(path).unwrap());
    });
}

#[test]
fn trees() {
    each_spec(|_, text| {
        let file = specc::diag::SourceMap::new().add("spec.net", text);
        let (tree, errors) = parse(file, text);
        assert!(errors.is_empty());
        insta::assert_snapshot!(print(&tree));
    });
}

#[test]
fn facts() {
    each_spec(|path, text| {
        let compiled = compile(path, text, &[]);
        insta::assert_snapshot!(emit::facts(built(&compiled).1));
    });
}

/// A residual net of one block a stage, in place of the deep ones.
const RESIDUAL: &str = "\
data synthetic(blobs, shape=[3, 8, 8], classes=3, n_train=64, n_test=8)
block wide(c, stride) {
  let pre = in -> batch_norm -> relu
  let main = pre -> conv(c, kernel=3, pad=1, stride=stride) -> batch_norm -> relu
    -> conv(c, kernel=3, pad=1)
  if channels(in) == c { out main + in } else { out main + (pre -> conv(c, kernel=1, stride=stride)) }
}
net residual(bias=false) {
  conv(16, kernel=3, pad=1)
  wide(16, stride=1)
  wide(32, stride=2)
  batch_norm -> relu -> global_avg_pool -> linear(classes, bias=true)
}
loss cross_entropy
train sgd(lr=0.1, momentum=0.9, weight_decay=5e-4) { batch = 32 }
";

/// Lines that somebody reads; longer stages are held by their digest.
const READABLE: usize = 600;

/// The text, or its digest where it is too long to be read.
fn readable(text: &str) -> String {
    let n_lines = text.lines().count();
    if n_lines <= READABLE {
        return text.to_owned();
    }
    format!("{n_lines} lines of SHA-256 {}", specc::ir::hex(&Sha256::digest(text)))
}

/// The joint graph and the fused plan: the same steps for every instruction set, in scratch of its own size. The portable
/// set, which every machine has, comes last.
fn joint_and_plan(path: &Path, text: &str) {
    let compiled = compile(path, text, &[]);
    let (spec, checked) = compiled.sound().unwrap();
    let joint = grad::joint(checked, &spec.loss, &spec.train).unwrap();
    insta::assert_snapshot!("joint", readable(&joint.to_string()));
    let fused = |isa| {
        let text = plan(&joint, &PlanOptions { isa, batch: spec.train.batch }).to_string();
        text.split_once('\n').unwrap().1.to_owned()
    };
    let plans: Vec<String> = Isa::available().into_iter().map(fused).collect();
    let steps = |plan: &str| {
        let lines = plan.lines().filter(|line| !line.starts_with("  memory "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    for pair in plans.windows(2) {
        assert_eq!(steps(&pair[0]), steps(&pair[1]));
    }
    insta::assert_snapshot!("plan", readable(plans.last().unwrap()));
}

#[test]
fn joint_graphs_and_plans() {
    each_spec(joint_and_plan);
}

#[test]
fn joint_graph_and_plan_of_a_residual_net() {
    insta::with_settings!({ snapshot_suffix => "residual" }, {
        joint_and_plan(Path::new("residual.net"), RESIDUAL);
    });
}
