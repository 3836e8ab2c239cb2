//! What steps of the fused plan do of the graph: every operation once, for the right layer and part.

use specc::grad::joint;
use specc::ir::{Flops, Part};
use specc::kernels::isa::Isa;
use specc::lower::cpu::{BlockKernel, CpuKernel, CpuPhase, CpuPlan, PlanOptions, plan};

use crate::cases::{compile_text, golden_locations};
use crate::nets::{checked, weights};

const LENET: &str =
    "conv(6, kernel=5) -> relu -> max_pool(2)  conv(16, kernel=5) -> relu -> max_pool(2)
  flatten -> linear(120) -> relu -> linear(classes)";

/// Nets with every kind of rewrite and fallback.
const NETS: [&str; 6] = [
    LENET,
    "conv(4, kernel=3, bias=false) -> batch_norm -> relu -> avg_pool(2)  flatten -> linear(classes)",
    "conv(4, kernel=[3, 5], stride=[1, 2]) -> gelu -> max_pool([2, 1])  flatten -> linear(classes)",
    "conv(4, kernel=3, groups=1) -> prelu -> group_norm(2)  flatten -> dropout(0.5) -> linear(classes)",
    "flatten -> linear(400) -> layer_norm -> relu -> linear(400) -> tanh -> linear(classes)",
    "let x = in -> conv(4, kernel=3, pad=same)
  let y = x -> batch_norm -> relu -> conv(4, kernel=3, pad=same)
  add(x, y) -> relu -> global_avg_pool -> linear(classes)",
];

fn planned(net: &str, train: &str) -> (CpuPlan, u64) {
    let text = format!(
        "data cifar10\nnet n {{ {net} }}\nloss cross_entropy\ntrain {train} {{ batch = 40  steps = 1 }}\n"
    );
    let (spec, graph) = compile_text(&text, &golden_locations(".".into()));
    let checked = checked(&graph, Some(weights(&graph)));
    let joint = joint(&checked, &spec.loss, &spec.train).unwrap();
    let options = PlanOptions { isa: Isa::detect(), batch: 40 };
    (plan(&joint, &options), checked.total().flops)
}

/// Operations of the layers in one part.
fn flops(phase: &CpuPhase, part: Part) -> Flops {
    let mut sum = Flops::default();
    for share in phase.steps.iter().flat_map(|step| &step.work.shares) {
        if share.part == part && share.layer.is_some() {
            sum.add(share.flops);
        }
    }
    sum
}

#[test]
fn forward_operations_are_those_of_check() {
    for net in NETS {
        let (plan, expected) = planned(net, "sgd(lr=0.1)");
        for phase in &plan.phases.train {
            assert_eq!(flops(phase, Part::Forward).per_sample, expected, "{net}");
        }
    }
}

#[test]
fn both_phases_of_sam_go_forward_and_back_and_update() {
    let (plan, expected) = planned(LENET, "sam(sgd(lr=0.1))");
    assert_eq!(plan.phases.train.len(), 2);
    for phase in &plan.phases.train {
        assert_eq!(flops(phase, Part::Forward).per_sample, expected);
        // Weight and input gradients, without the input gradient of the first layer.
        let back = flops(phase, Part::Backward).per_sample;
        assert!(back > expected && back < 2 * expected, "{back} after {expected}");
        assert!(flops(phase, Part::Update).fixed > 0);
    }
}

#[test]
fn fused_steps_belong_to_the_layer_that_does_most() {
    let (plan, _) = planned(LENET, "sgd(lr=0.1)");
    let phase = &plan.phases.train[0];
    let name = |layer: specc::ir::LayerId| plan.tables.layer(layer);
    let fused: Vec<(&str, Vec<&str>)> = phase
        .steps
        .iter()
        .filter(|step| matches!(step.kernel, CpuKernel::Block(BlockKernel::ConvMaxPool { .. })))
        .map(|step| {
            let layers = step.work.shares.iter().filter_map(|share| share.layer);
            (step.work.layer.map_or("", name), layers.map(name).collect())
        })
        .collect();
    assert_eq!(
        fused,
        [
            ("conv1", vec!["conv1", "relu1", "max_pool1"]),
            ("conv2", vec!["conv2", "relu2", "max_pool2"])
        ]
    );
}

#[test]
fn operands_of_a_linear_layer_are_counted_by_hand() {
    let (plan, _) = planned("flatten -> linear(classes)", "sgd(lr=0.1)");
    let phase = &plan.phases.train[0];
    let at = phase
        .steps
        .iter()
        .position(|step| matches!(step.kernel, CpuKernel::Block(BlockKernel::Linear { .. })))
        .unwrap();
    // 40 samples are 3 blocks of 16 lanes, here in groups of 2.
    let traffic = phase.traffic(3, 2)[at];
    assert_eq!(traffic.calls, 2);
    let (x, w, bias, y) = (48 * 3072 * 4, 3072 * 10 * 4, 16 * 4, 48 * 10 * 4);
    assert_eq!((traffic.read, traffic.written), (x + 2 * (w + bias), y));
}
