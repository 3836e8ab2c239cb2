//! `specc` compiles a `.net` file into a checked graph, differentiates, fuses and trains it, and measures how
//! confident it is.
//!
//! # Code map
//!
//! Data flows one way, through one type per stage; imports point to the left only.
//!
//! ```text
//! text → ast::Spec → model::Spec → Graph → Checked → Joint → Plan → Program → RunDir → SplitSummary
//! ```
//!
//! | folder | in | out | what happens |
//! |---|---|---|---|
//! | [`syntax`] | text | `ast::Spec` | grammar, tree, printer, formatter; the only user of pest |
//! | [`model`] | tree | `model::Spec` | names, defaults, ranges, overrides, imports; `resolved.net` |
//! | [`ir`] | spec | `Graph` | blocks, `repeat` and `if` expanded into operations with shapes; the only user of petgraph |
//! | [`check`] | graph | `Checked` | costs, scaling degrees, verdicts with witnesses, what R is made of |
//! | [`loss`] | graph | graph | R, well-classified mask, scales and base loss as operations |
//! | [`grad`] | graph | `Joint` | reverse mode at compile time; forward, backward and updates in one graph a phase |
//! | [`optim`] | graph | graph | SGD, Adam, AdamW, SAM and ASAM, clipped gradients and averaged weights as operations |
//! | [`passes`] | graph | graph | dead and equal nodes, constants |
//! | [`lower`] | joint | `ReferencePlan`, `CpuPlan`, `CudaPlan` | order, buffers and lifetimes, a plan for each target over shared tables; the contract with training |
//! | `exec` | plan | `Program` | the reference executor on candle (feature `exec`; on its CUDA device, feature `candle-cuda`), the fused kernels' executor, the GPU's over a driver (feature `cuda`) |
//! | [`train`] | program, data | run | batches, schedules, records, checkpoints, measures |
//! | `experiment` | `Compiled` | runs | machine, seeds, identity, run directories; training, evaluation and timing start here |
//! | [`measure`] | logits | `SplitSummary` | margins, close-enough, top-k, super-classes, masses, histograms |
//! | [`analysis`] | stored logits | measures | of runs and of other programs, at other points and scales |
//! | [`export`] | `Checked`, tensors | ONNX, PyTorch, safetensors | a trained net as files for other programs |
//! | [`portrait`] | `Compiled` | differences | what a spec compiles to as plain values, aligned with another's |
//! | [`report`] | measures, `Checked`, times, runs | text, documents, pictures, `Page` | tables, the net as SVG and Graphviz text, pages of runs and sweeps |
//! | `study` | `Cells` | runs | the cells of sweeps in one folder, made by workers |
//! | `reproduce` | runs, the paper's values | charts, gaps, a page | the figures of the paper, made again |
//! | [`stats`] | numbers by seed | intervals, p | differences, sign flips, families |
//! | [`chart`] | numbers with words | SVG, tables, pgfplots | scales, axes, legends, colours; the kinds of charts |
//!
//! Two functions go through the stages: [`compile::compile`] from a text to `Checked` with every problem at once and without
//! files ([`compile::files`] reads them), and `experiment::run` from there to a run directory. A program that embeds the library
//! calls these.
//!
//! Shared ground: [`diag`] (codes, diagnostics, rendering), [`data`] (readers, fetching, held-out samples, augmentation), [`store`]
//! (run directories, checkpoints, files of specs), [`kernels`] (slices in, slices out), `grid` (the layout of tables as text),
//! [`templates`] (specs to start from). [`lsp`] answers editors from what the stages up to
//! [`grad`] and [`report`] know, by messages in and out, without files of its own. [`cli`] alone reads arguments, and
//! `terminal` alone prints, reads the environment, listens to signals and decides exit codes.
//!
//! What an addition touches below `src`, without its documents and tests; `tests/it/touches.rs` holds the numbers:
//!
//! | addition | files before | files now | which |
//! |---|---|---|---|
//! | activation | 16 | 6 | `ir/op/function`, its row in `model/table/layers`, gradient, vector kernel, exports; its line in `kernels/cuda/base.cu` |
//! | class operation | 16 to 19 | 9 | `ir/op/class`, gradient, reference, fused call, kernel, formula, the loss, rows of the CUDA target, its function in Python |
//! | base loss | 6 | 4 | `loss/base`, `model/loss`, its row in `model/table/losses`, its lines in Python |
//! | optimiser | 6 | 4 | `optim/update`, `model/train`, its row in `model/table/train`, its line in Python |
//! | command | 4 | 2 | its file, its rows in `cli/mod` |
//!
//! A new layer starts in `model/table`, a new operation in `ir/op.rs` (the compiler then lists every analysis that must
//! decide about it), a new code in `diag/codes.rs`, a new command in `cli/mod.rs`, a new kernel of the fused path in
//! `lower/cpu/kernels.rs`, a new target as a folder of [`lower`] beside `reference`, `cpu` and `cuda`.

pub mod analysis;
pub mod chart;
pub mod check;
pub mod cli;
pub mod compile;
pub mod data;
pub mod diag;
pub mod exec;
#[cfg(feature = "exec")]
pub mod experiment;
pub mod export;
pub mod grad;
mod grid;
pub mod ir;
pub mod kernels;
pub mod loss;
pub mod lower;
pub mod lsp;
pub mod measure;
pub mod model;
pub mod optim;
pub mod passes;
pub mod portrait;
pub mod report;
#[cfg(feature = "exec")]
pub mod reproduce;
pub mod stats;
pub mod store;
#[cfg(feature = "exec")]
pub mod study;
pub mod syntax;
pub mod templates;
mod terminal;
pub mod train;
