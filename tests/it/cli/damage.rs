//! Damaged or foreign checkpoints are reported and left as they are.

use std::collections::BTreeMap;

use super::{Sandbox, TINY};

const FILES: [&str; 3] = ["last.safetensors", "resume.safetensors", "state.json"];

/// What happens to a file, in words and in bytes.
type Damage = (&'static str, fn(&[u8]) -> Vec<u8>);

const DAMAGES: [Damage; 4] = [
    ("cut short", |bytes| bytes[..bytes.len() / 2].to_vec()),
    ("emptied", |_| vec![]),
    ("foreign", |_| TINY.as_bytes().to_vec()),
    ("of another program", |_| {
        use safetensors::Dtype;
        super::tensors(&[("weight", Dtype::F32, &[2], &[1.0, 2.0])])
    }),
];

/// A run that ended after seven of eighteen steps.
fn begun() -> Sandbox {
    let sandbox = Sandbox::with(TINY);
    sandbox.train("r", &["--max-steps", "7"]);
    sandbox
}

/// Every file of the run, also those that equal runs do not share.
fn everything(sandbox: &Sandbox) -> BTreeMap<String, Vec<u8>> {
    let names = sandbox.names("r");
    names.into_iter().map(|name| (name.clone(), sandbox.read(&format!("r/{name}")))).collect()
}

/// `train` and `eval` name the file and change nothing.
#[track_caller]
fn assert_refused(sandbox: &Sandbox, file: &str, how: &str) {
    let before = everything(sandbox);
    for arguments in [&["train", "spec.net", "-o", "r", "--json"][..], &["eval", "r", "--json"]] {
        let done = sandbox.specc(arguments).exits(1);
        assert_eq!(done.json()["diagnostics"][0]["code"], "E0705", "{file}: {how}");
        done.says(&["error[E0705]", &format!("r/ckpt/{file}")]);
    }
    let after = everything(sandbox);
    assert!(after == before, "{file}, {how}: the run changed");
}

#[test]
fn damaged_files_are_refused() {
    let sandbox = begun();
    for file in FILES {
        let path = format!("r/ckpt/{file}");
        let sound = sandbox.read(&path);
        for (how, damage) in DAMAGES {
            sandbox.write(&path, &damage(&sound));
            assert_refused(&sandbox, file, how);
        }
        sandbox.write(&path, &sound);
    }
    sandbox.train("whole", &[]);
    sandbox.train("r", &[]);
    sandbox.assert_equal("whole", "r");
}

#[test]
fn a_flipped_bit_is_noticed_anywhere() {
    let sandbox = begun();
    for file in ["last.safetensors", "resume.safetensors"] {
        let path = format!("r/ckpt/{file}");
        let sound = sandbox.read(&path);
        for at in [0, 9, 40, sound.len() / 2, sound.len() - 2] {
            let mut bytes = sound.clone();
            bytes[at] ^= 1 << 4;
            sandbox.write(&path, &bytes);
            assert_refused(&sandbox, file, &format!("a bit of byte {at}"));
        }
        sandbox.write(&path, &sound);
    }
    let sound = sandbox.text("r/ckpt/state.json");
    for (from, to) in [
        ("\"step\": 7", "\"step\": 6"),
        ("\"seed\": 0", "\"seed\": 1"),
        ("\"step\": 7", "\"step\": 9"),
    ] {
        // An older step is what a kill between two files leaves.
        let is_older = to.ends_with('6');
        sandbox.write("r/ckpt/state.json", sound.replacen(from, to, 1).as_bytes());
        if is_older {
            sandbox.specc(&["eval", "r"]).exits(0);
        } else {
            assert_refused(&sandbox, "state.json", to);
        }
    }
}

#[test]
fn a_checkpoint_without_its_tensors_is_not_a_new_run() {
    let sandbox = begun();
    std::fs::remove_file(sandbox.path("r/ckpt/resume.safetensors")).unwrap();
    assert_refused(&sandbox, "resume.safetensors", "removed");
}

#[test]
fn copies_that_were_removed_come_back() {
    for step in ["7", "18"] {
        let sandbox = Sandbox::with(TINY);
        sandbox.train("r", &["--max-steps", step]);
        let before = sandbox.tree("r");
        for file in ["last.safetensors", "state.json"] {
            std::fs::remove_file(sandbox.path(&format!("r/ckpt/{file}"))).unwrap();
            sandbox.specc(&["eval", "r"]).exits(0);
            sandbox.train("r", &["--max-steps", step]);
            assert_eq!(sandbox.tree("r"), before);
        }
    }
}

#[test]
fn nothing_to_resume_leaves_no_directory() {
    let sandbox = Sandbox::with(TINY);
    let done = sandbox.specc(&["train", "spec.net", "-o", "r", "--resume"]).exits(1);
    done.says(&["error[E0709]"]);
    assert!(!sandbox.path("r").exists());
}
