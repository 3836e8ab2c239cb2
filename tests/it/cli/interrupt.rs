//! Runs that are asked to stop, or killed, and then go on by the same command (`formats.md`, "the same bits").

use std::process::Stdio;

use super::{Done, Sandbox, TINY, signal};

/// Long enough to be hit in the middle: 300 epochs of 6 steps, a line each step.
const LONG: [&str; 4] = ["train.epochs=300", "--log-every", "1", "-q"];

/// Augmentation, momentum, scales and dropout all draw or remember something between steps.
fn stateful() -> String {
    TINY.replace("test_subset=24", "test_subset=24, augment=[crop(1)]")
        .replace("flatten ", "flatten -> dropout(0.2) ")
        .replace("sgd(lr=0.05)", "sgd(lr=0.05, momentum=0.9, schedule=cosine)")
}

fn arguments<'a>(dir: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["train", "spec.net", "-o", dir], &LONG[..], more].concat()
}

/// Starts the long run in `dir`, waits for so many lines of metrics and sends a signal.
fn stop_after(sandbox: &Sandbox, dir: &str, lines: usize, name: &str, more: &[&str]) -> Done {
    let mut process = sandbox
        .command(&arguments(dir, more))
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let metrics = format!("{dir}/metrics.jsonl");
    assert!(sandbox.wait_for_lines(&metrics, lines, &mut process), "the run is long enough");
    signal(&process, name);
    Done::wait(process)
}

#[test]
fn a_signal_checkpoints_and_the_same_command_goes_on() {
    let sandbox = Sandbox::with(&stateful());
    sandbox.specc(&arguments("whole", &[])).exits(0);
    for (name, code) in [("INT", 130), ("TERM", 75), ("USR1", 75)] {
        stop_after(&sandbox, name, 20, name, &[]).exits(code);
        let state = sandbox.json(&format!("{name}/ckpt/state.json"));
        assert!(state["step"].as_u64().unwrap() >= 17, "{name}: {state}");
        assert!(!sandbox.path(&format!("{name}/DONE")).exists(), "{name}");
        sandbox.specc(&arguments(name, &[])).exits(0);
        sandbox.assert_equal("whole", name);
    }
}

#[test]
fn a_stopped_run_says_so_in_one_document() {
    let sandbox = Sandbox::with(&stateful());
    let done = stop_after(&sandbox, "r", 5, "INT", &["--json"]).exits(130);
    let document = done.json();
    assert_eq!((&document["schema"], &document["ok"]), (&"specc.train/1".into(), &false.into()));
    assert_eq!(document["stopped"]["run"], "r");
    assert_eq!(document["stopped"]["step"], sandbox.json("r/ckpt/state.json")["step"]);
}

#[test]
fn killed_again_and_again_it_ends_in_the_same_bytes() {
    let sandbox = Sandbox::with(&stateful());
    sandbox.specc(&arguments("whole", &[])).exits(0);
    // Before the first checkpoint, inside an epoch, at its end, and while the checkpoint is being written.
    let mut killed = 0;
    for lines in [1, 4, 7, 30, 61, 200, 601, 1000] {
        let mut process = sandbox.start(&arguments("r", &[]));
        if sandbox.wait_for_lines("r/metrics.jsonl", lines, &mut process) {
            killed += 1;
            let _ = process.kill();
        }
        let _ = process.wait();
    }
    assert!(killed >= 6, "only {killed} of 8 were hit");
    sandbox.specc(&arguments("r", &["--threads", "2"])).exits(0);
    let summary = |dir: &str| sandbox.text(&format!("{dir}/metrics.jsonl"));
    assert_eq!(summary("whole"), summary("r"));
    assert_eq!(
        sandbox.read("whole/ckpt/resume.safetensors"),
        sandbox.read("r/ckpt/resume.safetensors")
    );
    assert_eq!(
        sandbox.read("whole/logits/test.safetensors"),
        sandbox.read("r/logits/test.safetensors")
    );
}

#[test]
fn several_seeds_stop_and_go_on_where_they_were() {
    let sandbox = Sandbox::with(&stateful());
    let seeds = ["--seeds", "3..5"];
    sandbox.specc(&arguments("whole", &seeds)).exits(0);
    let mut process = sandbox.start(&arguments("r", &seeds));
    assert!(sandbox.wait_for_lines("r/s4/metrics.jsonl", 3, &mut process));
    signal(&process, "TERM");
    Done::wait(process).exits(75);
    sandbox.specc(&arguments("r", &seeds)).exits(0);
    for seed in ["s3", "s4"] {
        sandbox.assert_equal(&format!("whole/{seed}"), &format!("r/{seed}"));
    }
}

#[test]
fn a_stopped_run_goes_on_in_another_place() {
    let sandbox = Sandbox::with(&stateful());
    sandbox.specc(&arguments("whole", &[])).exits(0);
    stop_after(&sandbox, "first", 50, "INT", &[]).exits(130);
    sandbox.shell("mv first second").exits(0);
    sandbox.specc(&["train", "--resume", "second", "--log-every", "1", "-q"]).exits(0);
    sandbox.assert_equal("whole", "second");
}
