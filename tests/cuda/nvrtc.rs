//! Every kernel of every shipped spec compiles for three architectures, without a GPU.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use specc::exec::cuda::gpu::{Cache, Compiler, GpuError};
use specc::exec::cuda::modules;
use specc::lower::cuda::{CudaPlan, PlanOptions, plan};

use crate::pipeline::{built, compile};

/// Architectures: A100, H100 and H200, B200.
const ARCHITECTURES: [&str; 3] = ["sm_80", "sm_90", "sm_100"];

/// Nets whose text is long and says nothing that a smaller one does not say.
const DEEP: [&str; 1] = ["wrn28_10_cifar100_asam"];

/// The plans of the shipped specs by name.
pub(crate) fn shipped() -> BTreeMap<String, CudaPlan> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs");
    let mut plans = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "net") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let compiled = compile(&path, &text, &[]);
        let (spec, checked) = built(&compiled);
        let joint = specc::grad::joint(checked, &spec.loss, &spec.train).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        plans.insert(name, plan(&joint, &PlanOptions { batch: spec.train.batch }));
    }
    plans
}

/// Folders in which a Python environment, or `$SPECC_NVRTC`, may have NVRTC.
fn folders() -> Vec<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let mut folders: Vec<PathBuf> = variable("SPECC_NVRTC").into_iter().collect();
    for environment in [variable("VIRTUAL_ENV"), variable("CONDA_PREFIX")].into_iter().flatten() {
        folders.extend(specc::exec::cuda::gpu::python_folders(&environment));
    }
    folders
}

#[test]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn every_shipped_spec_compiles_by_nvrtc() {
    for architecture in ARCHITECTURES {
        let compiler = match Compiler::new(architecture, &folders(), None::<std::sync::Arc<dyn Cache>>) {
            Ok(compiler) => compiler,
            Err(GpuError::NoNvrtc) => {
                assert!(std::env::var_os("SPECC_NVRTC").is_none(), "NVRTC is not where it was said to be");
                eprintln!("SKIPPED: no libnvrtc; `pip install nvidia-cuda-nvrtc` and set $SPECC_NVRTC");
                return;
            }
            Err(error) => panic!("{error}"),
        };
        for (name, plan) in shipped() {
            if DEEP.contains(&name.as_str()) {
                continue;
            }
            for module in modules(&plan) {
                let image = compiler.compile(&module.source);
                let image = image.unwrap_or_else(|error| panic!("{name}: {error}"));
                assert!(image.cubin.0.starts_with(b"\x7fELF"), "{name}");
            }
        }
    }
}
