//! Small nets with their losses and optimisers, and how a program is compared with the reference on them.

use specc::exec::{Options, ReferenceProgram, initial_state};
use specc::grad::{Joint, joint};
use specc::ir::Graph;
use specc::kernels::isa::Isa;
use specc::lower::{self, Batch, DType, HostTensor, HyperValues, Program, State, StepOutput};
use specc::model::Spec;

use crate::cases::{Numbers, compile_text};
use crate::close::single;
use crate::nets::{checked, weights};
use crate::random::Random;

/// Elements as doubles.
pub(crate) fn doubles(values: &HostTensor) -> Vec<f64> {
    match values {
        HostTensor::F32(values) => values.iter().map(|v| f64::from(*v)).collect(),
        HostTensor::F64(values) => values.clone(),
    }
}

/// The bits of a state.
pub(crate) fn singles(state: &State) -> Vec<(String, Vec<u32>)> {
    let entries = state.params.iter().chain(&state.buffers);
    entries
        .map(|entry| {
            let HostTensor::F32(values) = &entry.values else { panic!("single precision") };
            (entry.name.clone(), values.iter().map(|v| v.to_bits()).collect())
        })
        .collect()
}

/// Largest difference, relative to the largest value.
pub(crate) fn distance(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().fold(1e-30_f64, |a, b| a.max(b.abs()));
    found.iter().zip(expected).fold(0.0_f64, |a, (x, y)| {
        if (x - y).is_nan() { f64::INFINITY } else { a.max((x - y).abs()) }
    }) / scale
}

/// A net with its loss and optimiser.
pub(crate) struct Case {
    pub(crate) net: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) classes: usize,
    pub(crate) loss: String,
    /// The optimiser, and behind ` with ` settings of the braces.
    pub(crate) train: String,
}

impl Case {
    /// The text of the spec, compiled.
    fn compiled(&self) -> (Spec, Graph) {
        let shape: Vec<String> = self.shape.iter().map(usize::to_string).collect();
        let (optimizer, settings) = self.train.split_once(" with ").unwrap_or((&self.train, ""));
        let text = format!(
            "data synthetic(blobs, shape=[{}], classes={}, n_train=8, n_test=4)\n\n{}\nloss {}\n\ntrain {optimizer} \
             {{\n  batch = 4\n  steps = 2\n  {settings}\n}}\n",
            shape.join(", "),
            self.classes,
            self.net,
            self.loss,
        );
        compile_text(&text, &specc::data::Locations::default())
    }

    /// The spec.
    pub(crate) fn spec(&self) -> Spec {
        self.compiled().0
    }

    pub(crate) fn joint(&self) -> (Joint, State) {
        let (spec, graph) = self.compiled();
        let joint =
            joint(&checked(&graph, Some(weights(&graph))), &spec.loss, &spec.train).unwrap();
        let start = initial_state(&joint, &spec.loss, 3, DType::F32, None).unwrap();
        (joint, start.state)
    }

    pub(crate) fn samples(&self, n: usize) -> Labelled {
        let len = self.shape.iter().product();
        let mut random = Random::new(1);
        let values = (0..len * n).map(|_| f64::from(random.single())).collect();
        let labels = (0..n as u32).map(|i| (i * 7 + 3) % self.classes as u32).collect();
        Labelled { numbers: Numbers { len, values }, labels }
    }
}

/// Numbers with labels.
pub(crate) struct Labelled {
    pub(crate) numbers: Numbers,
    pub(crate) labels: Vec<u32>,
}

impl lower::Samples for Labelled {
    fn sample_len(&self) -> usize {
        self.numbers.sample_len()
    }
    fn gather_f32(&self, batch: &Batch<'_>, out: &mut [f32]) {
        self.numbers.gather_f32(batch, out);
    }
    fn gather_f64(&self, batch: &Batch<'_>, out: &mut [f64]) {
        self.numbers.gather_f64(batch, out);
    }
    fn labels(&self, batch: &Batch<'_>, out: &mut [u32]) {
        for (out, index) in out.iter_mut().zip(batch.indices) {
            *out = self.labels[*index as usize];
        }
    }
}

/// A small LeNet.
pub(crate) const LENET: &str = "net small {
  conv(4, kernel=3, pad=1) -> relu -> max_pool(2)
  conv(6, kernel=3) -> relu -> max_pool(2)
  flatten
  linear(10) -> relu
  linear(classes)
}
";

/// Channels enough for Winograd's algorithm, in front of a pool and elsewhere.
pub(crate) const WIDE: &str = "net wide {
  conv(18, kernel=3, pad=1) -> relu
  conv(20, kernel=3, pad=1) -> relu
  conv(18, kernel=3, pad=1) -> relu -> max_pool(2)
  flatten
  linear(classes)
}
";

/// Every layer.
pub(crate) const MIXED: &str = "block side(c) {
  let pre = in -> batch_norm -> relu
  let main = pre -> conv(c, kernel=3, stride=2, pad=1, bias=false) -> batch_norm -> relu -> conv(c, kernel=3, pad=1)
  let skip = pre -> conv(c, kernel=1, stride=2, bias=false)
  out main + skip
}
net mixed(allow=[nonhomogeneous]) {
  conv(4, kernel=3, pad=1) -> prelu
  side(8)
  group_norm(2) -> gelu -> dropout(0.25)
  conv(8, kernel=3, pad=1, groups=2) -> silu
  avg_pool(2, stride=1) -> tanh
  max_pool(2, stride=1)
  flatten
  linear(12) -> layer_norm -> leaky_relu(0.1)
  linear(classes)
}
";

/// The first cases, which are nets of their own.
pub(crate) const N_NETS: usize = 5;

/// Nets with every layer, and every loss.
pub(crate) fn cases() -> Vec<Case> {
    let case = |net: &str, shape: &[usize], classes: usize, loss: &str, train: &str| Case {
        net: net.to_owned(),
        shape: shape.to_vec(),
        classes,
        loss: loss.to_owned(),
        train: train.to_owned(),
    };
    let mut cases = vec![
        case(LENET, &[3, 12, 12], 5, "two_scale(delta=0.1, size=weights)", "sgd(lr=0.1)"),
        case(
            LENET,
            &[1, 12, 12],
            3,
            "cross_entropy",
            "sgd(lr=0.1, momentum=0.9, nesterov=true, weight_decay=0.001)",
        ),
        case(WIDE, &[2, 8, 9], 3, "cross_entropy", "sgd(lr=0.1)"),
        case(MIXED, &[3, 12, 12], 4, "two_scale(delta=0.1, size=weights)", "adam(lr=0.01)"),
        case(MIXED, &[2, 10, 10], 3, "cross_entropy", "sam(sgd(lr=0.05), rho=0.05)"),
        case(
            LENET,
            &[1, 12, 12],
            3,
            "two_scale(delta=0.1)",
            "sgd(lr=0.1) with clip = 0.1  ema = 0.75",
        ),
        case(MIXED, &[2, 10, 10], 3, "cross_entropy", "adam(lr=0.01) with ema = 0.5"),
        case(MIXED, &[2, 10, 10], 3, "mse", "asam(sgd(lr=0.05)) with clip = 0.05  ema = 0.5"),
    ];
    for loss in [
        "two_scale(delta=0.0, size=spectral)",
        "single_scale(size=layer)",
        "two_scale(delta=0.1, lambda=trainable)",
        "truncated(k=0.2)",
        "mse",
        "hinge",
        "sparsemax",
        "focal(gamma=2)",
        "two_scale(base=focal(gamma=0.5), delta=0.1, size=weights)",
        "cross_entropy(label_smoothing=0.1)",
        "cross_entropy(label_smoothing=0.2, weights=[1, 0.5, 2, 3])",
        "two_scale(base=weighted_cross_entropy([1, 0.5, 2, 3]), delta=0.1, size=weights)",
        "generalized_cross_entropy(0.7)",
        "tamed_cross_entropy(0.5)",
        "tamed_cross_entropy(1)",
        "mellowmax(omega=2)",
        "taylor_softmax",
        "two_scale(base=spherical_softmax, delta=0.1, size=weights)",
    ] {
        let net = "net mlp {\n  flatten\n  linear(9) -> relu\n  linear(classes)\n}\n";
        cases.push(case(net, &[2, 3, 3], 4, loss, "adamw(lr=0.01, weight_decay=0.1)"));
    }
    // More parts than one step may read.
    let parts = vec!["conv(1, kernel=1)"; 40].join(", ");
    let net = format!("net many {{\n  concat({parts})\n  relu\n  flatten\n  linear(classes)\n}}\n");
    cases.push(case(&net, &[2, 4, 4], 3, "cross_entropy", "sgd(lr=0.1)"));
    cases
}

/// Steps with batches of `n` samples.
pub(crate) fn run(
    program: &mut dyn Program,
    samples: &Labelled,
    n: u32,
    steps: u64,
) -> Vec<StepOutput> {
    (1..=steps)
        .flat_map(|step| {
            let indices: Vec<u32> = (0..n).map(|i| (step as u32 * 3 + i) % 140).collect();
            let batch = Batch { samples, indices: &indices, epoch: 1 };
            program.step(&batch, &HyperValues { lr: 0.01, step }).unwrap()
        })
        .collect()
}

/// The case of a net.
pub(crate) fn case_of(net: &str) -> Case {
    cases().into_iter().find(|case| case.net == net).expect("a case of that net")
}

/// Steps a program and the reference in double precision on batches of `n` samples; both must agree.
pub(crate) fn agrees<P: Program>(
    name: &str,
    case: &Case,
    n: u32,
    make: impl FnOnce(&Joint, &State) -> P,
) {
    let (joint, state) = case.joint();
    let samples = case.samples(140);
    let options = Options { dtype: DType::F64, seed: 3, threads: 1, batch: 1, isa: Isa::detect() };
    let mut reference =
        ReferenceProgram::new(lower::reference::plan(&joint), &state, options).unwrap();
    let mut program = make(&joint, &state);
    let expected = run(&mut reference, &samples, n, 2);
    let found = run(&mut program, &samples, n, 2);
    for (a, b) in found.iter().zip(&expected) {
        let off = (a.loss - b.loss).abs() / b.loss.abs().max(1e-3);
        assert!(off < 2.0 * single::RUN, "{name}, n {n}: loss {} {}", a.loss, b.loss);
    }
    let (found, expected) = (program.state().unwrap(), reference.state().unwrap());
    let pairs = found.params.iter().chain(&found.buffers);
    for (a, b) in pairs.zip(expected.params.iter().chain(&expected.buffers)) {
        let off = distance(&doubles(&a.values), &doubles(&b.values));
        assert!(off < 2.0 * single::WEIGHTS, "{name}, n {n}: {} is off by {off}", a.name);
    }
    let indices: Vec<u32> = (0..n).collect();
    let batch = Batch { samples: &samples, indices: &indices, epoch: 0 };
    let (a, b) = (program.eval(&batch).unwrap(), reference.eval(&batch).unwrap());
    let off = distance(&doubles(&a.0), &doubles(&b.0));
    assert!(off < 2.0 * single::WEIGHTS, "{name}, n {n}: logits are off by {off}");
}
