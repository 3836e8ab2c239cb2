//! A run that meets a NaN or an infinity stops, says where, and stores nothing of it.

use safetensors::SafeTensors;

use super::{Sandbox, TINY, values};

/// With a huge rate the layer on the third line breaks in the second step.
const SPEC: &str = "\
data digits(subset=48, test_subset=24)
net tiny { flatten  linear(8)
  big: linear(classes) }
loss two_scale(delta=0.01, size=weights)
train sgd(lr=0.05) { batch = 8  epochs = 3 }
";

/// Whether every tensor of a file is finite.
fn is_finite(sandbox: &Sandbox, name: &str) -> bool {
    let bytes = sandbox.read(name);
    let file = SafeTensors::deserialize(&bytes).unwrap();
    file.names().into_iter().all(|tensor| values(&file, tensor).iter().all(|v| v.is_finite()))
}

#[test]
fn the_message_names_layer_step_and_line() {
    for path in [&[][..], &["--no-fuse"]] {
        let sandbox = Sandbox::with(SPEC);
        let arguments =
            [&["train", "spec.net", "train.lr=1e30", "-o", "r", "--json"], path].concat();
        let done = sandbox.specc(&arguments).exits(5);
        let message = ["error[E0713]", "`big`", "spec.net:3:", "at step 2 (epoch 1, batch 2)"];
        let document = done.json();
        let diagnostic = &document["diagnostics"][0];
        assert_eq!((&diagnostic["code"], &diagnostic["line"]), (&"E0713".into(), &3.into()));
        done.says(&message);
        let marker = sandbox.text("r/FAILED");
        for part in message {
            assert!(marker.contains(part), "no `{part}` in {marker}");
        }
        assert!(!sandbox.path("r/DONE").exists());
        assert!(!sandbox.names("r").iter().any(|name| name.starts_with("ckpt/")));
    }
}

#[test]
fn the_last_checkpoint_before_it_stays() {
    // The rate grows by a factor of 1e36 after the first epoch of six steps.
    let spec = SPEC.replace("lr=0.05", "lr=0.05, schedule=step([1], gamma=1e36)");
    for path in [&[][..], &["--no-fuse"]] {
        let sandbox = Sandbox::with(&spec);
        let arguments = [&["train", "spec.net", "-o", "r"], path].concat();
        sandbox.specc(&arguments).exits(5).says(&["error[E0713]"]);
        assert_eq!(sandbox.json("r/ckpt/state.json")["step"], 6);
        assert!(is_finite(&sandbox, "r/ckpt/last.safetensors"));
        assert!(is_finite(&sandbox, "r/ckpt/resume.safetensors"));
        let before = sandbox.tree("r");
        // The same command ends in the same way, and leaves the same.
        sandbox.specc(&arguments).exits(5).says(&["error[E0713]", "continuing r from step 6"]);
        assert_eq!(sandbox.tree("r"), before);
    }
}

#[test]
fn an_update_that_breaks_in_the_last_step_is_not_stored() {
    for path in [&[][..], &["--no-fuse"]] {
        let sandbox = Sandbox::with(TINY);
        let more = ["train", "spec.net", "train.lr=1e40", "--max-steps", "1", "-o", "r"];
        let done = sandbox.specc(&[&more, path].concat()).exits(5);
        done.says(&["error[E0713]", "spec.net:2:", "at step 1 (epoch 1, batch 1)"]);
        assert!(sandbox.path("r/FAILED").is_file() && !sandbox.path("r/DONE").exists());
        assert!(!sandbox.names("r").iter().any(|name| name.starts_with("ckpt/")));
    }
}

#[test]
fn a_marker_of_failure_goes_when_the_run_goes_on() {
    let sandbox = Sandbox::with(TINY);
    sandbox.train("whole", &[]);
    sandbox.train("r", &["--max-steps", "4"]);
    sandbox.write("r/FAILED", b"once");
    sandbox.train("r", &[]);
    sandbox.assert_equal("whole", "r");
}
