//! The CUDA target without a GPU: its kernels run on the processor, thread by thread.
#![allow(dead_code, clippy::disallowed_methods, reason = "helpers are shared with the other tests")]
#![expect(clippy::unwrap_used, reason = "helpers of tests panic like the tests they serve")]

#[path = "../it/benches.rs"]
mod benches;
#[path = "../it/cases.rs"]
mod cases;
#[path = "../it/close.rs"]
mod close;
#[path = "../it/dump.rs"]
mod dump;
#[path = "../it/golden.rs"]
mod golden;
#[path = "../it/golden_run.rs"]
mod golden_run;
#[path = "../it/joints.rs"]
mod joints;
#[path = "../it/nets.rs"]
mod nets;
#[path = "../it/pipeline.rs"]
mod pipeline;
#[path = "../it/random.rs"]
mod random;

#[cfg(feature = "emulated")]
mod bits;
#[cfg(feature = "cuda")]
mod cubin;
#[cfg(feature = "emulated")]
mod deep;
mod device;
mod emulated;
#[cfg(feature = "cuda")]
mod errors;
mod harness;
#[cfg(feature = "cuda")]
mod nvrtc;
mod one_by_one;
mod operations;
mod plans;
mod programs;
#[cfg(feature = "emulated")]
mod runs;

/// What helpers that are shared want of the tests of derivatives.
mod grad {
    use specc::diag::{FileId, Span};

    pub(crate) fn nowhere() -> Span {
        Span::new(FileId(0), 0, 0)
    }
}

/// What helpers that are shared want of the tests of the syntax.
mod syntax {
    use specc::diag::FileId;
    use specc::syntax::{ast, parse};

    pub(crate) fn parse_ok(text: &str) -> ast::Spec {
        parse(FileId(0), text).0
    }
}
