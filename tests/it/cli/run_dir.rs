//! What a finished run leaves behind (`formats.md`, "Run directory").

use safetensors::{Dtype, SafeTensors};

use super::{Sandbox, TINY, keys};

use crate::close::{double, single};

#[test]
fn the_files_of_a_finished_run() {
    let sandbox = Sandbox::with(TINY);
    sandbox.train("r", &[]);
    let expected = [
        ".lock",
        "DONE",
        "ckpt/last.safetensors",
        "ckpt/resume.safetensors",
        "ckpt/state.json",
        "env.json",
        "graph.json",
        "log.txt",
        "logits/test.safetensors",
        "logits/train.safetensors",
        "metrics.jsonl",
        "resolved.net",
        "run.json",
        "spec.net",
        "summary.json",
        "timing.jsonl",
    ];
    assert_eq!(sandbox.names("r"), expected);
    assert_eq!(sandbox.text("r/spec.net"), TINY);
    let graph = sandbox.json("r/graph.json");
    assert!(graph.is_object(), "graph.json is a document");
    let log = sandbox.text("r/log.txt");
    assert!(log.contains("epoch   1") && log.trim_end().ends_with("finished"), "{log}");
    let timing = sandbox.lines("r/timing.jsonl");
    assert_eq!(timing.len(), 3);
    for line in &timing {
        assert_eq!(keys(line), ["epoch", "seconds", "samples_per_second"]);
    }
}

#[test]
fn the_summary_has_every_field() {
    let sandbox = Sandbox::with(TINY);
    sandbox.train("r", &["--threads", "2"]);
    let summary = sandbox.json("r/summary.json");
    for key in [
        "schema",
        "spec_hash",
        "seed",
        "device",
        "isa",
        "threads",
        "dtype",
        "params",
        "epochs",
        "steps",
        "scales",
        "R",
        "train",
        "test",
    ] {
        assert!(summary.get(key).is_some(), "{key}");
    }
    assert_eq!(summary["schema"], "specc.summary/1");
    assert_eq!((&summary["seed"], &summary["device"]), (&0.into(), &"cpu".into()));
    assert_eq!((&summary["threads"], &summary["dtype"]), (&2.into(), &"f32".into()));
    // conv 4·9 + 4, linear 36·10 + 10.
    assert_eq!(summary["params"], 40 + 370);
    assert_eq!((&summary["epochs"], &summary["steps"]), (&3.into(), &18.into()));
    assert_eq!(keys(&summary["scales"]), ["r1", "r2"]);
    let size = summary["R"].as_f64().unwrap();
    let scale = summary["scales"]["r1"].as_f64().unwrap() / size;
    for (split, n) in [("train", 48), ("test", 24)] {
        let split = &summary[split];
        assert_eq!(split["n"], n);
        assert!((split["probability_scale"].as_f64().unwrap() - scale).abs() < single::VALUE);
        for key in ["top_k", "top_k_upper"] {
            assert_eq!(keys(&split[key]), ["1", "3", "5", "10"]);
        }
        assert_eq!(keys(&split["close_enough"]), ["0", "0.01", "0.02", "0.03", "0.05", "0.1"]);
        assert!(split["super_class_accuracy"].is_null());
        for key in ["margin", "normalized_margin"] {
            assert_eq!(keys(&split[key]), ["mean", "quantiles"]);
            let quantiles = ["0.01", "0.05", "0.25", "0.5", "0.75", "0.95", "0.99"];
            assert_eq!(keys(&split[key]["quantiles"]), quantiles);
        }
        for masses in split["masses"].as_array().unwrap() {
            let part = |key: &str| masses[key].as_f64().unwrap();
            assert!((part("well") + part("marginal") + part("poor") - 1.0).abs() < double::PASS);
            assert!(masses["mu"].is_number());
        }
        for key in ["loss", "accuracy", "accuracy_upper", "average_accuracy"] {
            assert!(split[key].is_f64(), "{key}");
        }
    }
}

#[test]
fn a_loss_without_scales_has_no_size_and_nulls() {
    let spec = TINY.replace("two_scale(delta=0.01, size=weights)", "cross_entropy");
    let sandbox = Sandbox::with(&spec);
    sandbox.train("r", &["--max-steps", "2"]);
    let summary = sandbox.json("r/summary.json");
    assert_eq!(summary["train"]["probability_scale"], 1.0);
    assert!(summary["scales"].as_object().unwrap().is_empty());
    assert_eq!((&summary["epochs"], &summary["steps"]), (&0.into(), &2.into()));
}

#[test]
fn logits_and_checkpoint_have_the_promised_tensors() {
    let sandbox = Sandbox::with(TINY);
    for (dir, dtype, word) in [("a", Dtype::F32, "f32"), ("b", Dtype::F64, "f64")] {
        sandbox.train(dir, &["--max-steps", "3", "--dtype", word]);
        for (split, n) in [("train", 48), ("test", 24)] {
            let bytes = sandbox.read(&format!("{dir}/logits/{split}.safetensors"));
            let file = SafeTensors::deserialize(&bytes).unwrap();
            let logits = file.tensor("logits").unwrap();
            assert_eq!((logits.dtype(), logits.shape()), (dtype, &[n, 10][..]));
            let labels = file.tensor("labels").unwrap();
            assert_eq!((labels.dtype(), labels.shape()), (Dtype::I64, &[n][..]));
            let mut names = file.names();
            names.sort_unstable();
            assert_eq!(names, ["R", "labels", "logits", "r1", "r2"]);
            for name in ["R", "r1", "r2"] {
                assert_eq!(file.tensor(name).unwrap().shape(), [1], "{name}");
            }
        }
        let bytes = sandbox.read(&format!("{dir}/ckpt/last.safetensors"));
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let shape = |name: &str| {
            let tensor = file.tensor(name).unwrap();
            assert_eq!(tensor.dtype(), dtype, "{name}");
            tensor.shape().to_vec()
        };
        assert_eq!(shape("conv1.weight"), [4, 1, 3, 3]);
        assert_eq!(shape("conv1.bias"), [4]);
        assert_eq!(shape("linear1.weight"), [10, 36]);
        assert_eq!(shape("linear1.bias"), [10]);
        assert_eq!((shape("loss.r1"), shape("loss.r2")), (vec![1], vec![1]));
        assert_eq!(file.names().len(), 6);
    }
}

#[test]
fn running_statistics_are_in_the_checkpoint_and_momentum_is_not() {
    let sandbox = Sandbox::with(
        "data digits(subset=16, test_subset=8)\n\
         net n { conv(2, kernel=3) -> batch_norm -> relu  flatten  fc: linear(classes) }\n\
         loss cross_entropy\ntrain sgd(lr=0.05, momentum=0.9) { batch = 8  epochs = 1 }\n",
    );
    sandbox.train("r", &[]);
    let bytes = sandbox.read("r/ckpt/last.safetensors");
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut names = file.names();
    names.sort_unstable();
    let expected = [
        "bn1.bias",
        "bn1.running_mean",
        "bn1.running_var",
        "bn1.weight",
        "conv1.bias",
        "conv1.weight",
        "fc.bias",
        "fc.weight",
    ];
    assert_eq!(names, expected);
}

#[test]
fn classes_beyond_ten_and_few_classes() {
    let sandbox = Sandbox::with(
        "data synthetic(blobs, shape=[3], classes=3, n_train=20, n_test=10, noise=0.1)\n\
         net n { linear(classes) }\nloss cross_entropy\ntrain sgd(lr=0.1) { batch = 7  epochs = 1 }\n",
    );
    sandbox.train("r", &[]);
    let summary = sandbox.json("r/summary.json");
    assert_eq!(keys(&summary["test"]["top_k"]), ["1", "3"], "k ≤ K");
    assert_eq!(summary["steps"], 3, "the short last batch is a step");
}
