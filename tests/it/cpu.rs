//! The fused CPU path: golden runs, the reference on random nets, and equal bits over threads and instruction sets.

use std::panic::{AssertUnwindSafe, catch_unwind};

use specc::exec::cpu::CpuProgram;
use specc::grad::Joint;
use specc::kernels::isa::{Isa, IsaKind};
use specc::lower::State;
use specc::lower::cpu::{CpuPhase, CpuStep, PlanOptions, StageKind, kernel_name, plan};

use crate::golden::{golden_dir, json};
use crate::golden_run::golden_run;
use crate::joints::{LENET, N_NETS, WIDE, agrees, case_of, cases, run, singles};

fn fused(joint: &Joint, state: &State, isa: Isa, batch: usize, threads: usize) -> CpuProgram {
    let mut program =
        CpuProgram::new(plan(joint, &PlanOptions { isa, batch }), state, 3, threads).unwrap();
    program.poison();
    program
}

/// A run in which one margin passes its threshold at a distance of 7e-5, when batch norm has spread rounding to 2e-4.
const NEAR_THRESHOLD: &str = "wrn/cross_entropy_sam";

#[test]
fn golden_runs() {
    let Some(golden) = golden_dir() else { return };
    let folder = golden.join("trajectories");
    let index = json(&folder.join("index.json"));
    for case in index["cases"].as_array().unwrap() {
        let name = case["case"].as_str().unwrap();
        let case = json(&folder.join(case["json"].as_str().unwrap()));
        golden_run(&folder, &case, name, name == NEAR_THRESHOLD, |joint, state, batch| {
            fused(joint, state, Isa::detect(), batch, 2)
        });
    }
}

#[test]
fn golden_runs_without_vector_instructions() {
    let Some(golden) = golden_dir() else { return };
    let folder = golden.join("trajectories");
    for name in ["lenet/two_scale", "vgg/cross_entropy", "wrn/two_scale_asam"] {
        let case = json(&folder.join(format!("{name}.json")));
        golden_run(&folder, &case, name, name == NEAR_THRESHOLD, |joint, state, batch| {
            fused(joint, state, Isa::portable(), batch, 2)
        });
    }
}

#[test]
fn a_malformed_plan_is_refused_before_it_runs() {
    type Damage = fn(&mut CpuPhase);
    fn step(phase: &mut CpuPhase, name: &str) -> usize {
        let is_wanted = |step: &CpuStep| kernel_name(&step.kernel).starts_with(name);
        phase.steps.iter().position(is_wanted).expect("LeNet has such a step")
    }
    let cases: [(&str, Damage); 6] = [
        ("`conv+bias+relu+max_pool(2)` has the operands", |phase| {
            let at = step(phase, "conv+bias+relu+max_pool");
            phase.steps[at].inputs.pop();
        }),
        ("`conv+bias+relu+max_pool(2)` has the operands", |phase| {
            let at = step(phase, "conv+bias+relu+max_pool");
            phase.steps[at].scratch.clear();
        }),
        ("`add groups` has the operands", |phase| {
            let at = step(phase, "add groups");
            phase.steps[at].outputs.clear();
        }),
        ("has the operands", |phase| {
            // A scalar in the place of a tensor.
            let (from, to) = (step(phase, "lr"), step(phase, "conv_grad_weight"));
            phase.steps[to].inputs[0] = phase.steps[from].outputs[0];
        }),
        ("has the operands", |phase| {
            let at = step(phase, "chain");
            phase.steps[at].inputs.pop();
        }),
        ("is in a stage of the other kind", |phase| phase.stages[0].kind = StageKind::Blocks),
    ];
    let (joint, state) = case_of(LENET).joint();
    for (expected, damage) in cases {
        let mut plan = plan(&joint, &PlanOptions { isa: Isa::detect(), batch: 64 });
        damage(&mut plan.phases.train[0]);
        let panic = catch_unwind(AssertUnwindSafe(|| CpuProgram::new(plan, &state, 3, 1)));
        let message = panic.expect_err(expected).downcast::<String>().expect("a message");
        assert!(message.contains("broken invariant") && message.contains(expected), "{message}");
    }
}

#[test]
fn the_plan_says_which_convolutions_go_by_winograd() {
    let (joint, _) = case_of(WIDE).joint();
    let text = plan(&joint, &PlanOptions { isa: Isa::detect(), batch: 64 }).to_string();
    for kernel in [
        "winograd_pack",
        "winograd_pack_turned",
        "winograd_conv+bias+relu ",
        "winograd_conv+bias+relu+max_pool(2)",
        "winograd_conv_grad_input",
        "winograd_conv_grad_weight",
    ] {
        assert!(text.contains(&format!("= {kernel}")), "{kernel} in {text}");
    }
    let (joint, _) = case_of(LENET).joint();
    assert!(
        !plan(&joint, &PlanOptions { isa: Isa::detect(), batch: 64 })
            .to_string()
            .contains("winograd")
    );
}

#[test]
fn the_fused_path_agrees_with_the_reference() {
    for (number, case) in cases().iter().enumerate() {
        for n in [1, 15, 16, 17, 130] {
            let name = format!("case {number}");
            agrees(&name, case, n, |joint, state| fused(joint, state, Isa::detect(), 64, 2));
        }
    }
}

#[test]
fn the_same_bits_on_any_number_of_threads_and_both_instruction_sets() {
    for case in cases().iter().take(N_NETS) {
        let (joint, state) = case.joint();
        let samples = case.samples(140);
        let result = |isa: Isa, threads: usize| {
            let mut program = fused(&joint, &state, isa, 130, threads);
            let losses: Vec<u64> =
                run(&mut program, &samples, 130, 2).iter().map(|o| o.loss.to_bits()).collect();
            (losses, singles(&specc::lower::Program::state(&program).unwrap()))
        };
        let expected = result(Isa::detect(), 1);
        for threads in [2, 3, 7] {
            assert!(result(Isa::detect(), threads) == expected, "{threads} threads");
        }
        if let (Some(avx2), Some(_)) = (Isa::new(IsaKind::Avx2), Isa::new(IsaKind::Avx512)) {
            assert!(result(avx2, 2) == expected, "AVX2");
        }
    }
}
