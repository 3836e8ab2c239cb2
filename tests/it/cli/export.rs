//! `specc export`: files in each format, and the comparison with the help of a Python.

use specc::diag::Code;

use super::{Done, Sandbox, TINY, values};

/// A program that takes the place of Python and says what it is told to.
fn python(sandbox: &Sandbox, script: &str) -> String {
    sandbox.write("python", format!("#!/bin/sh\n{script}\n").as_bytes());
    let path = sandbox.path("python");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&path, executable).unwrap();
    path.display().to_string()
}

fn trained() -> Sandbox {
    let sandbox = Sandbox::with(TINY);
    sandbox.train("r", &["--max-steps", "2", "-q"]);
    sandbox
}

/// `specc export r --verify` with a program in the place of Python.
pub(super) fn verified(script: &str, format: &str) -> Done {
    let sandbox = trained();
    let mut command = sandbox.command(&["export", "r", "--format", format, "--verify"]);
    let output = command.env("SPECC_PYTHON", python(&sandbox, script)).output().unwrap();
    Done::of(&output, format)
}

#[test]
fn export_writes_each_format_and_tells_the_files() {
    let sandbox = trained();
    sandbox.specc(&["export", "r", "--format", "onnx"]).exits(0).prints(&["wrote tiny.onnx"]);
    let done = sandbox.specc(&["export", "r", "-o", "net/tiny.py", "--json"]);
    assert_eq!(done.code, Some(1), "the folder is not there");
    let document = sandbox.specc(&["export", "r", "-o", "tiny.py", "--json"]).exits(0).json();
    assert_eq!(document["schema"], "specc.export/1");
    assert_eq!(document["files"], serde_json::json!(["tiny.py", "tiny.safetensors"]));
    assert!(sandbox.text("tiny.py").contains("class Tiny(nn.Module):"));
    sandbox
        .specc(&["export", "r", "--format", "safetensors", "-o", "w.safetensors", "--verify"])
        .exits(0)
        .prints(&["every tensor equal"]);
    let (ours, theirs) = (sandbox.read("r/ckpt/last.safetensors"), sandbox.read("w.safetensors"));
    let read = |bytes| safetensors::SafeTensors::deserialize(bytes).unwrap();
    let (ours, theirs) = (read(&ours), read(&theirs));
    for name in ours.names() {
        assert_eq!(values(&ours, name), values(&theirs, name));
    }
    assert_eq!(ours.len(), theirs.len());
}

#[test]
fn export_needs_a_format_and_a_run() {
    let sandbox = trained();
    sandbox.specc(&["export", "r"]).exits(2).says(&["no format given", "usage: specc export RUN"]);
    let one_name = ["export", "r", "--format", "pytorch", "-o", "tiny.safetensors"];
    sandbox.specc(&one_name).exits(2).says(&["would have its name"]);
    sandbox.specc(&["export", "nothing", "--format", "onnx"]).exits(2).says(&["E0706"]);
}

#[test]
fn export_verify_tells_what_python_found() {
    let close = r#"echo '{"program": "torch 9", "absolute": 1e-7, "relative": 2e-8}'"#;
    verified(close, "pytorch").exits(0).prints(&["24 test samples by torch 9", "2.0e-8 of the"]);
    let far = r#"echo '{"program": "torch 9", "absolute": 1, "relative": 0.5}'"#;
    verified(far, "onnx").exits(1).says(&[Code::E0717.id()]);
    let missing = "echo missing package onnxruntime >&2; exit 3";
    verified(missing, "onnx").exits(1).says(&["without the package `onnxruntime`"]);
    let broken = "echo Traceback >&2; echo ValueError: no >&2; exit 1";
    verified(broken, "onnx").exits(1).says(&["ends with: ValueError: no"]);
}
