//! Runs that cannot begin, or not go on: what they say, what they leave, and how they exit.

use super::{Sandbox, TINY};

#[test]
fn a_divergence_names_layer_step_and_line() {
    let sandbox = Sandbox::with(TINY);
    let diverge = ["train", "spec.net", "-o", "r", "train.lr=1e30", "--dtype", "f32"];
    let done = sandbox.specc(&diverge).exits(5);
    done.says(&[
        "error[E0713]",
        "--> spec.net:2:",
        "at step 2 (epoch 1, batch 2)",
        "output of `linear1`",
    ]);
    assert!(sandbox.path("r/FAILED").exists() && !sandbox.path("r/DONE").exists());
    let document = sandbox.specc(&[&diverge[..], &["--force", "--json"]].concat()).exits(5).json();
    assert_eq!(document["diagnostics"][0]["code"], "E0713");
    assert_eq!(document["diagnostics"][0]["line"], 2);
    assert_eq!(document["diagnostics"][0]["notes"][0], "at step 2 (epoch 1, batch 2)");
    // The same bytes lead to the same end.
    sandbox.specc(&diverge).exits(5).says(&["error[E0713]"]);
}

#[test]
fn a_damaged_checkpoint_is_refused_and_force_starts_again() {
    let sandbox = Sandbox::with(TINY);
    sandbox.train("whole", &["train.epochs=2"]);
    sandbox.train("r", &["train.epochs=2", "--max-steps", "5"]);
    let sound = sandbox.read("r/ckpt/resume.safetensors");
    let (mut flipped, mut longer) = (sound.clone(), sound.clone());
    *flipped.last_mut().unwrap() ^= 1;
    longer.extend(b"more");
    let huge = [&u64::MAX.to_le_bytes()[..], b"{}"].concat();
    for bytes in [&sound[..0], &sound[..7], &sound[..sound.len() / 2], &flipped, &longer, &huge] {
        sandbox.write("r/ckpt/resume.safetensors", bytes);
        let done = sandbox.specc(&["train", "spec.net", "-o", "r", "train.epochs=2"]).exits(1);
        done.says(&["error[E0705]", "ckpt/resume.safetensors", "--force"]);
    }
    sandbox.train("r", &["train.epochs=2", "--force"]).says(&["moved the old run to r.old"]);
    sandbox.assert_equal("whole", "r");
}

#[test]
fn a_full_disk_ends_in_an_error_and_the_last_checkpoint_stays() {
    let wide = TINY.replace("flatten ", "flatten -> linear(64) -> relu ");
    let sandbox = Sandbox::with(&wide.replace("lr=0.05", "lr=0.05, momentum=0.9"));
    sandbox.train("whole", &[]);
    sandbox.train("r", &["--max-steps", "6"]);
    // No file may grow beyond so many blocks of 1,024 bytes, as if the rest of the disk were taken.
    for (blocks, file) in [(1, "r/"), (16, "r/ckpt/resume.safetensors")] {
        let line = format!("trap '' XFSZ; ulimit -f {blocks}; \"$SPECC\" train spec.net -o r");
        let done = sandbox.shell(&line).exits(1);
        done.says(&["error[E0704]", file, "found: File too large"]);
        assert_eq!(sandbox.json("r/ckpt/state.json")["step"], 6);
    }
    assert!(!sandbox.path("r/DONE").exists());
    sandbox.train("r", &[]);
    let of_failures = |name: &String| name != "FAILED";
    assert!(sandbox.names("r").iter().all(of_failures), "a finished run has not failed");
    sandbox.assert_equal("whole", "r");
}

#[test]
fn directories_of_others_are_left_alone() {
    let sandbox = Sandbox::with(TINY);
    sandbox.write("mine/notes.txt", b"keep");
    let into = |dir: &str, more: &[&str]| {
        sandbox.specc(&[&["train", "spec.net", "-o", dir, "--max-steps", "1"], more].concat())
    };
    into("mine", &[]).exits(1).says(&["error[E0701]", "mine"]);
    assert_eq!(sandbox.names("mine"), ["notes.txt"]);
    into("r", &[]).exits(0);
    into("r", &["loss.delta=1"]).exits(1).says(&["error[E0702]"]);
    into("new", &["--resume"]).exits(1).says(&["error[E0709]"]);
    sandbox.specc(&["eval", "mine"]).exits(2).says(&["error[E0706]"]);
    sandbox.specc(&["train", "spec.net", "--device", "cuda"]).says(&["error[E0501]"]);
    into("tensor", &["--precision", "tf32", "--device", "cpu"]).exits(1).says(&[
        "error[E0707]",
        "`--precision tf32` for the executor `cpu`",
        "--device cuda",
    ]);
    into("tensor", &["--precision", "tf32", "--no-fuse"]).says(&["the executor `reference`"]);
    into("init", &["--init", "spec.net"]).exits(1).says(&["error[E0708]"]);
}

#[test]
fn a_run_in_use_keeps_a_second_process_out() {
    let sandbox = Sandbox::with(TINY);
    let arguments = ["train", "spec.net", "-o", "r", "train.epochs=2000", "--log-every", "1"];
    let mut first = sandbox.start(&arguments);
    assert!(sandbox.wait_for_lines("r/metrics.jsonl", 1, &mut first));
    let second = sandbox.specc(&arguments);
    let _ = first.kill();
    let _ = first.wait();
    second.exits(1).says(&["error[E0703]"]);
}

#[test]
fn initial_weights_of_another_net_are_refused_by_name() {
    let sandbox = Sandbox::with(TINY);
    sandbox.train("r", &["--max-steps", "1"]);
    let weights = "r/ckpt/last.safetensors";
    for (from, to, says) in [
        ("conv(4", "conv(5", &["error[E0712]", "conv1.weight", "[4, 1, 3, 3]", "[5, 1, 3, 3]"][..]),
        ("flatten ", "flatten -> linear(10) ", &["error[E0711]", "linear2.weight"][..]),
    ] {
        sandbox.write("other.net", TINY.replace(from, to).as_bytes());
        let done = sandbox.specc(&["train", "other.net", "-o", "o", "--force", "--init", weights]);
        assert_ne!(done.code, Some(0));
        done.says(says);
    }
    sandbox.write(
        "less.net",
        TINY.replace("conv(4, kernel=3) -> relu -> max_pool(2)  ", "")
            .replace("linear(classes)", "fc: linear(classes)")
            .as_bytes(),
    );
    let done = sandbox.specc(&["train", "less.net", "-o", "l", "--init", weights]);
    done.says(&["error[E0719]", "fc.weight = ?", "# [10, 64]"]);
}

#[test]
fn exit_codes_of_the_command_line() {
    let sandbox = Sandbox::with(TINY);
    let document = sandbox.specc(&["train", "--json"]).exits(2).json();
    assert!(document["diagnostics"][0]["message"].as_str().unwrap().starts_with("no spec given"));
    sandbox.write("wrong.net", TINY.replace("relu", "rleu").as_bytes());
    sandbox.write("loose.net", TINY.replace("conv(4, ", "conv(4,").as_bytes());
    sandbox.write("mnist.net", TINY.replace("digits", "mnist").as_bytes());
    sandbox.write("bytes.net", &[0xff, 0xfe, 0]);
    for (line, code, says) in [
        ("check spec.net", 0, ""),
        ("fmt --check loose.net", 1, ""),
        ("train", 2, "no spec given"),
        ("train absent.net", 2, "error[E0715]"),
        ("check bytes.net", 2, "error[E0715]"),
        ("train spec.net loss.dleta=1 --dry-run", 2, "did you mean `loss.delta`?"),
        ("train spec.net delta --dry-run", 2, "error[E0115]"),
        ("explain E9999", 2, "not a known code"),
        ("graph spec.net -o x.png", 2, ".svg"),
        ("check wrong.net", 3, "did you mean `relu`?"),
        ("train wrong.net", 3, "error[E0201]"),
        ("train mnist.net --offline", 6, "error[E0601]"),
        ("data path mnist", 6, "error[E0601]"),
    ] {
        let arguments: Vec<&str> = line.split(' ').collect();
        sandbox.specc(&arguments).exits(code).says(&[says]);
    }
    let document = sandbox.specc(&["train", "wrong.net", "--json"]).exits(3).json();
    assert_eq!(document["diagnostics"][0]["code"], "E0201");
}

#[test]
fn a_reader_that_closes_the_pipe_is_no_failure() {
    let sandbox = Sandbox::with(TINY);
    for line in [
        "check spec.net",
        "check spec.net --json",
        "check spec.net --emit joint",
        "check spec.net --emit plan",
        "explain --list",
        "completions bash",
        "train spec.net -o r --max-steps 1",
    ] {
        let done = sandbox
            .shell(&format!("\"$SPECC\" {line} | head -c 1 >/dev/null; exit ${{PIPESTATUS[0]}}"));
        done.exits(0);
    }
}

#[test]
fn colours_only_where_asked_for() {
    let sandbox = Sandbox::with(&TINY.replace("relu", "rleu"));
    let colourful = |more: &[&str]| {
        sandbox.specc(&[&["check", "spec.net"], more].concat()).exits(3).err.contains('\u{1b}')
    };
    assert!(!colourful(&[]), "not a terminal");
    assert!(!colourful(&["--color", "never"]));
    assert!(colourful(&["--color", "always"]));
}

#[test]
fn a_size_or_scale_that_is_no_number_of_the_run_is_refused_before_the_first_step() {
    let flat = TINY.replace("conv(4, kernel=3) -> relu -> max_pool(2)  ", "");
    let zeros = flat.replace("net tiny", "net tiny(init=zeros)");
    let deep = (0..60).fold(flat.clone(), |spec, _| spec.replace("flatten", "flatten linear(64)"));
    let of_scale = |value: &str| flat.replace("size=weights", &format!("r1=trainable({value})"));
    for (spec, code, says) in [
        (zeros, 1, ["error[E0710]", "found R = 0"]),
        (deep, 1, ["error[E0710]", "R from"]),
        (of_scale("1 / (R - R)"), 3, ["error[E0354]", "the value inf"]),
        (of_scale("R^900"), 3, ["error[E0354]", "at most 3.4e38"]),
    ] {
        let sandbox = Sandbox::with(&spec);
        let done = sandbox.specc(&["train", "spec.net", "-o", "r"]).exits(code);
        done.says(&says).says(&["spec.net:3:"]);
        assert!(sandbox.path("r/FAILED").is_file() && !sandbox.names("r").contains(&"DONE".into()));
    }
}

#[test]
fn a_step_that_no_memory_holds_is_an_error() {
    let wide = "data synthetic(blobs, shape=[1, 8, 8], classes=3, n_train=200000, n_test=3)\n\
        net wide { conv(1900000, kernel=1) -> relu -> global_avg_pool -> linear(classes) }\n\
        loss cross_entropy\n\
        train sgd(lr=0.1) { batch = 1000000  steps = 1 }\n";
    let sandbox = Sandbox::with(wide);
    for path in [&[][..], &["--no-fuse"]] {
        let done = sandbox.specc(&[&["train", "spec.net", "-o", "r", "--force"], path].concat());
        done.exits(1).says(&["error[E0714]", "samples does not fit memory", "smaller `batch`"]);
    }
}

#[test]
fn tensors_that_the_net_does_not_have_are_told() {
    let sandbox = Sandbox::with(TINY);
    sandbox.train("r", &["--max-steps", "1"]);
    let less = TINY.replace("conv(4, kernel=3) -> relu -> max_pool(2)  ", "");
    sandbox.write("other.net", less.as_bytes());
    let weights = "r/ckpt/last.safetensors";
    let done = sandbox.specc(&["train", "other.net", "-o", "o", "--init", weights]);
    done.says(&["E0712", "linear1.weight"]);
    sandbox.write(
        "same.net",
        TINY.replace("two_scale(delta=0.01, size=weights)", "cross_entropy").as_bytes(),
    );
    let done = sandbox.specc(&["train", "same.net", "-o", "s", "--init", weights]).exits(0);
    done.says(&["warning[W0701]", "loss.r1, loss.r2"]);
}

#[test]
fn what_the_spec_asks_of_its_data_can_be_wrong_in_itself() {
    for (data, code, says) in [
        ("synthetic(blobs, shape=[5], classes=3, n_train=9, n_test=3, augment=[flip])", 3, "E0613"),
        ("digits(augment=[crop(9)])", 3, "E0613"),
        ("synthetic(moons, shape=[2], classes=3, n_train=9, n_test=3)", 3, "E0612"),
        ("synthetic(blobs, shape=[1000000, 1000000], classes=2, n_train=9, n_test=3)", 3, "E0612"),
        ("csv(\"../secret.csv\")", 3, "E0606"),
        ("csv(\"absent.csv\")", 6, "E0607"),
        ("csv(\"loop.csv\")", 6, "E0605"),
    ] {
        let sandbox = Sandbox::with(&format!(
            "data {data}\nnet n {{ flatten -> linear(classes) }}\nloss cross_entropy\n\
             train sgd(lr=0.1) {{ batch = 3  epochs = 1 }}\n"
        ));
        sandbox.link("loop.csv", "loop.csv");
        for command in ["check", "train"] {
            sandbox.specc(&[command, "spec.net"]).exits(code).says(&[says, "spec.net:1:"]);
        }
    }
}

#[test]
fn an_evaluation_that_meets_an_infinity_ends_as_a_run_does() {
    let spec = "data csv(\"t.csv\", test=last(0.25))\nnet n { linear(32) -> relu  linear(classes) }\n\
        loss cross_entropy\ntrain sgd(lr=0.05) { batch = 4  epochs = 1 }\n";
    // Sums of many such features leave single precision.
    let table = |far: &str| {
        let row = |i: i32| {
            let near = (i % 5).to_string();
            let feature = if i < 12 { near.as_str() } else { far };
            format!("{}{}\n", format!("{feature},").repeat(24), i % 2)
        };
        (0..16).map(row).collect::<String>()
    };
    let sandbox = Sandbox::with(spec);
    sandbox.write("t.csv", table("3").as_bytes());
    sandbox.train("r", &[]);
    sandbox.specc(&["eval", "r", "--json"]).exits(0);
    sandbox.write("t.csv", table("3e38").as_bytes());
    let document = sandbox.specc(&["eval", "r", "--json"]).exits(5).json();
    assert_eq!((&document["schema"], &document["ok"]), (&"specc.eval/1".into(), &false.into()));
    assert_eq!(document["diagnostics"][0]["code"], "E0713");
    sandbox.specc(&["eval", "r"]).exits(5).says(&["error[E0713]", "not finite"]);
}
