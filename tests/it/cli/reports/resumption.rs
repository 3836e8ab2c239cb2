//! Reports about runs that were stopped and go on.

use crate::cli::{Sandbox, TINY, signal};

#[test]
fn moments_of_the_optimiser_survive_a_stop() {
    let sandbox = Sandbox::with(&TINY.replace("sgd(lr=0.05)", "adam(lr=0.01)"));
    sandbox.train("whole", &[]);
    sandbox.train("r", &["--max-steps", "12"]);
    sandbox.train("r", &[]);
    sandbox.assert_equal("whole", "r");
}

#[test]
fn the_order_of_an_epoch_goes_on_where_it_stopped() {
    let drawing = TINY
        .replace("test_subset=24", "test_subset=24, augment=[crop(1)]")
        .replace("flatten ", "flatten -> dropout(0.2) ");
    let sandbox = Sandbox::with(&drawing);
    sandbox.train("whole", &["--log-every", "1"]);
    for steps in ["2", "9", "16"] {
        sandbox.train("r", &["--log-every", "1", "--max-steps", steps]);
    }
    sandbox.train("r", &["--log-every", "1"]);
    sandbox.assert_equal("whole", "r");
}

#[test]
fn a_run_killed_at_any_time_has_a_whole_checkpoint() {
    let sandbox = Sandbox::with(TINY);
    let arguments = |dir| ["train", "spec.net", "-o", dir, "train.epochs=60", "--log-every", "1"];
    sandbox.specc(&arguments("whole")).exits(0);
    for lines in [9, 40] {
        let mut process = sandbox.start(&arguments("r"));
        sandbox.wait_for_lines("r/metrics.jsonl", lines, &mut process);
        signal(&process, "KILL");
        process.wait().unwrap();
    }
    sandbox.specc(&arguments("r")).exits(0);
    sandbox.assert_equal("whole", "r");
    // A file that another program cut is refused, not read as far as it goes.
    sandbox.train("cut", &["--max-steps", "7"]);
    let whole = sandbox.read("cut/ckpt/resume.safetensors");
    sandbox.write("cut/ckpt/resume.safetensors", &whole[..whole.len() - 8]);
    sandbox.specc(&["train", "spec.net", "-o", "cut"]).exits(1).says(&["error[E0705]"]);
}

#[test]
fn other_settings_are_another_run_and_never_dropped() {
    let sandbox = Sandbox::with(TINY);
    sandbox.train("r", &["--max-steps", "4"]);
    for change in ["train.lr=0.01", "train.batch=4", "train.epochs=4"] {
        let done = sandbox.specc(&["train", "spec.net", "-o", "r", change]).exits(1);
        done.says(&["error[E0702]"]);
    }
    sandbox.train("r", &[]);
}
