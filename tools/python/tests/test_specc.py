"""The module against the files and documents of the program; `tools/check-python.sh` runs it on the installed wheel."""

import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import specc

SPEC = """
data digits(normalize=standard)
net small { conv(4, kernel=3) -> relu -> max_pool(2) -> flatten -> linear(classes) }
loss two_scale(delta=0.01, size=weights)
train sgd(lr=0.05) { batch = 32  epochs = 2 }
"""
SWEEP = """
sweep pair { // a "sweep" in a comment is none
  loss in [single: single_scale(size=weights), two: two_scale(delta=0.01, size=weights)]
  seeds in 0..2
}
claim "one is far better" { test.accuracy of two - test.accuracy of single > 0.5 }
"""
STEPS = 6


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Specs, and the runs that tests make beside them."""
    folder = tmp_path_factory.mktemp("work")
    (folder / "small.net").write_text(SPEC)
    (folder / "typo.net").write_text(SPEC.replace("conv(", "convv("))
    short = SPEC.replace("epochs = 2", f"steps = {STEPS}")
    (folder / "study.net").write_text(short + SWEEP)
    return folder


@pytest.fixture(autouse=True)
def inside(folder, monkeypatch):
    monkeypatch.chdir(folder)


@pytest.fixture(scope="session")
def run(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        [run] = specc.run(
            "small.net", {"train.lr": 0.02}, seed=3, max_steps=50, log_every=20, output="one", progress=False
        )
    return run


@pytest.fixture(scope="session")
def study(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        with pytest.warns(specc.DiagnosticWarning):
            # Six steps learn nothing, and the program says so.
            return specc.run("study.net", output="study", progress=False)


def program(*arguments):
    done = subprocess.run([specc.find_binary(), *arguments], capture_output=True, check=True)
    return done.stdout


def test_run_is_that_of_the_program(run):
    summary = json.loads(Path("one/summary.json").read_text())
    assert run.summary == summary and run.seed == 3 and summary["steps"] == 50
    assert run.test == summary["test"] and run.train["n"] == 1437
    assert "lr=0.02" in run.spec and run.state == "done"
    assert [line["step"] for line in run.metrics if line["kind"] == "step"] == [20, 40, 50]
    shapes = {name: tensor.shape for name, tensor in run.parameters().items()}
    assert shapes["conv1.weight"] == (4, 1, 3, 3) and shapes["linear1.weight"][0] == 10


def test_finished_runs_are_found_again(run):
    before = os.stat("one/summary.json").st_mtime_ns
    [again] = specc.run("small.net", "train.lr=0.02", seed=3, max_steps=50, log_every=20, output="one", progress=False)
    assert again.path == run.path and os.stat("one/summary.json").st_mtime_ns == before


def test_several_seeds_are_several_runs():
    made = specc.run("small.net", seeds=range(4, 6), max_steps=STEPS, output="two", progress=True)
    assert [r.seed for r in made] == [4, 5] and [r.name for r in made] == ["two/s4", "two/s5"]
    assert made[1:][0].name == "two/s5"


def test_a_sweep_is_swept(study):
    assert len(study) == 4 and {r.labels["loss"] for r in study} == {"single", "two"}
    assert [claim["verdict"] for claim in study.claims] == ["refuted"]
    [alone] = specc.run("study.net", seed=9, output="alone", progress=True)
    assert alone.seed == 9


def test_a_typo_has_code_place_and_fix():
    with pytest.raises(specc.Error) as caught:
        specc.run("typo.net", progress=False)
    error = caught.value
    assert (error.code, error.exit_code) == ("E0201", 3)
    assert error.place.startswith("typo.net:3:") and error.found and "`conv`" in error.help
    assert "E0201" in str(error) and not error.runs
    with pytest.raises(specc.Error) as caught:
        specc.run("small.net", "train.epoch=3", progress=False)
    assert caught.value.code == "E0214" and "`train.epochs`" in caught.value.expected


def test_other_failures_are_errors_too():
    for call, code in [
        (lambda: specc.run("none.net", progress=False), "E0715"),
        (lambda: specc.run("small.net", {"train.lr": 1e30}, max_steps=5, output="far", progress=False), "E0713"),
        (lambda: specc.runs("nowhere"), None),
        (lambda: specc.logits("nowhere"), None),
        (lambda: specc.analyze(np.zeros((3, 4)), [0, 1]), "any"),
        (lambda: specc.report("nowhere"), "any"),
    ]:
        with pytest.raises(specc.Error) as caught:
            call()
        assert code == "any" or caught.value.code == code, caught.value
        assert str(caught.value)
    assert [r.state for r in specc.runs("far")] == ["failed"]
    with pytest.raises(specc.Error, match="no summary"):
        _ = specc.runs("far")[0].test


def test_logits_are_views_of_the_file(run):
    for split, n in [("train", 1437), ("test", 360)]:
        stored = specc.logits(run, split)
        raw = Path(f"one/logits/{split}.safetensors").read_bytes()
        length = int.from_bytes(raw[:8], "little")
        header = json.loads(raw[8 : 8 + length])
        for name, array in [("logits", stored.logits), ("labels", stored.labels)]:
            begin, end = header[name]["data_offsets"]
            assert array.tobytes() == raw[8 + length + begin : 8 + length + end]
        assert stored.logits.shape == (n, 10) and stored.labels.shape == (n,) and len(stored) == n
        assert stored.logits.dtype == np.float32 and stored.labels.dtype == np.int64
        assert stored.coarse is None and stored.lambda_ is None
        assert stored.R == pytest.approx(run.summary["R"]) and stored.r1 == run.summary["scales"]["r1"]
        accuracy = np.mean(stored.logits.argmax(1) == stored.labels)
        assert accuracy == pytest.approx(run.summary[split]["accuracy"])
        # One map of the whole file lies under all arrays; nothing was copied, nothing can be changed.
        base = stored.logits
        while isinstance(base.base, np.ndarray):
            base = base.base
        assert isinstance(base, np.memmap) and base.nbytes == len(raw)
        assert np.shares_memory(stored.logits, base) and np.shares_memory(stored.labels, base)
        assert not stored.logits.flags.owndata and not stored.logits.flags.writeable


def test_damaged_files_are_errors(run):
    raw = Path("one/logits/test.safetensors").read_bytes()
    for i, bad in enumerate([b"", b"abc", raw[:100], raw[:-1], b"\xff" * 8 + raw[8:], raw[:8] + b"[" + raw[9:]]):
        path = Path(f"bad{i}.safetensors")
        path.write_bytes(bad)
        with pytest.raises(specc.Error):
            specc.logits(path)


def test_analyze_equals_the_program(run):
    lists = ["--json", "--a", "0,0.07", "--k", "1,2"]
    of_run = json.loads(program("analyze", "one", *lists))
    for split in ["train", "test"]:
        found = specc.analyze(specc.logits(run, split), a=[0, 0.07], k=[1, 2])
        [told] = json.loads(program("analyze", f"one/logits/{split}.safetensors", *lists))["inputs"]
        assert found == {name: told[name] for name in found}
        assert set(told) - set(found) == {"file", "run", "split", "seed"}
        # Of a run the program knows the loss too, and its scales in double precision; the file has them in single.
        for name in ["n", "accuracy", "average_accuracy", "top_k", "close_enough", "margin", "per_class", "confusion"]:
            assert found[name] == of_run[split][name], name
        assert found["probability_scale"] == pytest.approx(of_run[split]["probability_scale"], rel=1e-6)
        assert found["accuracy"] == run.summary[split]["accuracy"]


class ByArray:
    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array


class ByDlpack:
    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


def frameworks():
    yield "lists", lambda x: x.tolist()
    yield "__array__", ByArray
    yield "__dlpack__", ByDlpack
    yield "strided", lambda x: np.repeat(x, 2, axis=0)[::2]
    yield "big-endian", lambda x: x.astype(x.dtype.newbyteorder(">"))
    try:
        import torch

        yield "torch", lambda x: torch.tensor(x, requires_grad=x.dtype.kind == "f")
    except ImportError:
        pass
    try:
        import jax.numpy

        yield "jax", lambda x: jax.numpy.asarray(x, dtype="int32" if x.dtype.kind == "i" else None)
    except ImportError:
        pass


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in frameworks()])
def test_arrays_of_any_framework(make):
    random = np.random.default_rng(0)
    logits = random.normal(size=(50, 7)).astype(np.float32)
    labels = random.integers(0, 7, 50)
    plain = specc.analyze(logits, labels, R=3.0, coarse=[0, 0, 1, 1, 2, 2, 2])
    assert plain["accuracy"] == np.mean(logits.argmax(1) == labels) and plain["super_class_accuracy"] is not None
    wrapped = specc.analyze(make(logits), make(labels), R=np.float64(3), coarse=(0, 0, 1, 1, 2, 2, 2))
    assert wrapped == plain


def test_labels_are_integers():
    with pytest.raises(TypeError):
        specc.analyze(np.zeros((2, 3)), np.zeros(2))
    with pytest.raises(TypeError):
        specc.analyze(np.zeros((2, 3)))


def at(summary, path):
    """The value of a summary at a path such as `test.masses(0.01).well`; None where it has none."""
    value = summary
    for point, name in re.findall(r"\(([^)]*)\)|([^.()]+)", path):
        if isinstance(value, list):
            [value] = [entry for entry in value if entry["mu"] == float(point)]
        else:
            value = value.get(point or name)
    return value


def test_frames_equal_the_summaries(study):
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    stored = specc.runs("study")
    assert len(stored) == 4 and {r.path for r in stored} == {r.path for r in study}
    frames = [stored.to_pandas().to_dict("records"), stored.to_polars().to_dicts()]
    for rows in frames:
        for run, row in zip(stored, rows, strict=True):
            assert (row["loss"], row["seed"], row["run"]) == (run.labels["loss"], run.seed, run.name)
            paths = [name for name in row if name.startswith(("train.", "test.", "scales.")) or name == "R"]
            assert len(paths) > 80
            for path in paths:
                wanted, found = at(run.summary, path), row[path]
                assert found == wanted or (wanted is None and (found is None or math.isnan(found))), path
    # The program finds the same values under the same names.
    names = [
        "test.masses(0.01).well",
        "test.close_enough(0.05)",
        "train.margin.quantiles(0.5)",
        "test.top_k(3)",
        "scales.r1",
    ]
    told = json.loads(program("runs", "study", "--json", "--columns", ",".join(names)))["runs"]
    for row, there in zip(frames[1], told, strict=True):
        assert {name: row[name] for name in names} == {name: there[name] for name in names}
    assert isinstance(stored.to_pandas(), pandas.DataFrame) and isinstance(stored.to_polars(), polars.DataFrame)


def test_long_tables(study, run):
    pytest.importorskip("pandas")
    pytest.importorskip("polars")
    epochs = specc.runs("one").long().to_pandas()
    told = [line for line in run.metrics if line["kind"] == "epoch"]
    assert epochs["test_accuracy"].tolist() == [line["test"]["accuracy"] for line in told]
    assert epochs["train_loss"].tolist() == [line["train"]["loss"] for line in told]
    steps = specc.runs("one").long("metrics")
    assert steps.to_polars()["step"].to_list() == [20, 40, 50] and len(steps) == 3
    samples = specc.runs("study").long("samples").to_polars()
    assert samples.height == 4 * (1437 + 360) and set(samples["loss"]) == {"single", "two"}
    assert specc.runs("one")[1:].long().to_pandas().empty


def test_runs_are_filtered_and_sorted(study):
    assert {r.labels["loss"] for r in specc.runs("study", where="loss == two")} == {"two"}
    assert [r.seed for r in specc.runs("study", sort="-seed")] == [1, 1, 0, 0]
    Path("nothing").mkdir(exist_ok=True)
    assert len(specc.runs("nothing")) == 0 and specc.runs("nothing")._repr_html_()


def test_notebooks_show_runs_and_reports(run, study):
    html = run._repr_html_()
    assert "one: seed 3" in html and f"{run.test['accuracy']:.4g}" in html and html.startswith("<table")
    many = study._repr_html_()
    assert many.count("<tr>") == 5 and "one is far better: refuted" in many
    for page in [run.report(), study.report(height=300)]:
        shown = page._repr_html_()
        assert shown.startswith("<iframe") and "srcdoc=" in shown and 'sandbox="allow-scripts' in shown
        # What the frame holds is the page: nothing in it ends the attribute.
        assert '"' not in shown.split('srcdoc="')[1].removesuffix('"></iframe>')
    run.report().save("page.html")
    assert Path("page.html").read_text(encoding="utf-8").lower().startswith("<!doctype html>")


def test_the_module_is_the_program():
    there = subprocess.run([sys.executable, "-m", "specc", "--version"], capture_output=True, check=True)
    assert there.stdout == program("--version")
    wrong = subprocess.run([sys.executable, "-m", "specc", "check", "typo.net"], capture_output=True, check=False)
    assert wrong.returncode == 3


def test_where_the_program_is(monkeypatch, tmp_path):
    found = specc.find_binary()
    monkeypatch.setenv("SPECC", found)
    assert specc.find_binary() == found
    monkeypatch.setenv("SPECC", str(tmp_path / "none"))
    with pytest.raises(specc.Error, match="SPECC"):
        specc.find_binary()


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_an_interrupt_leaves_a_checkpoint():
    code = (
        "import threading, time, pathlib, specc\n"
        "def stop():\n"
        "    while not pathlib.Path('long/metrics.jsonl').is_file(): time.sleep(0.05)\n"
        "    time.sleep(0.5); import os, signal; os.kill(os.getpid(), signal.SIGINT)\n"
        "threading.Thread(target=stop, daemon=True).start()\n"
        "try: specc.run('small.net', 'train.epochs=100000', output='long', seed=0, progress=False)\n"
        "except KeyboardInterrupt: print('stopped')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "stopped\n", done.stderr
    assert Path("long/ckpt/state.json").is_file() and not Path("long/DONE").exists()
    assert [r.state for r in specc.runs("long")] == ["stopped"]


def test_optional_packages_are_imported_late():
    code = "import sys, specc; print([m for m in ('numpy', 'pandas', 'polars') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
