//! Reports about learning rates.

use super::{check, numbers};
use crate::cli::{Sandbox, assert_close};

/// Three steps an epoch, two epochs.
fn run(optimizer: &str) -> Sandbox {
    Sandbox::with(&format!(
        "data digits(subset=20, test_subset=8)\nnet small {{ flatten linear(classes) }}\n\
         loss cross_entropy\ntrain {optimizer} {{ batch = 8  epochs = 2 }}\n"
    ))
}

fn rates(sandbox: &Sandbox, more: &[&str]) -> Vec<f64> {
    sandbox.train("r", &[&["--log-every", "1"], more].concat());
    numbers(sandbox, "r", "step", "/lr")
}

#[test]
fn a_warm_up_as_long_as_the_run_ends_at_the_full_rate() {
    let sandbox = run("sgd(lr=0.6, warmup=6)");
    for (rate, expected) in rates(&sandbox, &[]).iter().zip([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]) {
        assert_close(*rate, expected);
    }
    assert!(!check(&sandbox).exits(0).err.contains("W0204"));
    let longer = check(&run("sgd(lr=0.6, warmup=12)")).exits(0);
    longer.says(&["warning[W0204]", "the last step has 50.000 % of the learning rate"]);
}

#[test]
fn a_milestone_ends_its_epoch_at_the_old_rate() {
    let rates = rates(&run("sgd(lr=0.5, schedule=step([1], gamma=0.5))"), &[]);
    assert_eq!(rates, [0.5, 0.5, 0.5, 0.25, 0.25, 0.25]);
}

#[test]
fn milestones_in_steps_lie_behind_the_end_and_are_told() {
    let done = check(&run("sgd(lr=0.5, schedule=step([1, 20000]))")).exits(0);
    done.says(&["warning[W0205]", "found epoch 20000 of 2"]);
}

#[test]
fn a_cosine_falls_over_the_whole_run_and_never_rises() {
    for epochs in ["2", "7"] {
        let setting = format!("train.epochs={epochs}");
        let rates = rates(&run("sgd(lr=0.5, schedule=cosine)"), &[&setting]);
        assert!(rates.is_sorted_by(|earlier, later| earlier > later), "{rates:?}");
        assert!(rates[0] == 0.5 && rates[rates.len() - 1] < 0.1, "{rates:?}");
    }
}

#[test]
fn a_resumed_run_goes_on_at_the_rate_where_it_stopped() {
    let optimizer = "sgd(lr=0.5, schedule=cosine, warmup=2)";
    let whole = rates(&run(optimizer), &[]);
    let stopped = run(optimizer);
    for steps in ["1", "4"] {
        rates(&stopped, &["--max-steps", steps]);
    }
    assert_eq!(rates(&stopped, &[]), whole);
}
