"""Runs an exported file on samples and compares its logits with stored ones.

usage: verify.py onnx|pytorch FILE SAMPLES

SAMPLES is a safetensors file with `input` and `logits`. One line of JSON goes to stdout; exit code 3 says that a package is
missing, and its name is the last word on stderr.
"""

import importlib.util
import json
import sys


def need(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"missing package {name}", file=sys.stderr)
        sys.exit(3)


def read(path):
    numpy = need("numpy")
    with open(path, "rb") as file:
        data = file.read()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        start, end = (8 + length + offset for offset in entry["data_offsets"])
        dtype = {"F32": "<f4", "F64": "<f8"}[entry["dtype"]]
        tensors[name] = numpy.frombuffer(data[start:end], dtype).reshape(entry["shape"])
    return tensors


def run_onnx(path, samples):
    runtime = need("onnxruntime")
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (logits,) = session.run(["logits"], {"input": samples.astype("float32")})
    return f"onnxruntime {runtime.__version__}", logits


def run_pytorch(path, samples):
    torch = need("torch")
    sys.dont_write_bytecode = True
    spec = importlib.util.spec_from_file_location("exported", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    net = module.load()[0].eval()
    with torch.no_grad():
        logits = net(torch.tensor(samples, dtype=module.DTYPE))
    return f"torch {torch.__version__}", logits.numpy()


def main(kind, path, samples):
    numpy = need("numpy")
    stored = read(samples)
    expected = stored["logits"].astype("float64")
    program, found = {"onnx": run_onnx, "pytorch": run_pytorch}[kind](path, stored["input"])
    if found.shape != expected.shape:
        sys.exit(f"logits of shape {list(found.shape)}, expected {list(expected.shape)}")
    # What is not finite compares as a difference without bound.
    absolute = float(numpy.nan_to_num(abs(found.astype("float64") - expected), nan=1e300, posinf=1e300).max())
    largest = float(abs(expected).max())
    relative = absolute / largest if largest else absolute
    print(json.dumps({"program": program, "absolute": absolute, "relative": relative}))


if __name__ == "__main__":
    main(*sys.argv[1:])
