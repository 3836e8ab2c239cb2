//! Reports about numbers, optimisers, reproducibility and the command line.

use super::{check, numbers, own, trained};
use crate::cli::{Done, Sandbox, TINY};

/// Digits with this net, loss and optimiser, four epochs of three steps.
fn digits(net: &str, loss: &str, optimizer: &str) -> Sandbox {
    Sandbox::with(&format!(
        "data digits(subset=24, test_subset=8)\nnet {net}\nloss {loss}\n\
         train {optimizer} {{ batch = 8  epochs = 4 }}\n"
    ))
}

fn train(sandbox: &Sandbox) -> Done {
    sandbox.specc(&["train", "spec.net", "-o", "r", "--log-every", "1"])
}

#[test]
fn a_norm_of_zero_is_refused_before_it_is_divided_by() {
    let zeros = "n(init=zeros) { flatten linear(classes) }";
    let sandbox = digits(zeros, "two_scale(delta=0.01, size=weights)", "sgd(lr=0.1)");
    train(&sandbox).exits(1).says(&["error[E0710]", "found R = 0"]);
}

#[test]
fn a_loss_that_is_no_number_ends_the_run() {
    let sandbox =
        digits("n { flatten linear(16) -> relu linear(classes) }", "cross_entropy", "sgd(lr=1e30)");
    train(&sandbox).exits(5).says(&["error[E0713]", "(epoch 1, batch", "not finite"]);
    assert!(sandbox.path("r/FAILED").is_file() && !sandbox.path("r/DONE").exists());
}

#[test]
fn the_logarithm_of_a_probability_of_zero_stays_finite() {
    let loss = "mine\nloss mine { let p = softmax(logits)  out -log(p[label]) }";
    let sandbox = digits("n { flatten linear(classes) }", loss, "sgd(lr=1000)");
    train(&sandbox).exits(0);
    let losses = numbers(&sandbox, "r", "step", "/loss");
    // In single precision exp(-104) is 0.
    assert!(losses.iter().any(|loss| *loss > 200.0), "{losses:?}");
}

#[test]
fn softmax_of_large_logits_is_a_probability() {
    let sandbox = Sandbox::new();
    let file = crate::cli::tensors(&[
        ("logits", safetensors::Dtype::F64, &[2, 2], &[1e30, -1e30, 710.0, 711.0]),
        ("labels", safetensors::Dtype::I64, &[2], &[0.0, 0.0]),
    ]);
    sandbox.write("l.safetensors", &file);
    let found = sandbox.specc(&["analyze", "l.safetensors", "--json"]).exits(0).json();
    let p_label = &found["histograms"]["p_label"];
    // e / (1 + e) of the other class leaves 0.269 for the label of the second sample.
    assert_eq!((&p_label["counts"][15], &p_label["counts"][4]), (&1.into(), &1.into()));
    assert_eq!(found["accuracy"], 0.5);
}

#[test]
fn a_constant_feature_is_zero_after_standardising_whatever_its_digits() {
    let table = |constant: &str| {
        let row = |i: usize| format!("{i},{constant},{}\n", i % 2);
        (0..12).map(row).collect::<String>()
    };
    let settings = ", normalize=standard, test=last(0.25)";
    check(&own(settings, table("14.62"))).exits(0).says(&["warning[W0605]", "1 (always 14.6"]);
    assert_eq!(trained(&own(settings, table("14.62"))), trained(&own(settings, table("0"))));
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let sandbox = Sandbox::with(TINY);
    for threads in ["1", "2", "3"] {
        sandbox.train(threads, &["--threads", threads]);
        // The summary says how many threads there were.
        for file in ["ckpt/last.safetensors", "logits/test.safetensors", "metrics.jsonl"] {
            let [one, more] = ["1", threads].map(|run| sandbox.read(&format!("{run}/{file}")));
            assert!(one == more, "{file} with {threads} threads");
        }
    }
}

#[test]
fn a_gradient_of_zero_moves_nothing_under_adam() {
    let zeros = "n(bias=false, init=zeros) { flatten linear(8) -> relu linear(classes) }";
    for optimizer in ["adam(lr=0.1)", "adamw(lr=0.1)"] {
        let sandbox = digits(zeros, "cross_entropy", optimizer);
        train(&sandbox).exits(0).says(&["warning[W0702]"]);
        let file = sandbox.read("r/ckpt/last.safetensors");
        let tensors = safetensors::SafeTensors::deserialize(&file).unwrap();
        let weights = crate::cli::values(&tensors, "linear2.weight");
        assert!(weights.iter().all(|weight| *weight == 0.0), "{optimizer}");
    }
}

#[test]
fn weight_decay_acts_and_not_the_same_in_adam_and_adamw() {
    let weights = |optimizer: &str| {
        let sandbox = digits("n { flatten linear(classes) }", "cross_entropy", optimizer);
        train(&sandbox).exits(0);
        let file = sandbox.read("r/ckpt/last.safetensors");
        let tensors = safetensors::SafeTensors::deserialize(&file).unwrap();
        crate::cli::values(&tensors, "linear1.weight")
    };
    let [plain, in_gradient, decoupled] =
        ["adam(lr=0.01", "adam(lr=0.01, weight_decay=0.5", "adamw(lr=0.01, weight_decay=0.5"]
            .map(|optimizer| weights(&format!("{optimizer})")));
    assert!(plain != in_gradient && plain != decoupled && in_gradient != decoupled);
    // A pixel that is always blank has no gradient: its weights shrink by the same factor in each of 12 steps.
    let start = weights("adamw(lr=0.01, weight_decay=0)");
    let shrunk = decoupled[0] / start[0];
    assert!((shrunk - 0.995_f64.powi(12)).abs() < 1e-5, "{shrunk}");
}

#[test]
fn a_setting_that_does_not_exist_is_an_error() {
    let sandbox = Sandbox::with(TINY);
    let done = sandbox.specc(&["train", "spec.net", "-o", "r", "train.leraning_rate=1"]).exits(2);
    done.says(&["error[E0214]", "`train.lr`"]);
    assert!(!sandbox.path("r").exists());
    sandbox.write("typo.net", TINY.replace("lr=0.05", "lr=0.05, momentun=0.9").as_bytes());
    sandbox.specc(&["train", "typo.net"]).exits(3).says(&["error[E0202]", "`momentum`"]);
}
