//! `specc.time/1`: everything that was measured, as JSON.

use serde_json::{Value, json};

use super::Report;
use super::rows::{Sum, fallbacks, rows};
use crate::experiment::timing::{Call, PhaseCosts, Walls};
use crate::ir::LayerId;

/// The document of a run that worked.
pub fn document(report: &Report<'_>) -> Value {
    let timed = &report.timed;
    let walls = |walls: &Walls| {
        json!({
            "steps": walls.count(),
            "ms": walls.mean(),
            "median_ms": walls.median(),
            "fastest_ms": walls.fastest(),
            "samples_per_second": 1e3 * timed.batch as f64 / walls.median().max(1e-9),
        })
    };
    let refused = fallbacks(&timed.phases).into_iter().map(|fallback| {
        json!({
            "layer": layer_name(report, fallback.call.work.layer),
            "line": line(report, fallback.call),
            "kernel": fallback.call.kernel,
            "reason": fallback.reason,
            "phases": fallback.phases,
        })
    });
    json!({
        "schema": "specc.time/1",
        "ok": true,
        "spec": report.spec.name,
        "batch": timed.batch,
        "dtype": report.dtype.to_string(),
        "isa": timed.isa,
        "executor": report.executor,
        "threads": report.threads,
        "samples": if report.is_real { "data" } else { "random" },
        "peak": { "one_thread_gflops": report.peak.one, "all_threads_gflops": report.peak.all },
        "train": walls(&timed.train),
        "eval": walls(&timed.eval),
        "phases": timed.phases.iter().map(|phase| phase_document(report, phase)).collect::<Vec<_>>(),
        "fallbacks": refused.collect::<Vec<_>>(),
    })
}

/// The document of a run that did not.
pub fn failed(diagnostics: &[Value]) -> Value {
    json!({ "schema": "specc.time/1", "ok": false, "diagnostics": diagnostics })
}

fn phase_document(report: &Report<'_>, phase: &PhaseCosts) -> Value {
    let rows = rows(phase, report.layers, report.timed.batch);
    let sum = |sum: &Sum| costs(report, sum);
    let layers = report.layers.iter().zip(&rows.layers).map(|(layer, row)| {
        let computed_in: Vec<_> =
            row.computed_in.iter().map(|id| layer_name(report, Some(*id))).collect();
        json!({
            "name": layer.name,
            "kind": layer.kind,
            "line": report.compiled.sources.position(layer.origin).line,
            "flops": { "forward": row.own[0], "backward": row.own[1] },
            "forward": sum(&row.forward),
            "backward": sum(&row.backward),
            "computed_in": computed_in,
        })
    });
    json!({
        "phase": phase.name,
        "ms": phase.ms,
        "layers": layers.collect::<Vec<_>>(),
        "input": sum(&rows.input),
        "loss": { "forward": sum(&rows.loss[0]), "backward": sum(&rows.loss[1]) },
        "updates": sum(&rows.updates),
        "waiting_ms": phase.waiting,
        "rest_ms": rows.rest,
        "total": sum(&Sum { ms: phase.ms, ..rows.total }),
        "kernels": phase.calls.iter().map(|call| kernel(report, call)).collect::<Vec<_>>(),
    })
}

fn kernel(report: &Report<'_>, call: &Call) -> Value {
    let mut document = costs(report, &Sum::of(call));
    let mut of: Vec<_> = call.work.shares.iter().filter_map(|share| share.layer).collect();
    of.sort_unstable();
    of.dedup();
    let layers: Vec<_> = of.into_iter().map(|id| layer_name(report, Some(id))).collect();
    document["kernel"] = call.kernel.as_str().into();
    document["part"] = call.work.part.name().into();
    document["layer"] = layer_name(report, call.work.layer).into();
    document["layers"] = json!(layers);
    document["line"] = line(report, call).into();
    document["fallback"] = call.fallback.into();
    document
}

fn costs(report: &Report<'_>, sum: &Sum) -> Value {
    let rate = sum.gflops();
    json!({
        "ms": sum.ms,
        "calls": sum.calls,
        "flops": sum.flops,
        "gflops": rate,
        "peak_share": rate.filter(|_| report.peak.all > 0.0).map(|rate| rate / report.peak.all),
        "read_bytes": sum.read,
        "written_bytes": sum.written,
    })
}

fn layer_name<'a>(report: &Report<'a>, layer: Option<LayerId>) -> Option<&'a str> {
    layer.map(|id| report.layers[id.0 as usize].name.as_str())
}

fn line(report: &Report<'_>, call: &Call) -> usize {
    report.compiled.sources.position(call.origin).line
}
