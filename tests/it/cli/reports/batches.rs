//! Reports about batches and epochs.

use super::{check, numbers};
use crate::cli::{Sandbox, assert_close};

/// Digits with a linear net, so many samples in batches of 8, two epochs.
fn digits(samples: usize, train: &str) -> Sandbox {
    Sandbox::with(&format!(
        "data digits(subset={samples}, test_subset=8)\nnet small {{ flatten linear(classes) }}\n\
         loss cross_entropy\ntrain {train}\n"
    ))
}

#[test]
fn a_last_batch_of_one_sample_under_a_batch_norm_is_told() {
    let normed = |last: &str| {
        Sandbox::with(&format!(
            "data digits(subset=33, test_subset=8)\n\
             net small {{ flatten linear(8) -> batch_norm -> relu  linear(classes) }}\n\
             loss cross_entropy\ntrain sgd(lr=0.05) {{ batch = 8 {last} epochs = 2 }}\n"
        ))
    };
    let kept = normed("");
    let told =
        ["warning[W0208]", "33 samples are 4 batches of 8 and one of 1", "last_batch = drop"];
    check(&kept).exits(0).says(&told);
    kept.train("r", &[]);
    let dropped = check(&normed(" last_batch = drop ")).exits(0);
    assert!(!dropped.err.contains("W0208"), "{}", dropped.err);
}

#[test]
fn dropping_the_last_batch_of_a_small_set_still_trains() {
    let sandbox = digits(20, "sgd(lr=0.05) { batch = 32  last_batch = drop  epochs = 2 }");
    sandbox.train("r", &["--log-every", "1"]).says(&["warning[W0206]", "20 training samples"]);
    assert_eq!(numbers(&sandbox, "r", "step", "/step"), [1.0, 2.0], "a batch of all each epoch");
}

#[test]
fn every_epoch_has_an_order_of_its_own() {
    let losses = |shuffle: &str| {
        // At such a rate no weight moves: the losses of a step tell its samples.
        let sandbox = digits(24, "sgd(lr=1e-30) { batch = 8  epochs = 2 }");
        sandbox.write(
            "spec.net",
            sandbox.text("spec.net").replace("test_subset=8", shuffle).as_bytes(),
        );
        sandbox.train("r", &["--log-every", "1"]);
        numbers(&sandbox, "r", "step", "/loss")
    };
    let shuffled = losses("test_subset=8");
    assert_ne!(shuffled[..3], shuffled[3..]);
    let kept = losses("test_subset=8, shuffle=false");
    assert_eq!(kept[..3], kept[3..]);
}

#[test]
fn a_short_batch_counts_by_its_samples() {
    let sandbox = digits(20, "sgd(lr=0.05) { batch = 8  epochs = 1 }");
    sandbox.train("r", &["--log-every", "1"]);
    for what in ["loss", "accuracy"] {
        let steps = numbers(&sandbox, "r", "step", &format!("/{what}"));
        let epoch = numbers(&sandbox, "r", "epoch", &format!("/train/{what}"))[0];
        assert_close(epoch, (8.0 * steps[0] + 8.0 * steps[1] + 4.0 * steps[2]) / 20.0);
        let of_batches = steps.iter().sum::<f64>() / 3.0;
        assert!((epoch - of_batches).abs() > 1e-4, "{what}: the two means differ here");
    }
}
