//! Every kernel of every shipped spec compiles for three architectures, without a GPU, where `$SPECC_NVRTC` says where NVRTC is.

use std::path::PathBuf;

use specc::exec::cuda::gpu::{Cache, Compiler};
use specc::exec::cuda::{Module, modules, modules_of};
use specc::kernels::cuda::THREADS;
use specc::lower::Precision;
use specc::lower::cuda::{PlanOptions, plan};
use specc::lower::reference::{self, OnGpu};

use crate::cubin::kernels;
use crate::joints::{LENET, MIXED, case_of};
use crate::plans::{of_shipped, shipped};

/// Architectures: A100, H100 and H200, B200.
const ARCHITECTURES: [&str; 3] = ["sm_80", "sm_90", "sm_100"];

/// Nets whose text is long and says nothing that a smaller one does not say.
const DEEP: [&str; 1] = ["wrn28_10_cifar100_asam"];

#[test]
fn every_shipped_spec_compiles_by_nvrtc() {
    let Some(folder) = folder() else { return };
    let plans = shipped();
    let texts = plans.iter().filter(|(name, _)| !DEEP.contains(&name.as_str()));
    let texts = texts.flat_map(|(name, plan)| modules(plan).into_iter().map(move |m| (name, m)));
    let all: Vec<(&String, Module)> = texts.collect();
    for architecture in ARCHITECTURES {
        compiles(&folder, architecture, &all);
    }
}

#[test]
fn products_on_tensor_cores_compile_by_nvrtc() {
    let Some(folder) = folder() else { return };
    let options = |batch| PlanOptions { precision: Precision::Tf32, ..PlanOptions::of_one(batch) };
    let plans = of_shipped(|joint, batch| plan(joint, &options(batch)));
    let some = ["mlp_mnist", "lenet_cifar100", "wrn16_4_cifar10"];
    let texts = some.iter().map(|name| plans.get_key_value(*name).expect("a shipped spec"));
    let all: Vec<_> = texts
        .flat_map(|(name, plan)| modules(plan).into_iter().map(move |module| (name, module)))
        .collect();
    for name in some {
        let takes = |(of, module): &(&String, Module)| {
            *of == name && module.source.contains("product<Tensor<")
        };
        assert!(all.iter().any(takes), "{name}");
    }
    for architecture in ARCHITECTURES {
        compiles(&folder, architecture, &all);
    }
}

#[test]
fn every_operation_alone_compiles_by_nvrtc() {
    let Some(folder) = folder() else { return };
    for net in [LENET, MIXED] {
        let operations = OnGpu::of(&reference::plan(&case_of(net).joint().0), 40);
        let modules = modules_of(operations.all().flat_map(|alone| &alone.launches));
        let name = net.to_owned();
        let all: Vec<_> = modules.into_iter().map(|module| (&name, module)).collect();
        compiles(&folder, ARCHITECTURES[1], &all);
    }
}

/// Where NVRTC is, if anywhere.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("SPECC_NVRTC").map(PathBuf::from);
    if folder.is_none() {
        eprintln!(
            "SKIPPED: `pip install nvidia-cuda-nvrtc` and name the folder of libnvrtc in $SPECC_NVRTC"
        );
    }
    folder
}

/// Compiles texts, each on a thread of its own, as many at once as there are processors.
fn compiles(folder: &PathBuf, architecture: &str, all: &[(&String, Module)]) {
    let folders = std::slice::from_ref(folder);
    let compiler = Compiler::new(architecture, folders, None::<std::sync::Arc<dyn Cache>>)
        .unwrap_or_else(|error| panic!("{error}"));
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    for some in all.chunks(at_once) {
        std::thread::scope(|scope| {
            for (name, module) in some {
                let compiler = &compiler;
                scope.spawn(move || {
                    let image = compiler.compile(&module.source);
                    let image = image.unwrap_or_else(|error| panic!("{name}: {error}"));
                    assert!(image.cubin.0.starts_with(b"\x7fELF"), "{name}");
                    fits(&format!("{name} on {architecture}"), module, &image.cubin.0);
                });
            }
        });
    }
}

/// Registers of a multiprocessor, of every architecture that there is.
const REGISTERS: u32 = 1 << 16;

/// Most bytes of a thread that find no registers: of the widest tiles, places of rows that are read once a slice.
const MOST_SPILT: u32 = 96;

/// The blocks that a kernel shall have on a multiprocessor find their registers there.
fn fits(what: &str, module: &Module, cubin: &[u8]) {
    let compiled = kernels(cubin);
    for name in &module.kernels {
        let wants = compiled[name];
        let at_once = module.source.split("__launch_bounds__(THREADS, ").find_map(|text| {
            let (at_once, rest) = text.split_once(") ")?;
            rest.starts_with(&format!("{name}(")).then(|| at_once.parse::<u32>().ok()).flatten()
        });
        let at_once = at_once.unwrap_or_else(|| panic!("{what}: {name} has no bounds"));
        let all = wants.registers * THREADS as u32 * at_once;
        assert!(wants.registers > 0 && all <= REGISTERS, "{what}: {name} {wants:?} {at_once}");
        assert!(wants.stack <= MOST_SPILT, "{what}: {name} {wants:?}");
    }
}
