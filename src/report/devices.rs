//! What `--device` may name on this machine.

use serde_json::{Value, json};

use crate::kernels::isa::Isa;

/// The devices as lines, and as a document `specc.devices/1`.
pub fn devices() -> (String, Value) {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let isa = Isa::detect().kind().name();
    let mut text = format!("cpu     {threads} processors, {isa}\n");
    let mut listed = vec![json!({ "device": "cpu", "processors": threads, "isa": isa })];
    let (lines, gpus) = gpus();
    text += &lines;
    listed.extend(gpus);
    let note = note();
    if let Some(note) = &note {
        text.extend(["cuda    none: ", note, "\n"]);
    }
    let document = json!({ "schema": "specc.devices/1", "devices": listed, "note": note });
    (text, document)
}

#[cfg(feature = "cuda")]
fn gpus() -> (String, Vec<Value>) {
    let gpus = crate::experiment::gpus().unwrap_or_default();
    let line = |gpu: &crate::experiment::GpuInfo| {
        format!(
            "cuda:{}  {}, {}, {} MiB, {} multiprocessors, driver for CUDA {}\n",
            gpu.number,
            gpu.name,
            gpu.architecture,
            gpu.memory >> 20,
            gpu.processors,
            gpu.driver
        )
    };
    let value = |gpu: &crate::experiment::GpuInfo| {
        json!({
            "device": format!("cuda:{}", gpu.number),
            "name": gpu.name,
            "architecture": gpu.architecture,
            "memory_bytes": gpu.memory,
            "multiprocessors": gpu.processors,
            "driver": gpu.driver,
        })
    };
    (gpus.iter().map(line).collect(), gpus.iter().map(value).collect())
}

#[cfg(not(feature = "cuda"))]
fn gpus() -> (String, Vec<Value>) {
    (String::new(), vec![])
}

/// Why there is no GPU, where there is none.
#[cfg(feature = "cuda")]
fn note() -> Option<String> {
    use crate::diag::ToDiagnostic as _;
    let error = match crate::experiment::gpus() {
        Ok(gpus) if !gpus.is_empty() => return None,
        Ok(_) => return Some("there is no GPU".to_owned()),
        Err(error) => error,
    };
    let diagnostic = error.to_diagnostic();
    Some(format!("{} ({})", diagnostic.title, diagnostic.code))
}

#[cfg(not(feature = "cuda"))]
fn note() -> Option<String> {
    Some("this program was built without `cuda`".to_owned())
}
