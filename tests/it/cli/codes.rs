//! Every code is raised: by the wrong example of its page, or by a command here, whose message begins as the page shows it.

use std::path::Path;

use safetensors::Dtype;
use specc::diag::Code;

use super::export::verified;
use super::{Done, Sandbox, TINY, tensors};
use crate::explain::net_fences;
use crate::pipeline::diagnose;

/// Raises one code.
type Scenario = fn() -> Done;

/// Codes of fetching need a server of one's own, some others a program of one's own; the tests that raise them.
const ELSEWHERE: [(&str, &str, &str); 15] = [
    ("E0355", "loss.rs", include_str!("../loss.rs")),
    ("E0356", "loss.rs", include_str!("../loss.rs")),
    ("E0502", "cuda/errors.rs", include_str!("../../cuda/errors.rs")),
    ("E0503", "cuda/errors.rs", include_str!("../../cuda/errors.rs")),
    ("E0504", "cuda/errors.rs", include_str!("../../cuda/errors.rs")),
    ("E0505", "cuda/errors.rs", include_str!("../../cuda/errors.rs")),
    ("E0506", "cuda/errors.rs", include_str!("../../cuda/errors.rs")),
    ("E0507", "cuda/errors.rs", include_str!("../../cuda/errors.rs")),
    ("E0614", "data/fetch.rs", include_str!("../data/fetch.rs")),
    ("E0615", "data/fetch.rs", include_str!("../data/fetch.rs")),
    ("E0617", "data/fetch.rs", include_str!("../data/fetch.rs")),
    ("E0618", "data/fetch.rs", include_str!("../data/fetch.rs")),
    ("E0619", "data/fetch.rs", include_str!("../data/fetch.rs")),
    ("E0620", "data.rs", include_str!("../data.rs")),
    ("E0718", "export.rs", include_str!("../export.rs")),
];

const SCENARIOS: &[(&str, Scenario)] = &[
    ("E0115", || tiny("train spec.net train.epochs")),
    ("E0214", || tiny("train spec.net train.epcohs=2")),
    ("W0207", || changed("epochs = 3", "steps = 1  seeds = 0..10", "train spec.net --seed 7")),
    ("E0354", || changed("size=weights", "r1=trainable(1 / (R - R))", "train spec.net")),
    ("E0601", || changed("digits(", "mnist(", "train spec.net --offline")),
    ("E0602", || cifar(&[3; 3073 + 100])),
    ("E0603", || picture_for_images(b"\x89PNG\r\n\x1a\n and more of it")),
    ("E0604", || cifar(&[[3; 3073], [13; 3073]].concat())),
    ("E0605", || table("csv(\"loop.csv\")", "")),
    ("E0606", || table("csv(\"../secrets.csv\")", "")),
    ("E0607", || table("csv(\"absent.csv\")", "")),
    ("E0608", || table("csv(\"own.csv\")", "length,width,kind\n5.1,3.5,setosa\n4.9,n/a,setosa\n")),
    ("E0609", || changed("subset=48", "subset=60000", "check spec.net")),
    ("E0610", || picture_for_images(&[0, 0, 8, 3, 255, 255, 255, 255, 0, 0, 0, 28, 0, 0, 0, 28])),
    ("E0611", || npy(5, &[0, 1, 0, 1])),
    ("E0612", || table("synthetic(moons, shape=[2], classes=3, n_train=100, n_test=100)", "")),
    ("E0613", || {
        table("synthetic(blobs, shape=[5], classes=3, n_train=9, n_test=9, augment=[flip])", "")
    }),
    ("E0616", || tiny("data fetch mnist --offline")),
    ("E0621", two_super_classes),
    ("E0622", || table("csv(\"own.csv\")", "a;b;y\n1;2;0\n3;4;1\n")),
    ("W0601", || {
        table("csv(\"own.csv\", test=random(0.5))", "a,b,y\n1,2,1\n3,4,2\n5,6,1\n7,8,2\n")
    }),
    ("W0602", || table("csv(\"own.csv\", test=last(0.25))", "1,0\n2,0\n3,0\n4,1\n")),
    ("W0603", || table("csv(\"own.csv\", test=last(0.25))", "1,0\n2,1\n3,0\n1,0\n")),
    ("W0604", || table("csv(\"own.csv\", test=last(0.2))", "1,0\n1,1\n2,1\n3,0\n4,1\n")),
    ("W0605", || {
        let table_text = "a,b,y\n1,7,0\n2,7,1\n3,7,0\n4,8,1\n";
        table("csv(\"own.csv\", test=last(0.25), normalize=standard)", table_text)
    }),
    ("W0606", || {
        let row = |i: i32| format!("{i},{}\n", i32::from(i % 50 == 0));
        table("csv(\"own.csv\", test=random(0.2))", &(0..200).map(row).collect::<String>())
    }),
    ("W0607", || {
        let text = "time,y\n16777216,0\n16777217,1\n16777218,0\n16777219,1\n";
        table("csv(\"own.csv\", test=last(0.25))", text)
    }),
    ("E0650", || stored("l.npy", b"\x93NUMPY")),
    ("E0651", || logits(&[("conv1.weight", Dtype::F32, &[1], &[0.0])])),
    ("E0652", || logits(&[MATRIX, ("labels", Dtype::F32, &[2], &[0.0, 1.0])])),
    ("E0653", || logits(&[MATRIX, ("labels", Dtype::I64, &[1], &[0.0])])),
    ("E0654", || logits(&[MATRIX, ("labels", Dtype::I64, &[2], &[1.0, 2.0])])),
    ("E0655", || {
        let broken = ("logits", Dtype::F32, &[2, 2][..], &[0.0, f64::NAN, 1.0, 2.0][..]);
        logits(&[broken, LABELS])
    }),
    ("E0656", || {
        let sandbox = Sandbox::new();
        sandbox.write("l.safetensors", &tensors(&[MATRIX, LABELS]));
        sandbox.specc(&["analyze", "l.safetensors", "--scale", "r1"])
    }),
    ("E0657", || {
        let sandbox = Sandbox::new();
        sandbox.write("runs/notes.txt", b"no run");
        sandbox.specc(&["analyze", "runs"])
    }),
    ("E0658", || tiny("analyze no/such/file.safetensors")),
    ("W0651", || {
        let sandbox = Sandbox::new();
        sandbox.write("l.safetensors", &tensors(&[MATRIX, LABELS]));
        sandbox.specc(&["analyze", "l.safetensors", "--k", "1,2"])
    }),
    ("E0701", || {
        let sandbox = Sandbox::with(TINY);
        sandbox.write("documents/letter.txt", b"keep");
        sandbox.specc(&["train", "spec.net", "-o", "documents"])
    }),
    ("E0702", || trained("train spec.net loss.delta=1 -o r", |_| {})),
    ("E0703", in_use),
    ("E0704", || Sandbox::with(TINY).shell("touch r; \"$SPECC\" train spec.net -o r/run")),
    ("E0705", || {
        trained("train spec.net -o r", |sandbox| {
            let whole = sandbox.read("r/ckpt/resume.safetensors");
            sandbox.write("r/ckpt/resume.safetensors", &whole[..100]);
        })
    }),
    ("E0706", || tiny("eval spec.net")),
    ("E0501", || tiny("train spec.net --device cuda")),
    ("E0707", || tiny("train spec.net --device cuda --dtype f64")),
    ("E0708", || tiny("train spec.net --init spec.net")),
    ("E0709", || tiny("train spec.net -o new-directory --resume")),
    ("E0710", || changed("net tiny", "net tiny(init=zeros)", "train spec.net")),
    ("E0711", || other("flatten ", "flatten -> linear(10) ")),
    ("E0712", || other("conv(4", "conv(5")),
    ("E0713", || tiny("train spec.net train.lr=1e30 --dtype f32")),
    ("E0714", || {
        let wide = "data synthetic(blobs, shape=[1, 8, 8], classes=3, n_train=200000, n_test=3)\n\
            net wide { conv(1900000, kernel=1) -> relu -> global_avg_pool -> linear(classes) }\n\
            loss cross_entropy\ntrain sgd(lr=0.1) { batch = 1000000  steps = 1 }\n";
        Sandbox::with(wide).specc(&["train", "spec.net"])
    }),
    ("E0715", || tiny("check missing.net")),
    ("E0721", || {
        let sandbox = Sandbox::with(TINY);
        sandbox.specc(&words("train spec.net -o run"));
        sandbox.specc(&words("eval run --at best"))
    }),
    ("E0716", || verified("echo missing package onnxruntime >&2; exit 3", "onnx")),
    ("E0717", || {
        let answer = r#"echo '{"program": "onnxruntime 1", "absolute": 1, "relative": 0.031}'"#;
        verified(answer, "onnx")
    }),
    ("E0719", || renamed("conv1.bias = c.bias")),
    ("E0720", || renamed("conv1.bias = c.bais")),
    ("W0701", || other("two_scale(delta=0.01, size=weights)", "cross_entropy")),
    ("W0702", || mlp("n(bias=false, init=zeros)", "cross_entropy", "lr=0.1")),
    ("W0703", || mlp("n", "mse", "lr=1e6")),
    ("W0704", || mlp("n", "far\nloss far { out 1e9 - logits[label] }", "lr=1e-6")),
    ("W0705", || mlp("n", "mse", "lr=1e6")),
    ("W0706", || mlp("n", "two_scale(delta=50, size=weights)", "lr=0.01")),
];

const MATRIX: (&str, Dtype, &[usize], &[f64]) =
    ("logits", Dtype::F32, &[2, 2], &[1.0, 0.0, 0.0, 1.0]);
const LABELS: (&str, Dtype, &[usize], &[f64]) = ("labels", Dtype::I64, &[2], &[0.0, 1.0]);

fn words(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

fn tiny(line: &str) -> Done {
    Sandbox::with(TINY).specc(&words(line))
}

fn changed(from: &str, to: &str, line: &str) -> Done {
    let spec = TINY.replace(from, to);
    assert_ne!(spec, TINY);
    Sandbox::with(&spec).specc(&words(line))
}

/// A net on a table of two classes, or on what else `data` says.
fn table(data: &str, text: &str) -> Done {
    let rest = "net n { flatten -> linear(classes) }\nloss cross_entropy\n\
        train sgd(lr=0.1) { batch = 2  steps = 1 }\n";
    let sandbox = Sandbox::with(&format!("data {data}\n{rest}"));
    sandbox.write("own.csv", text.as_bytes());
    sandbox.link("loop.csv", "loop.csv");
    sandbox.specc(&["check", "spec.net"])
}

fn npy(n_samples: usize, labels: &[u8]) -> Done {
    let rest = "net n { linear(classes) }\nloss cross_entropy\ntrain sgd(lr=0.1) { steps = 1 }\n";
    let sandbox = Sandbox::with(&format!("data npy(\"x.npy\", \"y.npy\", test=0.5)\n{rest}"));
    let samples = format!("({n_samples}, 1)");
    sandbox.write("x.npy", &crate::data::npy("|u1", &samples, &vec![1; n_samples]));
    sandbox.write("y.npy", &crate::data::npy("|u1", &format!("({},)", labels.len()), labels));
    sandbox.specc(&["train", "spec.net"])
}

/// CIFAR-10 of one record a file, but for the third batch.
fn cifar(third: &[u8]) -> Done {
    let sandbox = Sandbox::with(&TINY.replace("digits(subset=48, test_subset=24)", "cifar10"));
    for batch in 1..=5_u8 {
        let whole = vec![batch; 3073];
        let bytes = if batch == 3 { third } else { &whole };
        sandbox.write(&format!("cifar-10-batches-bin/data_batch_{batch}.bin"), bytes);
    }
    sandbox.write("cifar-10-batches-bin/test_batch.bin", &[0; 3073]);
    sandbox.specc(&["train", "spec.net", "--data-dir", "."])
}

fn picture_for_images(bytes: &[u8]) -> Done {
    let sandbox = Sandbox::with(&TINY.replace("digits(subset=48, test_subset=24)", "mnist"));
    for name in ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"] {
        sandbox.write(&format!("mnist/{name}-ubyte"), bytes);
    }
    sandbox.specc(&["train", "spec.net", "--data-dir", "."])
}

fn two_super_classes() -> Done {
    let record = |coarse: u8, fine: u8| [&[coarse, fine][..], &[0; 3072]].concat();
    let sandbox = Sandbox::with(&TINY.replace("digits(subset=48, test_subset=24)", "cifar100"));
    let train = [record(7, 7), record(3, 7)].concat();
    sandbox.write("cifar-100-binary/train.bin", &train);
    sandbox.write("cifar-100-binary/test.bin", &record(7, 7));
    sandbox.specc(&["train", "spec.net", "--data-dir", "."])
}

fn stored(name: &str, bytes: &[u8]) -> Done {
    let sandbox = Sandbox::new();
    sandbox.write(name, bytes);
    sandbox.specc(&["analyze", name])
}

fn logits(list: &[(&str, Dtype, &[usize], &[f64])]) -> Done {
    stored("l.safetensors", &tensors(list))
}

/// The command behind a run of one step in `r` that was then touched.
fn trained(line: &str, touch: fn(&Sandbox)) -> Done {
    let sandbox = Sandbox::with(TINY);
    sandbox.train("r", &["--max-steps", "1"]);
    touch(&sandbox);
    sandbox.specc(&words(line))
}

fn in_use() -> Done {
    let sandbox = Sandbox::with(TINY);
    let arguments = ["train", "spec.net", "-o", "r", "train.epochs=2000", "--log-every", "1"];
    let mut first = sandbox.start(&arguments);
    assert!(sandbox.wait_for_lines("r/metrics.jsonl", 1, &mut first));
    let second = sandbox.specc(&arguments);
    let _ = first.kill();
    let _ = first.wait();
    second
}

/// Another net that starts from the weights of the small one.
fn other(from: &str, to: &str) -> Done {
    let sandbox = Sandbox::with(TINY);
    sandbox.train("r", &["--max-steps", "1"]);
    let other = TINY.replace(from, to);
    assert_ne!(other, TINY);
    sandbox.write("other.net", other.as_bytes());
    let weights = "r/ckpt/last.safetensors";
    sandbox.specc(&["train", "other.net", "-o", "o", "--max-steps", "1", "--init", weights])
}

/// A run from weights whose names are only partly those of the net, with a map for some of them.
fn renamed(map: &str) -> Done {
    let sandbox = Sandbox::with(TINY);
    let zeros = |n: usize| vec![0.0; n];
    let (a, b, c, d) = (zeros(36), zeros(4), zeros(360), zeros(10));
    let file = [
        ("c.weight", Dtype::F32, &[4, 1, 3, 3][..], &a[..]),
        ("c.bias", Dtype::F32, &[4], &b),
        ("l.weight", Dtype::F32, &[10, 36], &c),
        ("l.bias", Dtype::F32, &[10], &d),
    ];
    sandbox.write("w.safetensors", &tensors(&file));
    sandbox.write("names.txt", map.as_bytes());
    let options = ["--init", "w.safetensors", "--init-map", "names.txt"];
    sandbox.specc(&[&["train", "spec.net"][..], &options].concat())
}

fn mlp(net: &str, loss: &str, optimizer: &str) -> Done {
    let spec = format!(
        "data digits\nnet {net} {{ flatten -> linear(32) -> relu -> linear(classes) }}\n\
         loss {loss}\ntrain sgd({optimizer}) {{ batch = 32  epochs = 4 }}\n"
    );
    Sandbox::with(&spec).specc(&["train", "spec.net"])
}

/// The titles that a text shows for a code, with every name and number replaced.
fn titles(text: &str, code: Code) -> Vec<String> {
    let marker = format!("[{code}]: ");
    let lines = text.lines().filter_map(|line| {
        let (level, title) = line.trim_start().split_once(&marker)?;
        matches!(level, "error" | "warning").then_some(title)
    });
    lines.map(blank).collect()
}

fn blank(title: &str) -> String {
    let pieces = title.split('`').enumerate();
    let named = pieces.map(|(i, piece)| if i % 2 == 1 { "_" } else { piece });
    let text = named.collect::<Vec<_>>().join("`");
    let mut blanked = String::new();
    for c in text.chars() {
        match c {
            '0'..='9' if blanked.ends_with('#') => {}
            '0'..='9' => blanked.push('#'),
            _ => blanked.push(c),
        }
    }
    blanked
}

#[test]
fn every_code_is_raised_by_an_example_or_a_command() {
    for code in Code::ALL {
        let examples = net_fences(code.explanation());
        for example in &examples {
            let (_, diagnostics) = diagnose(Path::new("example.net"), example);
            let found: Vec<_> = diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
            assert!(found.contains(code), "the example of {code} raises {found:?}:\n{example}");
        }
        let here = SCENARIOS.iter().filter(|(id, _)| *id == code.id()).count();
        let there = ELSEWHERE.iter().filter(|(id, ..)| *id == code.id()).count();
        assert_eq!(
            usize::from(!examples.is_empty()) + here + there,
            1,
            "{code}: {} examples, {here} commands, {there} tests",
            examples.len()
        );
    }
    for (id, file, source) in ELSEWHERE {
        assert!(source.contains(id), "{file} does not raise {id}");
    }
}

#[test]
fn commands_raise_their_codes_and_pages_show_their_messages() {
    let failures: Vec<String> = SCENARIOS
        .iter()
        .filter_map(|(id, scenario)| {
            let code: Code = id.parse().unwrap();
            let done = scenario();
            let told = titles(&done.err, code);
            if told.is_empty() {
                return Some(format!("no {id} in\n{}", done.err));
            }
            let shown = titles(code.explanation(), code);
            let strange = shown.iter().find(|title| !told.contains(title))?;
            Some(format!("the page of {id} shows\n  {strange}\nthe program says\n  {told:?}"))
        })
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
