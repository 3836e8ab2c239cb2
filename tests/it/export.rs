//! Exported nets: the messages of ONNX as they lie in the file, and PyTorch modules as somebody reads them.

use std::collections::BTreeSet;
use std::path::Path;

use prost::Message;
use specc::compile::Compiled;
use specc::diag::ToDiagnostic;
use specc::export::onnx::proto::{Attribute, Graph as Net, Model, Size, Tensor};
use specc::export::{About, ExportError, Pixels, Source, onnx, pytorch, weights};
use specc::ir::{Graph, ParamRole};
use specc::lower::{HostTensor, State, StateEntry};

use crate::pipeline::compile;

/// Values that tell tensors and their elements apart.
fn state(graph: &Graph) -> State {
    let entry = |(i, (name, elements, dims)): (usize, (&String, usize, &Vec<usize>))| {
        let values = (0..elements).map(|at| i as f32 + at as f32 / 1024.0).collect();
        StateEntry { name: name.clone(), shape: dims.clone(), values: HostTensor::F32(values) }
    };
    let params = graph.params.iter().map(|p| (&p.name, p.shape.elements(), &p.shape.dims));
    let buffers = graph.buffers.iter().map(|b| (&b.name, b.shape.elements(), &b.shape.dims));
    State {
        params: params.enumerate().map(entry).collect(),
        buffers: buffers.enumerate().map(entry).collect(),
    }
}

fn about(class_names: Option<Vec<String>>) -> About {
    About {
        spec: "net".to_owned(),
        spec_hash: "0123456789abcdef".repeat(4),
        seed: 3,
        step: 782,
        epochs: 2,
        steps: 50_048,
        steps_per_epoch: 391,
        dtype: "f32".to_owned(),
        pixels: Pixels { divisor: 255.0, mean: vec![0.5, 0.25, 0.125], deviation: vec![0.25; 3] },
        class_names,
    }
}

fn with<T>(compiled: &Compiled, look: impl FnOnce(&Source<'_>) -> T) -> T {
    let (spec, checked) = compiled.sound().expect("the spec is sound");
    let (state, about) = (state(checked.graph()), about(None));
    look(&Source { checked, spec, state: &state, about: &about })
}

fn each_spec(mut visit: impl FnMut(&Compiled)) {
    insta::glob!("../../specs", "*.net", |path| {
        visit(&compile(path, &std::fs::read_to_string(path).unwrap(), &[]));
    });
}

#[test]
fn export_onnx_attributes_have_the_published_field_numbers() {
    let bytes = Attribute::int("axis", 1).encode_to_vec();
    assert_eq!(bytes, [b"\x0a\x04axis".as_slice(), &[0x18, 1, 0xa0, 1, 2]].concat());
    let bytes = Attribute::float("alpha", 0.5).encode_to_vec();
    assert_eq!(bytes, [b"\x0a\x05alpha".as_slice(), &[0x15, 0, 0, 0, 0x3f, 0xa0, 1, 1]].concat());
    let bytes = Attribute::ints("pads", &[1, 300]).encode_to_vec();
    let pads = [0x40, 1, 0x40, 0xac, 2, 0xa0, 1, 7];
    assert_eq!(bytes, [b"\x0a\x04pads".as_slice(), &pads].concat());
    let tensor = Tensor {
        dims: vec![2, 1],
        data_type: Some(Tensor::INT64),
        name: Some("w".to_owned()),
        raw_data: Some(vec![9]),
    };
    assert_eq!(tensor.encode_to_vec(), [8, 2, 8, 1, 0x10, 7, 0x42, 1, b'w', 0x4a, 1, 9]);
}

#[test]
fn export_onnx_models_of_shipped_specs_hang_together() {
    each_spec(|compiled| {
        with(compiled, |source| {
            let bytes = onnx(source).unwrap();
            let model = Model::decode(bytes.as_slice()).unwrap();
            assert_eq!(model.encode_to_vec(), bytes);
            assert_eq!((model.ir_version, model.opset_import[0].version), (Some(8), Some(17)));
            let keys: Vec<_> =
                model.metadata_props.iter().map(|entry| entry.key.as_deref().unwrap()).collect();
            for key in ["specc_version", "spec_hash", "seed", "steps", "normalization", "classes"] {
                assert!(keys.contains(&key), "{key} is not in {keys:?}");
            }
            hangs_together(model.graph.as_ref().unwrap(), source.checked.graph());
        });
    });
}

/// Every value is defined once and before it is used, and every parameter is there with all its elements.
fn hangs_together(graph: &Net, net: &Graph) {
    let mut known = BTreeSet::from(["input".to_owned()]);
    for tensor in &graph.initializer {
        let elements: i64 = tensor.dims.iter().product();
        let size = if tensor.data_type == Some(Tensor::FLOAT) { 4 } else { 8 };
        assert_eq!(tensor.raw_data.as_ref().unwrap().len() as i64, size * elements);
        assert!(known.insert(tensor.name.clone().unwrap()), "{:?} twice", tensor.name);
    }
    for node in &graph.node {
        for input in &node.input {
            assert!(known.contains(input), "{input} is used before it is there");
        }
        for output in &node.output {
            assert!(known.insert(output.clone()), "{output} twice");
        }
    }
    assert!(known.contains("logits"));
    for param in net.params.iter().filter(|param| param.role != ParamRole::Scale) {
        assert!(known.contains(&param.name), "{} is not in the model", param.name);
    }
    let input = graph.input[0].r#type.as_ref().unwrap().tensor_type.as_ref().unwrap();
    let batch = input.shape.as_ref().unwrap().dim[0].value.clone();
    assert_eq!(batch, Some(Size::Param("N".to_owned())));
}

/// A residual net with a label in a repeat, names that Python has itself, and every kind of norm.
const MIXED: &str = "\
data synthetic(blobs, shape=[3, 8, 8], classes=3, n_train=64, n_test=8)
block wide(c, stride=1) {
  let pre = in -> batch_norm -> relu
  let main = pre -> conv(c, kernel=3, pad=1, stride=stride) -> group_norm(4) -> gelu
    -> conv(c, kernel=3, pad=1)
  if channels(in) == c { out main + in } else { out main + (pre -> conv(c, kernel=1, stride=stride)) }
}
loss weighted(gamma=2) {
  let p = softmax(logits)
  out -(1 - p[label])^gamma * log(p[label]) + max(margin, -1) * where(margin > 0, 0.1, 0.2)
}
net mixed(allow=[nonhomogeneous]) {
  stem: conv(8, kernel=[3, 5], pad=[1, 2], bias=false)
  wide(16, stride=2)
  repeat 3 { wide(16) }
  batch_norm(affine=false) -> prelu(per_channel=true) -> dropout(0.1) -> global_avg_pool
  repeat i in 0..2 { fc: linear(16) -> silu }
  half: linear(16) -> layer_norm -> leaky_relu(0.2)
  0.5 * linear(classes)
}
loss two_scale(delta=0.05, on=normalized, divisor=detached, size=spectral, base=weighted(gamma=1.5))
train asam(sgd(lr=0.1, momentum=0.9, nesterov=true, weight_decay=5e-4, schedule=step(milestones=[1, 2], gamma=0.2), warmup=4), rho=0.5) {
  batch = 32
}
";

const WEIGHTED: &str = "\
data synthetic(blobs, shape=[4], classes=3, n_train=64, n_test=8)
net small { linear(8) -> relu -> linear(classes) }
loss two_scale(delta=0.1, base=cross_entropy(label_smoothing=0.1, weights=[1, 2, 0.5]), size=weights)
train sgd(lr=0.1) { clip = 0.5  ema = 0.9 }
";

#[test]
fn export_pytorch_reads_like_written_by_hand() {
    for name in ["lenet_cifar100", "quickstart", "wrn16_4_cifar10"] {
        let path = format!("specs/{name}.net");
        let text = std::fs::read_to_string(&path).unwrap();
        let text = with(&compile(Path::new(&path), &text, &[]), |source| {
            pytorch(source, &format!("{name}.safetensors"))
        });
        insta::assert_snapshot!(format!("pytorch@{name}"), text);
    }
    let text = with(&compile(Path::new("mixed.net"), MIXED, &[]), |source| {
        pytorch(source, "m.safetensors")
    });
    insta::assert_snapshot!("pytorch@mixed", text);
    let text = with(&compile(Path::new("weighted.net"), WEIGHTED, &[]), |source| {
        pytorch(source, "w.safetensors")
    });
    insta::assert_snapshot!("pytorch@weighted", text);
}

#[test]
fn export_names_classes_whatever_they_are_called() {
    let compiled = compile(Path::new("mixed.net"), MIXED, &[]);
    let (spec, checked) = compiled.sound().unwrap();
    let names = ["a \"b\"", "new\nline", "\\"].map(str::to_owned);
    let (state, about) = (state(checked.graph()), about(Some(names.into())));
    let text = pytorch(&Source { checked, spec, state: &state, about: &about }, "m.safetensors");
    assert!(text.contains(r#"CLASS_NAMES = ["a \"b\"", "new\nline", "\\"]"#));
}

#[test]
fn export_of_tensors_has_running_statistics_and_what_training_needs() {
    with(&compile(Path::new("mixed.net"), MIXED, &[]), |source| {
        let names = |training| -> Vec<&str> {
            weights(source, training).into_iter().map(|entry| entry.name.as_str()).collect()
        };
        let plain = names(false);
        assert!(
            ["stem.weight", "fc.1.bias", "bn1.running_var", "half.weight"]
                .iter()
                .all(|name| plain.contains(name))
        );
        assert!(names(true).len() >= plain.len());
    });
}

#[test]
fn export_leaves_out_what_stands_elsewhere() {
    let compiled = compile(Path::new("weighted.net"), WEIGHTED, &[]);
    let (spec, checked) = compiled.sound().unwrap();
    let joint = specc::grad::joint(checked, &spec.loss, &spec.train).unwrap();
    let (state, about) = (state(&joint.eval), about(None));
    let source = Source { checked, spec, state: &state, about: &about };
    let names: Vec<&str> = weights(&source, true).iter().map(|entry| entry.name.as_str()).collect();
    let expected =
        ["linear1.weight", "linear1.bias", "linear2.weight", "linear2.bias", "loss.r1", "loss.r2"];
    assert_eq!(names, expected);
    assert!(state.buffers.iter().any(|entry| entry.name == "loss.class_weights"));
    assert!(state.buffers.iter().any(|entry| entry.name == "linear1.weight/ema"));
}

#[test]
fn export_refuses_models_that_no_reader_takes() {
    let error = ExportError::TooLarge { bytes: 3_200_000_000, most: 2_147_483_647 };
    assert_eq!(error.to_diagnostic().code.id(), "E0718");
}
