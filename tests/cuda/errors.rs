//! What a user reads when a GPU cannot be used, as far as no machine at hand has the fault.

use specc::diag::{RenderStyle, SourceMap, ToDiagnostic, render};
use specc::exec::cuda::gpu::GpuError;
use specc::lower::{ExecError, Fits};

fn text(error: &GpuError) -> String {
    render(&error.to_diagnostic(), &SourceMap::new(), RenderStyle { color: false, width: 100 })
}

#[test]
fn each_fault_has_its_code_and_says_what_to_do() {
    let old = GpuError::OldDriver { found: "11.4".to_owned(), needed: "12.0".to_owned() };
    let log = "nvrtc: error: invalid value for --gpu-architecture (-arch)".to_owned();
    for (code, error, wanted) in [
        ("E0501", GpuError::NoDriver, "`--device cpu`"),
        ("E0502", old, "CUDA 12.0 or later"),
        ("E0503", GpuError::NoDevice { number: 2, count: 1 }, "`specc time --devices`"),
        ("E0504", GpuError::NoNvrtc, "pip install nvidia-cuda-nvrtc"),
        ("E0505", GpuError::Kernel { log }, "update NVRTC"),
        ("E0507", GpuError::NoLibrary { name: "libcublas" }, "pip install nvidia-cublas"),
        ("E0506", GpuError::Memory { needed: 40 << 30, free: 20 << 30 }, "at most 50 %"),
    ] {
        let text = text(&error);
        assert!(text.contains(&format!("error[{code}]")), "{text}");
        assert!(text.contains(wanted), "{text}");
    }
}

#[test]
fn what_does_not_fit_says_how_much_would() {
    const GIB: usize = 1 << 30;
    let said = |free: usize, per_run: usize| {
        let fits = Some(Fits::of(free, per_run, 512));
        let error = ExecError::Memory { needed: 40 * per_run, free, fits };
        render(&error.to_diagnostic(), &SourceMap::new(), RenderStyle { color: false, width: 100 })
    };
    let few = said(20 * GIB, GIB);
    assert!(few.contains("at most 20 runs at once") && few.contains("`--jobs 20`"), "{few}");
    let none = said(3 * GIB, 4 * GIB);
    assert!(none.contains("batches of about 384 samples"), "{none}");
}
