//! What a command will do, worked out before any data is read.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::super::args::{DTypeArg, MachineArgs, TrainArgs};
use super::super::outcome::Outcome;
use crate::check::{self, Checked, Conserved};
use crate::diag::{Code, Diagnostic, Diagnostics, ToDiagnostic};
use crate::grad::{self, Joint};
use crate::ir::{self, ParamRole};
use crate::kernels::isa::{Isa, IsaKind};
use crate::lower::{DType, Target};
use crate::model;
use crate::store::{self, Identity, StoreError, TensorFile};
use crate::syntax;

/// A compiled experiment, ready for its seeds.
#[derive(Debug)]
pub(crate) struct Experiment<'a> {
    /// The arguments.
    pub(crate) args: &'a TrainArgs,
    /// The resolved spec.
    pub(crate) spec: &'a model::Spec,
    /// Forward, backward and updates.
    pub(crate) joint: Joint,
    /// `graph.json`.
    pub(crate) graph: String,
    /// Identity of the run but for the seed, in hex.
    pub(crate) hash: String,
    /// Precision.
    pub(crate) dtype: DType,
    /// The instruction set of fused kernels.
    pub(crate) isa: Isa,
    /// The executor.
    pub(crate) target: Target,
    /// Tensors of `--init`.
    pub(crate) init: Option<TensorFile>,
    /// SHA-256, in hex, of the `--init` file; also where a resumed run needs it no more.
    pub(crate) init_hash: Option<String>,
    /// Seeds to run, in order.
    pub(crate) seeds: Vec<u64>,
    /// Trainable numbers of the net.
    pub(crate) n_params: u64,
    /// What `analyze { conserved }` logs.
    pub(crate) conserved: Option<Vec<Conserved>>,
}

impl<'a> Experiment<'a> {
    /// Differentiates the graph and works out the identity of the run.
    ///
    /// A run that is resumed without its spec is compiled as `recorded` says.
    ///
    /// # Errors
    /// Diagnostics of the loss, of the device and of the `--init` file, with the exit code where their codes do not
    /// say it.
    pub(crate) fn prepare(
        args: &'a TrainArgs,
        spec: &'a model::Spec,
        checked: &Checked,
        recorded: Option<&Identity>,
    ) -> Result<Self, (Option<Outcome>, Diagnostics)> {
        let invalid = |diagnostics| (None, diagnostics);
        let isa = check_device(&args.machine).map_err(invalid)?;
        let joint = grad::joint(checked.graph(), &spec.loss, checked.normalizer(), &spec.train)
            .map_err(invalid)?;
        let init = args.init.as_deref().map(store::read_tensors).transpose();
        let init = init.map_err(|error| {
            let unreadable = matches!(error, StoreError::Io { .. });
            (unreadable.then_some(Outcome::Usage), vec![init_error(&error)])
        })?;
        let mut machine = args.machine.clone();
        if let Some(recorded) = recorded {
            if recorded.dtype == DType::F64.to_string() {
                machine.dtype = DTypeArg::F64;
            }
            machine.no_fuse |= recorded.executor == Target::Reference.name();
        }
        let init_hash = init.as_ref().map(|file| ir::hex(&file.sha256));
        let init_hash = init_hash.or_else(|| recorded?.init.clone());
        let dtype = machine.dtype();
        let target = machine.target(dtype);
        let graph = checked.graph();
        let n_params = graph
            .params
            .iter()
            .filter(|param| param.role != ParamRole::Scale)
            .map(|param| param.shape.elements() as u64)
            .sum();
        let seeds = match (args.seed, args.seeds) {
            (Some(seed), _) => vec![seed],
            (None, Some((first, end))) => (first..end).collect(),
            (None, None) => spec.train.seeds.clone(),
        };
        Ok(Self {
            args,
            spec,
            joint,
            graph: ir::json(graph),
            hash: identity(spec, dtype, target, init_hash.as_deref()),
            dtype,
            target,
            isa,
            init,
            init_hash,
            seeds,
            n_params,
            conserved: spec.analyze.conserved.then(|| check::conserved(checked, &spec.loss)),
        })
    }

    /// Where the run of one seed is stored.
    pub(crate) fn dir(&self, seed: u64) -> PathBuf {
        let several = self.seeds.len() > 1;
        super::run_dir(self.args, &self.spec.name, &self.hash, seed, several)
    }

    /// `resolved.net` of one seed: compiled again, it gives the same run.
    pub(crate) fn resolved(&self, seed: u64) -> String {
        let mut spec = self.spec.clone();
        spec.train.seeds = vec![seed];
        resolved_text(&spec)
    }

    /// What identifies the run of one seed.
    pub(crate) fn identity(&self, seed: u64) -> Identity {
        Identity {
            spec_hash: self.hash.clone(),
            seed,
            dtype: self.dtype.to_string(),
            executor: match (self.target, self.isa.kind()) {
                (Target::Cpu, IsaKind::Portable) => "cpu portable".to_owned(),
                (Target::Cpu, IsaKind::Avx512 | IsaKind::Avx2)
                | (Target::Reference | Target::Cuda, _) => self.target.name().to_owned(),
            },
            init: self.init_hash.clone(),
        }
    }

    /// `--dry-run --json`.
    pub(crate) fn describe_json(&self) -> Value {
        let (epochs, steps) = match self.spec.train.length {
            model::Length::Epochs(epochs) => (Some(epochs), None),
            model::Length::Steps(steps) => (None, Some(steps)),
        };
        let run =
            |seed: &u64| json!({ "seed": seed, "run": self.dir(*seed).display().to_string() });
        json!({
            "schema": "specc.plan/1",
            "spec": self.spec.name,
            "spec_hash": self.hash,
            "params": self.n_params,
            "batch": self.spec.train.batch,
            "epochs": epochs,
            "steps": steps,
            "dtype": self.dtype.to_string(),
            "runs": self.seeds.iter().map(run).collect::<Vec<_>>(),
        })
    }

    /// `--dry-run`.
    pub(crate) fn describe(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "spec        {} ({})", self.spec.name, &self.hash[..12]);
        let _ = writeln!(text, "parameters  {}", self.n_params);
        let _ = writeln!(text, "batch       {}", self.spec.train.batch);
        let _ = match self.spec.train.length {
            model::Length::Epochs(epochs) => writeln!(text, "epochs      {epochs}"),
            model::Length::Steps(steps) => writeln!(text, "steps       {steps}"),
        };
        let _ = writeln!(text, "precision   {}", self.dtype);
        for seed in &self.seeds {
            let _ = writeln!(text, "seed {seed:<6} {}", self.dir(*seed).display());
        }
        text
    }
}

/// The instruction set, if device and instruction set are there.
pub(crate) fn check_device(machine: &MachineArgs) -> Result<Isa, Diagnostics> {
    match machine.device.as_str() {
        "auto" | "cpu" => machine.isa().ok_or_else(|| {
            let names: Vec<&str> =
                Isa::available().into_iter().map(|isa| isa.kind().name()).collect();
            vec![
                Diagnostic::new(Code::E0707, "the device is not available")
                    .note("found: an `--isa` that this processor does not have")
                    .expected(format!("one of {}", names.join(", ")))
                    .help("leave `--isa` out to use the fastest one"),
            ]
        }),
        other => Err(vec![
            Diagnostic::new(Code::E0707, "the device is not available")
                .note(format!("found: `--device {other}`"))
                .expected("`auto` or `cpu`; this program was built without `cuda`")
                .help("leave `--device` out, or build with `--features cuda`"),
        ]),
    }
}

fn init_error(error: &StoreError) -> Diagnostic {
    let cause = error.to_diagnostic();
    let mut diagnostic = Diagnostic::new(Code::E0708, "the file of `--init` cannot be used");
    diagnostic.notes = cause.notes;
    diagnostic.expected("a safetensors file with the parameters of the net")
}

/// SHA-256 of what makes results differ: the resolved spec without its seeds, precision, executor and `--init`.
fn identity(spec: &model::Spec, dtype: DType, target: Target, init: Option<&str>) -> String {
    let mut seedless = spec.clone();
    seedless.train.seeds = vec![0];
    let mut hasher = Sha256::new();
    hasher.update(resolved_text(&seedless));
    hasher.update(format!("\ndtype {dtype}\ntarget {}\n", target.name()));
    if let Some(init) = init {
        hasher.update(format!("init {init}\n"));
    }
    ir::hex(&hasher.finalize())
}

/// `resolved.net`: the spec with every default stated.
fn resolved_text(spec: &model::Spec) -> String {
    syntax::print(&model::to_ast(spec))
}
