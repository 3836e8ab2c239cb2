//! Every kernel of every shipped spec compiles for three architectures, without a GPU.

use std::path::PathBuf;

use specc::exec::cuda::gpu::{Cache, Compiler, GpuError};
use specc::exec::cuda::modules;

use crate::plans::shipped;

/// Architectures: A100, H100 and H200, B200.
const ARCHITECTURES: [&str; 3] = ["sm_80", "sm_90", "sm_100"];

/// Nets whose text is long and says nothing that a smaller one does not say.
const DEEP: [&str; 1] = ["wrn28_10_cifar100_asam"];

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
        let compiler =
            match Compiler::new(architecture, &folders(), None::<std::sync::Arc<dyn Cache>>) {
                Ok(compiler) => compiler,
                Err(GpuError::NoNvrtc) => {
                    assert!(
                        std::env::var_os("SPECC_NVRTC").is_none(),
                        "NVRTC is not where it was said to be"
                    );
                    eprintln!(
                        "SKIPPED: no libnvrtc; `pip install nvidia-cuda-nvrtc` and set $SPECC_NVRTC"
                    );
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
