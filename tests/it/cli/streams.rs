//! What does not fit, is not read, or must be one document.

use std::fs::OpenOptions;
use std::process::Stdio;

use super::{Done, Sandbox, TINY};

/// Its checkpoint (155 KB) is larger than any other file of the run.
const WIDE: &str = "\
data digits(subset=16, test_subset=8)
net wide { flatten  linear(256) -> relu  linear(classes) }
loss cross_entropy
train sgd(lr=0.05, momentum=0.9) { batch = 8  epochs = 4 }
";

/// A training that may write no file of more than 40 KB.
const LIMITED: &str = "trap '' XFSZ; ulimit -f 40; exec \"$SPECC\" train spec.net -o r";

#[test]
fn a_checkpoint_that_cannot_be_written_leaves_the_old_one() {
    let sandbox = Sandbox::with(WIDE);
    sandbox.train("whole", &[]);
    sandbox.train("r", &["--max-steps", "3"]);
    let checkpoint = |sandbox: &Sandbox| {
        let files = ["resume.safetensors", "last.safetensors", "state.json"];
        files.map(|name| sandbox.read(&format!("r/ckpt/{name}")))
    };
    let before = checkpoint(&sandbox);
    let done = sandbox.shell(LIMITED).exits(1);
    done.says(&["error[E0704]", "r/ckpt/resume.safetensors", "File too large"]);
    assert!(checkpoint(&sandbox) == before, "the checkpoint changed");
    assert!(sandbox.text("r/FAILED").contains("E0704"));
    assert!(!sandbox.path("r/DONE").exists());
    assert!(
        !sandbox.names("r").iter().any(|name| name.contains(".tmp")),
        "{:?}",
        sandbox.names("r")
    );
    sandbox.train("r", &[]);
    sandbox.assert_equal("whole", "r");
}

#[test]
fn a_place_that_is_no_directory_is_refused() {
    let sandbox = Sandbox::with(TINY);
    sandbox.write("file", b"mine");
    let done = sandbox.specc(&["train", "spec.net", "-o", "file/r"]).exits(1);
    done.says(&["error[E0704]", "file/r"]);
    assert_eq!(sandbox.text("file"), "mine");
}

/// Commands with a result on stdout, for a finished run `r`.
const PRINTING: [&[&str]; 12] = [
    &["train", "spec.net", "-o", "r"],
    &["train", "spec.net", "-o", "r", "--json"],
    &["train", "spec.net", "-o", "fresh"],
    &["check", "spec.net"],
    &["check", "spec.net", "--emit", "ir"],
    &["eval", "r"],
    &["analyze", "r"],
    &["analyze", "r", "--json"],
    &["graph", "spec.net"],
    &["explain", "E0704"],
    &["new", "quickstart", "-o", "-"],
    &["completions", "bash"],
];

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let sandbox = Sandbox::with(TINY);
    sandbox.train("r", &[]);
    for arguments in PRINTING {
        let mut process = sandbox.command(arguments).spawn().unwrap();
        drop(process.stdout.take());
        let done = Done::wait(process);
        assert_eq!(done.code, Some(0), "{arguments:?}: {}", done.err);
        assert!(!done.err.contains("error"), "{arguments:?}: {}", done.err);
    }
    sandbox.train("whole", &[]);
    sandbox.assert_equal("whole", "fresh");
}

#[test]
#[cfg(target_os = "linux")]
fn results_that_did_not_arrive_are_a_failure() {
    let sandbox = Sandbox::with(TINY);
    sandbox.train("r", &[]);
    for arguments in PRINTING {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let process = sandbox.command(arguments).stdout(Stdio::from(full)).spawn().unwrap();
        let done = Done::wait(process);
        assert_eq!(done.code, Some(1), "{arguments:?}: {}", done.err);
        assert!(done.err.contains("No space left"), "{arguments:?}: {}", done.err);
    }
    // The run is whole all the same.
    sandbox.train("whole", &[]);
    sandbox.assert_equal("whole", "fresh");
}

#[test]
fn errors_are_one_document_too() {
    let sandbox = Sandbox::with(TINY);
    sandbox.write("broken.net", b"net n {");
    sandbox.write("foreign/file", b"mine");
    sandbox.write("foreign.safetensors", b"no tensors");
    sandbox.train("r", &[]);
    let cases: [(i32, &str, &str); 24] = [
        (2, "E0715", "train missing.net"),
        (3, "E0106", "train broken.net"),
        (2, "E0214", "train spec.net loss.dleta=1"),
        (1, "E0701", "train spec.net -o foreign"),
        (1, "E0702", "train spec.net -o r --seed 1"),
        (1, "E0707", "train spec.net --device cuda --dtype f64"),
        (1, "E0708", "train spec.net --init foreign.safetensors -o q"),
        (2, "E0708", "train spec.net --init missing -o q"),
        (1, "E0709", "train spec.net --resume -o q"),
        (5, "E0713", "train spec.net train.lr=1e30 -o diverged"),
        (2, "", "train spec.net --bogus"),
        (2, "", "train spec.net --seeds 3..3"),
        (2, "E0715", "check missing.net"),
        (3, "E0106", "check broken.net"),
        (2, "E0214", "check spec.net net.nothing=1"),
        (2, "", "check"),
        (2, "E0706", "eval missing"),
        (2, "E0706", "eval foreign"),
        (1, "E0707", "eval r --device cuda --no-fuse"),
        (2, "", "eval"),
        (2, "E0658", "analyze missing"),
        (6, "E0650", "analyze foreign.safetensors"),
        (6, "E0657", "analyze foreign"),
        (2, "", "analyze r --scale bogus"),
    ];
    for (exit, code, line) in cases {
        let arguments: Vec<&str> = line.split(' ').chain(["--json"]).collect();
        let done = sandbox.specc(&arguments).exits(exit);
        let document = done.json();
        assert_eq!(document["ok"], false, "{line}");
        let found = document["diagnostics"][0]["code"].as_str().unwrap_or("");
        assert_eq!(found, code, "{line}: {document}");
    }
    assert!(!sandbox.path("q").exists());
    assert_eq!(sandbox.names("foreign"), ["file"]);
}
