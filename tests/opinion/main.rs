//! A second opinion: runs whose losses and optimisers are those of `candle-nn`, and whose gradients are those of its tape.
//!
//! Both sides see the same numbers in double precision; nothing of ours computes the expected ones.
#![expect(clippy::unwrap_used, reason = "helpers of tests panic like the tests they serve")]

#[path = "../it/close.rs"]
#[expect(dead_code, reason = "the other tests use the rest")]
mod close;

use candle_core::{D, DType as Precision, Device, Tensor, Var};
use candle_nn::{AdamW, Optimizer, ParamsAdamW, SGD, loss, ops};
use specc::check::Options as CheckOptions;
use specc::compile::{Request, compile};
use specc::data::{Locations, describe};
use specc::diag::ToDiagnostic;
use specc::exec::{Options, initial_state, instantiate};
use specc::grad::joint;
use specc::kernels::isa::Isa;
use specc::kernels::philox::{Philox, Stream};
use specc::lower::{Batch, DType, HostTensor, HyperValues, Samples, State, StateEntry, Target};

use close::double;

const SAMPLES: usize = 24;
const FEATURES: usize = 5;
const CLASSES: usize = 4;
const HIDDEN: usize = 6;
const STEPS: u64 = 12;

/// Normal numbers, the same at every run.
fn numbers(n: usize, of: u32) -> Vec<f64> {
    let mut draws = Philox::new(5, Stream::Witness).draws(0, of);
    (0..n).map(|_| draws.normal_pair()[0]).collect()
}

struct Data {
    x: Vec<f64>,
    y: Vec<u32>,
}

impl Data {
    fn new() -> Self {
        let y = (0..SAMPLES as u32).map(|i| (i * 7 + i / 5) % CLASSES as u32).collect();
        Self { x: numbers(SAMPLES * FEATURES, 0), y }
    }
}

impl Samples for Data {
    fn sample_len(&self) -> usize {
        FEATURES
    }
    fn gather_f32(&self, _: &Batch<'_>, _: &mut [f32]) {
        unreachable!("the runs are in double precision");
    }
    fn gather_f64(&self, batch: &Batch<'_>, out: &mut [f64]) {
        for (out, index) in out.chunks_mut(FEATURES).zip(batch.indices) {
            out.copy_from_slice(&self.x[*index as usize * FEATURES..][..FEATURES]);
        }
    }
    fn labels(&self, batch: &Batch<'_>, out: &mut [u32]) {
        for (out, index) in out.iter_mut().zip(batch.indices) {
            *out = self.y[*index as usize];
        }
    }
}

/// The samples of a step.
fn indices(step: u64) -> Vec<u32> {
    (0..8).map(|i| ((step * 5 + i) % SAMPLES as u64) as u32).collect()
}

/// Our side: the losses before each step, and the state behind the last one.
fn ours(
    loss: &str,
    train: &str,
    lr: f64,
    start: &[StateEntry],
    target: Target,
) -> (Vec<f64>, State) {
    let text = format!(
        "data synthetic(blobs, shape=[{FEATURES}], classes={CLASSES})\n\
         net n {{ linear({HIDDEN}) -> relu -> linear(classes) }}\nloss {loss}\ntrain {train}\n"
    );
    let locations = Locations::default();
    let compiled = compile(Request {
        path: std::path::Path::new("opinion.net"),
        text: &text,
        overrides: &[],
        load: &mut |_| Err("there is none".to_owned()),
        describe: &|data| describe(data, &locations).map_err(|error| error.to_diagnostic()),
        check: CheckOptions::default(),
    });
    let (spec, checked) = compiled.sound().unwrap_or_else(|| panic!("{:?}", compiled.diagnostics));
    let joint = joint(checked, &spec.loss, &spec.train).unwrap();
    let dtype = DType::F64;
    let start = initial_state(&joint, &spec.loss, 0, dtype, Some(start)).unwrap();
    let options = Options { dtype, seed: 0, threads: 1, batch: 8, isa: Isa::detect() };
    let mut program = instantiate(&joint, target, &start.state, options).unwrap();
    let data = Data::new();
    let losses = (0..STEPS).map(|step| {
        let batch = Batch { samples: &data, indices: &indices(step), epoch: 1 };
        program.step(&batch, &HyperValues { lr, step: step + 1 }).unwrap()[0].loss
    });
    (losses.collect(), program.state().unwrap())
}

/// A net of theirs, with the scales of the loss.
struct Theirs {
    names: Vec<&'static str>,
    vars: Vec<Var>,
}

impl Theirs {
    fn new() -> Self {
        let var = |name, shape: &[usize], of| {
            let values = numbers(shape.iter().product(), of);
            let values: Vec<f64> = values.iter().map(|value| 0.5 * value).collect();
            (
                name,
                Var::from_tensor(&Tensor::from_vec(values, shape, &Device::Cpu).unwrap()).unwrap(),
            )
        };
        let vars = [
            var("linear1.weight", &[HIDDEN, FEATURES], 1),
            var("linear1.bias", &[HIDDEN], 2),
            var("linear2.weight", &[CLASSES, HIDDEN], 3),
            var("linear2.bias", &[CLASSES], 4),
        ];
        let (names, vars) = vars.into_iter().unzip();
        Self { names, vars }
    }

    /// The tensors of the net, for our side to start from.
    fn start(&self) -> Vec<StateEntry> {
        let entry = |(name, var): (&&'static str, &Var)| StateEntry {
            name: (*name).to_owned(),
            shape: var.dims().to_vec(),
            values: HostTensor::F64(values(var)),
        };
        self.names.iter().zip(&self.vars).map(entry).collect()
    }

    fn add(&mut self, name: &'static str, value: f64) {
        self.names.push(name);
        self.vars.push(Var::from_slice(&[value], 1, &Device::Cpu).unwrap());
    }

    fn logits(&self, x: &Tensor) -> Tensor {
        let [w1, b1, w2, b2] = &self.vars[..4] else { unreachable!("a net of two layers") };
        let layer = |x: &Tensor, w: &Var, b: &Var| {
            x.matmul(&w.t().unwrap()).unwrap().broadcast_add(b).unwrap()
        };
        layer(&layer(x, w1, b1).relu().unwrap(), w2, b2)
    }

    /// R: the product of the Frobenius norms of the weights.
    fn size(&self) -> Tensor {
        let norm = |var: &Var| var.sqr().unwrap().sum_all().unwrap().sqrt().unwrap();
        (norm(&self.vars[0]) * norm(&self.vars[2])).unwrap()
    }
}

fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn scalar(tensor: &Tensor) -> f64 {
    tensor.to_scalar().unwrap()
}

/// Their loss of the logits and labels of a batch.
type Criterion = fn(&Theirs, &Tensor, &Tensor) -> Tensor;

/// A step of their optimiser.
type Step = Box<dyn FnMut(&Tensor)>;

/// Trains both sides and compares every loss and, at the end, every tensor.
fn agree(
    (call, criterion): (&str, Criterion),
    train: &str,
    lr: f64,
    mut theirs: Theirs,
    optimizer: impl FnOnce(Vec<Var>) -> Step,
) {
    let (losses, state) = ours(call, train, lr, &theirs.start(), Target::Reference);
    if call.starts_with("two_scale") {
        let size = scalar(&theirs.size());
        theirs.add("loss.r1", size);
        theirs.add("loss.r2", 10.0 * size);
    }
    let mut step = optimizer(theirs.vars.clone());
    let data = Data::new();
    for (t, found) in losses.iter().enumerate() {
        let picked = indices(t as u64);
        let at = |i: &u32| data.x[*i as usize * FEATURES..][..FEATURES].to_vec();
        let x: Vec<f64> = picked.iter().flat_map(at).collect();
        let y: Vec<u32> = picked.iter().map(|i| data.y[*i as usize]).collect();
        let x = Tensor::from_vec(x, (8, FEATURES), &Device::Cpu).unwrap();
        let y = Tensor::from_vec(y, 8, &Device::Cpu).unwrap();
        let loss = criterion(&theirs, &theirs.logits(&x), &y);
        let expected = scalar(&loss);
        let off = (found - expected).abs() / expected.abs();
        assert!(off <= double::ORACLE, "{call}, {train}, step {t}: {found}, {expected}");
        step(&loss);
    }
    for (name, var) in theirs.names.iter().zip(&theirs.vars) {
        let entry = state.params.iter().find(|entry| entry.name == *name).unwrap();
        let HostTensor::F64(found) = &entry.values else { panic!("double precision") };
        let expected = values(var);
        let largest = expected.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
        for (found, expected) in found.iter().zip(&expected) {
            let off = (found - expected).abs() / largest;
            assert!(off <= double::ORACLE, "{call}, {train}, {name}: {found}, {expected}");
        }
    }
}

fn sgd(lr: f64) -> impl FnOnce(Vec<Var>) -> Step {
    move |vars| {
        let mut sgd = SGD::new(vars, lr).unwrap();
        Box::new(move |loss| sgd.backward_step(loss).unwrap())
    }
}

fn adamw(params: ParamsAdamW) -> impl FnOnce(Vec<Var>) -> Step {
    move |vars| {
        let mut adamw = AdamW::new(vars, params).unwrap();
        Box::new(move |loss| adamw.backward_step(loss).unwrap())
    }
}

fn cross_entropy(_: &Theirs, logits: &Tensor, labels: &Tensor) -> Tensor {
    loss::cross_entropy(logits, labels).unwrap()
}

/// Σ (p − [i = y])², of which theirs is the mean over the classes too.
fn mse(_: &Theirs, logits: &Tensor, labels: &Tensor) -> Tensor {
    let p = ops::softmax(logits, D::Minus1).unwrap();
    let classes = Tensor::arange(0, CLASSES as u32, &Device::Cpu).unwrap();
    let target = labels.unsqueeze(1).unwrap().broadcast_eq(&classes.unsqueeze(0).unwrap()).unwrap();
    let mean = loss::mse(&p, &target.to_dtype(Precision::F64).unwrap()).unwrap();
    (mean * CLASSES as f64).unwrap()
}

/// Paper (13): cross-entropy of r z / R, r = r2 where the margin is at least 0.1, else r1.
fn two_scale(theirs: &Theirs, logits: &Tensor, labels: &Tensor) -> Tensor {
    let rows: Vec<Vec<f64>> = logits.to_vec2().unwrap();
    let labels_of: Vec<u32> = labels.to_vec1().unwrap();
    let is_well = |(row, label): (&Vec<f64>, &u32)| {
        let own = row[*label as usize];
        let others = (0..CLASSES).filter(|i| *i != *label as usize).map(|i| row[i]);
        u8::from(own - others.fold(f64::NEG_INFINITY, f64::max) >= 0.1)
    };
    let well: Vec<u8> = rows.iter().zip(&labels_of).map(is_well).collect();
    let well = Tensor::from_vec(well, (8, 1), &Device::Cpu).unwrap();
    let scale = |var: &Var| var.reshape((1, 1)).unwrap().broadcast_as((8, 1)).unwrap();
    let [r1, r2] = [&theirs.vars[4], &theirs.vars[5]].map(scale);
    let factor = well.where_cond(&r2, &r1).unwrap().broadcast_div(&theirs.size()).unwrap();
    loss::cross_entropy(&logits.broadcast_mul(&factor).unwrap(), labels).unwrap()
}

const LOSSES: [(&str, Criterion); 3] = [
    ("cross_entropy", cross_entropy),
    ("mse", mse),
    ("two_scale(delta=0.1, size=weights)", two_scale),
];

#[test]
fn gradient_descent_agrees() {
    for loss in LOSSES {
        agree(loss, "sgd(lr=0.05)", 0.05, Theirs::new(), sgd(0.05));
    }
}

#[test]
fn adam_with_decoupled_decay_agrees() {
    let params =
        |weight_decay| ParamsAdamW { lr: 0.01, beta1: 0.8, beta2: 0.95, eps: 1e-7, weight_decay };
    let rest = "lr=0.01, beta1=0.8, beta2=0.95, eps=1e-7";
    for loss in LOSSES {
        // Theirs decays the scales of a loss like all else, ours does not.
        let decay = if loss.0.starts_with("two_scale") { 0.0 } else { 0.1 };
        let train = format!("adamw({rest}, weight_decay={decay})");
        agree(loss, &train, 0.01, Theirs::new(), adamw(params(decay)));
    }
}
