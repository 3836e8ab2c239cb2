//! Every kernel of every shipped spec compiles for three architectures, without a GPU, where `$SPECC_NVRTC` says where NVRTC is.

use std::path::PathBuf;

use specc::exec::cuda::gpu::{Cache, Compiler};
use specc::exec::cuda::modules;

use crate::plans::shipped;

/// Architectures: A100, H100 and H200, B200.
const ARCHITECTURES: [&str; 3] = ["sm_80", "sm_90", "sm_100"];

/// Nets whose text is long and says nothing that a smaller one does not say.
const DEEP: [&str; 1] = ["wrn28_10_cifar100_asam"];

#[test]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn every_shipped_spec_compiles_by_nvrtc() {
    let Some(folder) = std::env::var_os("SPECC_NVRTC").map(PathBuf::from) else {
        eprintln!(
            "SKIPPED: `pip install nvidia-cuda-nvrtc` and name the folder of libnvrtc in $SPECC_NVRTC"
        );
        return;
    };
    let plans = shipped();
    for architecture in ARCHITECTURES {
        let folders = std::slice::from_ref(&folder);
        let compiler = Compiler::new(architecture, folders, None::<std::sync::Arc<dyn Cache>>)
            .unwrap_or_else(|error| panic!("{error}"));
        let texts = plans.iter().filter(|(name, _)| !DEEP.contains(&name.as_str()));
        let texts =
            texts.flat_map(|(name, plan)| modules(plan).into_iter().map(move |m| (name, m)));
        // Each text is compiled on a thread of its own, as many at once as there are processors.
        let all: Vec<_> = texts.collect();
        let at_once = std::thread::available_parallelism().map_or(1, usize::from);
        for some in all.chunks(at_once) {
            std::thread::scope(|scope| {
                for (name, module) in some {
                    let compiler = &compiler;
                    scope.spawn(move || {
                        let image = compiler.compile(&module.source);
                        let image = image.unwrap_or_else(|error| panic!("{name}: {error}"));
                        assert!(image.cubin.0.starts_with(b"\x7fELF"), "{name}");
                    });
                }
            });
        }
    }
}
