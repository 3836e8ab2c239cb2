//! The reference executor on small nets: forward tests, threads, memory, and errors at run time.

use specc::exec::{Options, ReferenceProgram, StartError, evaluate, init, initial_state, size_of};
use specc::grad::{differentiate, joint};
use specc::ir::{Mode, Op, specialize};
use specc::lower::{
    self, Batch, DType, ExecError, HostTensor, HyperValues, Program, State, StateEntry,
};

use crate::cases::{Numbers, compile_text, net_text};
use crate::close::{double, single};
use crate::golden::{bytes, f64s, golden_dir, json};
use crate::nets::{checked, weights};
use crate::random::Random;

fn options(dtype: DType) -> Options {
    Options { dtype, seed: 1, threads: 2, batch: 1, isa: specc::kernels::isa::Isa::detect() }
}

/// A spec around the body of a net, on samples of shape `shape` with three classes.
fn spec_around(net: &str, shape: &[usize], loss: &str, train: &str) -> String {
    let shape: Vec<String> = shape.iter().map(usize::to_string).collect();
    format!(
        "data synthetic(blobs, shape=[{}], classes=3, n_train=8, n_test=4)\n\n{net}\nloss {loss}\n\ntrain {train} {{\n  \
         batch = 4\n  steps = 2\n}}\n",
        shape.join(", ")
    )
}

/// Numbers without structure in [−1, 1).
fn numbers(len: usize, seed: u64) -> Vec<f64> {
    let mut random = Random::new(seed);
    (0..len).map(|_| random.signed()).collect()
}

#[test]
fn golden_networks_give_the_golden_logits() {
    let Some(golden) = golden_dir() else { return };
    let file = bytes(&golden.join("homogeneity.safetensors"));
    let file = safetensors::SafeTensors::deserialize(&file).unwrap();
    let list = json(&golden.join("homogeneity.json"));
    let networks = list["networks"].as_array().unwrap();
    for network in networks {
        let name = network["name"].as_str().unwrap();
        let shape: Vec<usize> = network["input_shape"]
            .as_array()
            .unwrap()
            .iter()
            .map(|d| d.as_u64().unwrap() as usize)
            .collect();
        let net = net_text(network["layers"].as_array().unwrap());
        let text = spec_around(&net, &shape, "cross_entropy", "sgd(lr=0.1)");
        let (_, graph) = compile_text(&text, &specc::data::Locations::default());
        let mode = if network["batch_norm_mode"] == "eval" { Mode::Eval } else { Mode::Train };
        let graph = specialize(&graph, mode);
        let mut state = init(&graph.params, &graph.buffers, 0, DType::F64);
        let tensors = &network["tensors"];
        for entry in state.params.iter_mut().chain(&mut state.buffers) {
            for kind in ["parameters", "running"] {
                if let Some(tensor) = tensors[kind][&entry.name].as_str() {
                    entry.values = HostTensor::F64(f64s(&file, tensor));
                }
            }
        }
        let len = shape.iter().product();
        let values = f64s(&file, tensors["x"].as_str().unwrap());
        let indices: Vec<u32> = (0..(values.len() / len) as u32).collect();
        let samples = Numbers { len, values };
        let batch = Batch { samples: &samples, indices: &indices, epoch: 0 };
        let hyper = HyperValues { lr: 0.0, step: 1 };
        let expected = f64s(&file, tensors["logits"].as_str().unwrap());
        for (dtype, allowed) in [(DType::F64, double::PASS), (DType::F32, single::PASS)] {
            let found = evaluate(&graph, &state, &batch, &hyper, options(dtype)).unwrap();
            let found = &found["logits"].values;
            let largest = expected.iter().fold(1.0_f64, |a, b| a.max(b.abs()));
            for (a, b) in found.iter().zip(&expected) {
                assert!((a - b).abs() <= allowed * largest, "{name} {dtype}: {a} {b}");
            }
        }
    }
    assert!(networks.len() > 30, "{}", networks.len());
}

const CONV_NET: &str = "net small {
  conv(4, kernel=3, pad=1) -> batch_norm -> relu -> max_pool(2)
  dropout(0.25)
  flatten
  linear(16) -> relu
  linear(classes)
}
";

fn conv_program(dtype: DType, threads: usize) -> ReferenceProgram {
    let text =
        spec_around(CONV_NET, &[2, 8, 8], "two_scale(delta=0.1, size=weights)", "adam(lr=0.01)");
    let (spec, graph) = compile_text(&text, &specc::data::Locations::default());
    let joint = joint(&checked(&graph, Some(weights(&graph))), &spec.loss, &spec.train).unwrap();
    let start = initial_state(&joint, &spec.loss, 3, dtype, None).unwrap();
    let plan = lower::reference::plan(&joint);
    ReferenceProgram::new(
        plan,
        &start.state,
        Options { dtype, seed: 3, threads, batch: 1, isa: specc::kernels::isa::Isa::detect() },
    )
    .unwrap()
}

fn train(program: &mut ReferenceProgram, steps: u64, n: u32) -> Vec<f64> {
    let samples = Numbers { len: 128, values: numbers(128 * 64, 5) };
    (1..=steps)
        .map(|step| {
            let indices: Vec<u32> = (0..n).map(|i| (step as u32 * n + i) % 64).collect();
            let batch = Batch { samples: &samples, indices: &indices, epoch: 1 };
            let hyper = HyperValues { lr: 0.01, step };
            program.step(&batch, &hyper).unwrap()[0].loss
        })
        .collect()
}

#[test]
fn bits_do_not_depend_on_the_threads_of_the_pool() {
    for dtype in [DType::F32, DType::F64] {
        let mut states: Vec<State> = vec![];
        for threads in [1, 2, 3] {
            let mut program = conv_program(dtype, threads);
            train(&mut program, 5, 33);
            states.push(program.state().unwrap());
        }
        assert_eq!(states[0], states[1], "{dtype}");
        assert_eq!(states[0], states[2], "{dtype}");
    }
}

/// Runs a test of this file again in a process of its own, with `threads` for the matrix product; what it printed.
#[expect(clippy::disallowed_methods, reason = "the child is told by the environment")]
fn alone(name: &str, threads: &str) -> Option<String> {
    const CHILD: &str = "SPECC_TEST_CHILD";
    if std::env::var(CHILD).is_ok() {
        return None;
    }
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args([&format!("exec::{name}"), "--exact", "--nocapture"])
        .env(CHILD, "1")
        .env("RAYON_NUM_THREADS", threads)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    Some(text)
}

/// The matrix product takes its number of threads from the environment, so each number needs a process of its own.
#[test]
fn bits_do_not_depend_on_the_threads_of_the_matrix_product() {
    let run = |threads: &str| {
        let text = alone("bits_do_not_depend_on_the_threads_of_the_matrix_product", threads)?;
        let line = text.lines().find(|line| line.contains("digest")).map(str::to_owned);
        Some(line.unwrap_or_else(|| panic!("no digest in {text}")))
    };
    let Some(one) = run("1") else { return println_state() };
    assert_eq!(Some(&one), run("2").as_ref());
    assert_eq!(Some(&one), run("3").as_ref());
}

/// Says the sum of the bits of a trained state of a net wide enough for products on several threads.
#[expect(clippy::print_stdout, reason = "the parent reads it")]
fn println_state() {
    let net = "net wide {\n  conv(24, kernel=3, pad=1) -> relu -> conv(24, kernel=3) -> relu\n  flatten\n  linear(300) -> relu\n  \
               linear(classes)\n}\n";
    let text = spec_around(net, &[2, 8, 8], "cross_entropy", "sgd(lr=0.1)");
    let (spec, graph) = compile_text(&text, &specc::data::Locations::default());
    let joint = joint(&checked(&graph, None), &spec.loss, &spec.train).unwrap();
    let mut digest = 0_u64;
    for dtype in [DType::F32, DType::F64] {
        let start = initial_state(&joint, &spec.loss, 3, dtype, None).unwrap();
        let plan = lower::reference::plan(&joint);
        let mut program = ReferenceProgram::new(plan, &start.state, options(dtype)).unwrap();
        train(&mut program, 2, 64);
        for entry in program.state().unwrap().params {
            let bits: Vec<u64> = match entry.values {
                HostTensor::F32(values) => values.iter().map(|v| u64::from(v.to_bits())).collect(),
                HostTensor::F64(values) => values.iter().map(|v| v.to_bits()).collect(),
            };
            for bits in bits {
                digest = digest.wrapping_mul(0x0100_0000_01B3).wrapping_add(bits);
            }
        }
    }
    println!("digest {digest:x}");
}

#[test]
fn ten_thousand_steps_keep_their_memory() {
    if alone("ten_thousand_steps_keep_their_memory", "1").is_some() {
        return;
    }
    let net = "net tiny {\n  linear(6) -> relu\n  linear(classes)\n}\n";
    let text = spec_around(net, &[4], "two_scale(delta=0.1, size=weights)", "adam(lr=0.001)");
    let (spec, graph) = compile_text(&text, &specc::data::Locations::default());
    let joint = joint(&checked(&graph, Some(weights(&graph))), &spec.loss, &spec.train).unwrap();
    let start = initial_state(&joint, &spec.loss, 3, DType::F32, None).unwrap();
    let plan = lower::reference::plan(&joint);
    let mut program =
        ReferenceProgram::new(plan, &start.state, Options { threads: 1, ..options(DType::F32) })
            .unwrap();
    let samples = Numbers { len: 4, values: numbers(4 * 64, 5) };
    let indices: Vec<u32> = (0..8).collect();
    let batch = Batch { samples: &samples, indices: &indices, epoch: 1 };
    let mut after_warm_up = None;
    for step in 1..=10_000 {
        program.step(&batch, &HyperValues { lr: 0.001, step }).unwrap();
        if step == 1_000 {
            after_warm_up = resident_bytes();
        }
    }
    if let (Some(before), Some(after)) = (after_warm_up, resident_bytes()) {
        assert!(after < before + (16 << 20), "{before} {after}");
    }
}

/// Resident memory of this process, where the system tells it.
#[expect(clippy::disallowed_methods, reason = "the kernel tells memory in a file")]
fn resident_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

#[test]
fn a_short_batch_runs_and_an_empty_one_is_an_error() {
    let mut program = conv_program(DType::F32, 1);
    assert!(train(&mut program, 2, 1).iter().all(|loss| loss.is_finite()));
    let samples = Numbers { len: 128, values: numbers(128, 5) };
    let batch = Batch { samples: &samples, indices: &[], epoch: 1 };
    let error = program.step(&batch, &HyperValues { lr: 0.1, step: 1 });
    assert!(matches!(error, Err(ExecError::Device { .. })));
}

#[test]
fn a_nan_is_traced_to_the_layer_that_made_it() {
    let mut program = conv_program(DType::F32, 1);
    let mut broken = program.state().unwrap();
    let weight = broken.params.iter_mut().find(|entry| entry.name == "linear1.weight").unwrap();
    let HostTensor::F32(values) = &mut weight.values else { panic!("f32 asked") };
    values[3] = f32::MAX;
    values[4] = f32::MAX;
    program.load(&broken).unwrap();
    let samples = Numbers { len: 128, values: numbers(128 * 64, 5) };
    let indices = [0, 1, 2, 3];
    let batch = Batch { samples: &samples, indices: &indices, epoch: 1 };
    let error = program.step(&batch, &HyperValues { lr: 0.1, step: 1 }).unwrap_err();
    let ExecError::NotFinite { what, layer, origin } = error else { panic!("{error}") };
    assert!(origin.is_some());
    assert!(what.contains("linear1") && layer.as_deref() == Some("linear1"), "{what} {layer:?}");
    assert_eq!(program.state().unwrap().params, broken.params, "a broken step changes nothing");
}

#[test]
fn states_round_trip_and_wrong_shapes_are_refused() {
    let mut program = conv_program(DType::F64, 1);
    let state = program.state().unwrap();
    train(&mut program, 1, 4);
    assert_ne!(program.state().unwrap(), state);
    program.load(&state).unwrap();
    assert_eq!(program.state().unwrap(), state);
    let mut wrong = state.clone();
    wrong.params[0].shape = vec![1];
    assert!(matches!(program.load(&wrong), Err(ExecError::Shape { .. })));
}

#[test]
fn a_file_of_weights_starts_a_run() {
    let text =
        spec_around(CONV_NET, &[2, 8, 8], "two_scale(delta=0.1, size=weights)", "sgd(lr=0.1)");
    let (spec, graph) = compile_text(&text, &specc::data::Locations::default());
    let joint = joint(&checked(&graph, Some(weights(&graph))), &spec.loss, &spec.train).unwrap();
    let drawn = initial_state(&joint, &spec.loss, 7, DType::F64, None).unwrap();
    let size = drawn.size.unwrap();
    assert_eq!(size_of(&joint, &drawn.state).unwrap(), Some(size));
    let scale = |state: &State, name: &str| {
        let entry = state.params.iter().find(|entry| entry.name == name).unwrap().clone();
        let HostTensor::F64(values) = entry.values else { panic!("f64 asked") };
        values[0]
    };
    assert_eq!(scale(&drawn.state, "loss.r1").to_bits(), size.to_bits());
    assert_eq!(scale(&drawn.state, "loss.r2").to_bits(), (10.0 * size).to_bits());

    let mut file: Vec<StateEntry> = drawn.state.params.clone();
    file.push(StateEntry {
        name: "other".into(),
        shape: vec![1],
        values: HostTensor::F32(vec![1.0]),
    });
    let loaded = initial_state(&joint, &spec.loss, 8, DType::F64, Some(&file)).unwrap();
    assert_eq!(loaded.state, drawn.state);
    assert_eq!(loaded.extra, ["loss.r1", "loss.r2", "other"]);

    let last = file.iter().position(|entry| entry.name == "linear2.bias").unwrap();
    file[last].shape = vec![4];
    let error = initial_state(&joint, &spec.loss, 8, DType::F64, Some(&file)).unwrap_err();
    let expected =
        StartError::Shape { name: "linear2.bias".into(), found: vec![4], expected: vec![3] };
    assert_eq!(error, expected);
    file.remove(last);
    let error = initial_state(&joint, &spec.loss, 8, DType::F64, Some(&file)).unwrap_err();
    let StartError::Names { left, .. } = error else { panic!("`other` may be what is missing") };
    assert_eq!(left, ["other"]);
    file.retain(|entry| entry.name != "other");
    let error = initial_state(&joint, &spec.loss, 8, DType::F64, Some(&file)).unwrap_err();
    assert_eq!(error, StartError::Missing { name: "linear2.bias".into(), expected: vec![3] });
}

#[test]
fn dropout_leaves_evaluation_alone() {
    let mut program = conv_program(DType::F64, 1);
    let samples = Numbers { len: 128, values: numbers(128 * 64, 5) };
    let indices = [4, 5, 6];
    let batch = Batch { samples: &samples, indices: &indices, epoch: 0 };
    let first = program.eval(&batch).unwrap();
    assert_eq!(program.eval(&batch).unwrap(), first);
    let HostTensor::F64(logits) = first.0 else { panic!("f64 asked") };
    assert_eq!(logits.len(), 9);
}

/// Derivatives of a convolutional net against candle's own, on operations whose gradients candle has right.
#[test]
fn gradients_agree_with_the_autograd_of_candle() {
    use candle_core::{D, Device, Tensor, Var};
    let net = "net judged {\n  conv(4, kernel=3, stride=2, pad=1) -> tanh\n  conv(5, kernel=2) -> tanh\n  flatten\n  \
               linear(7) -> tanh\n  linear(classes)\n}\n";
    let text = spec_around(net, &[2, 8, 8], "cross_entropy", "sgd(lr=0.1)");
    let (spec, graph) = compile_text(&text, &specc::data::Locations::default());
    let joint = joint(&checked(&graph, None), &spec.loss, &spec.train).unwrap();
    let start = initial_state(&joint, &spec.loss, 3, DType::F64, None).unwrap();
    let mut graph = joint.train[0].graph.clone();
    graph.updates.clear();
    let loss = graph.output("loss").unwrap();
    let params: Vec<_> = graph.ids().filter(|id| matches!(graph[*id].op, Op::Param(_))).collect();
    let gradients = differentiate(&mut graph, loss, &params);
    for (node, gradient) in params.iter().zip(gradients) {
        let Op::Param(id) = graph[*node].op else { panic!("filtered above") };
        let name = graph.param(id).name.clone();
        graph.outputs.insert(name, gradient.unwrap());
    }
    let n = 6;
    let samples = Numbers { len: 128, values: numbers(128 * n, 5) };
    let indices: Vec<u32> = (0..n as u32).collect();
    let batch = Batch { samples: &samples, indices: &indices, epoch: 0 };
    let hyper = HyperValues { lr: 0.0, step: 1 };
    let found = evaluate(&graph, &start.state, &batch, &hyper, options(DType::F64)).unwrap();

    let vars: Vec<(String, Var)> = start
        .state
        .params
        .iter()
        .map(|entry| {
            let HostTensor::F64(values) = &entry.values else { panic!("f64 asked") };
            let tensor = Tensor::from_slice(values, entry.shape.as_slice(), &Device::Cpu).unwrap();
            (entry.name.clone(), Var::from_tensor(&tensor).unwrap())
        })
        .collect();
    let var = |name: &str| vars.iter().find(|(known, _)| known == name).unwrap().1.as_tensor();
    let picture_bias = |name: &str| var(name).reshape((1, (), 1, 1)).unwrap();
    let x = Tensor::from_slice(&samples.values, (n, 2, 8, 8), &Device::Cpu).unwrap();
    let x = x.conv2d(var("conv1.weight"), 1, 2, 1, 1).unwrap();
    let x = x.broadcast_add(&picture_bias("conv1.bias")).unwrap().tanh().unwrap();
    let x = x.conv2d(var("conv2.weight"), 0, 1, 1, 1).unwrap();
    let x = x.broadcast_add(&picture_bias("conv2.bias")).unwrap().tanh().unwrap();
    let x = x.flatten_from(1).unwrap().matmul(&var("linear1.weight").t().unwrap()).unwrap();
    let x = x.broadcast_add(var("linear1.bias")).unwrap().tanh().unwrap();
    let x = x.matmul(&var("linear2.weight").t().unwrap()).unwrap();
    let x = x.broadcast_add(var("linear2.bias")).unwrap();
    let sum = x.exp().unwrap().sum(D::Minus1).unwrap().log().unwrap();
    // Every label is 0.
    let loss = (sum - x.narrow(1, 0, 1).unwrap().squeeze(1).unwrap()).unwrap().mean_all().unwrap();
    let store = loss.backward().unwrap();
    for (name, var) in &vars {
        let expected: Vec<f64> = store.get(var).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        for (a, b) in found[name].values.iter().zip(&expected) {
            assert!((a - b).abs() <= double::PASS * (1.0 + b.abs()), "{name}: {a} {b}");
        }
    }
}
