//! Every stage of every spec of the repository as text: what a change of the compiler changes, somebody reads.

use std::path::Path;

use specc::cli::check::emit;
use specc::grad;
use specc::kernels::isa::Isa;
use specc::lower::cpu::{PlanOptions, plan};
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

/// The joint graph and the fused plan, which is the same for every instruction set.
#[test]
fn joint_graphs_and_plans() {
    each_spec(|path, text| {
        let compiled = compile(path, text, &[]);
        let (spec, checked) = compiled.sound().unwrap();
        let joint = grad::joint(checked, &spec.loss, &spec.train).unwrap();
        insta::assert_snapshot!("joint", joint.to_string());
        let fused = |isa| {
            let text = plan(&joint, &PlanOptions { isa, batch: spec.train.batch }).to_string();
            text.split_once('\n').unwrap().1.to_owned()
        };
        let plans: Vec<String> = Isa::available().into_iter().map(fused).collect();
        assert!(plans.windows(2).all(|pair| pair[0] == pair[1]));
        insta::assert_snapshot!("plan", plans[0]);
    });
}
