"""The module against the files and documents of the program that it finds (the wheel's, `$SPECC`, or one on the path)."""

import json

import numpy as np
import pytest

import specc

TINY = """\
data digits(subset=48, test_subset=24)
net tiny { conv(4, kernel=3) -> relu -> max_pool(2)  flatten  linear(classes) }
loss two_scale(delta=0.01, size=weights)
train sgd(lr=0.05) { batch = 8  epochs = 3 }
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "tiny.net").write_text(TINY)
    [run] = specc.run(folder / "tiny.net", "train.epochs=2", output=folder / "r", seed=1)
    return folder, run


def test_a_run_says_what_its_summary_says(trained):
    folder, run = trained
    summary = json.loads((folder / "r" / "summary.json").read_text())
    assert run.test["accuracy"] == summary["test"]["accuracy"]
    frame = specc.runs(folder / "r").to_pandas()
    assert frame["seed"].tolist() == [1]


def test_logits_are_those_of_the_file_without_a_copy(trained):
    folder, run = trained
    found = specc.logits(run)
    raw = (folder / "r" / "logits" / "test.safetensors").read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + size])["logits"]
    begin, end = (8 + size + offset for offset in header["data_offsets"])
    wanted = np.frombuffer(raw[begin:end], "<f4").reshape(header["shape"])
    assert np.array_equal(found.logits, wanted)
    assert not found.logits.flags.owndata


def test_measures_of_an_array_are_those_of_the_run(trained):
    _, run = trained
    found = specc.logits(run)
    assert specc.analyze(found.logits, found.labels)["accuracy"] == run.test["accuracy"]


def test_an_error_has_its_code_and_place(trained):
    folder, _ = trained
    with pytest.raises(specc.Error, match="E0201"):
        specc.run(folder / "tiny.net", "train.lr=x", output=folder / "e")


def test_a_run_shows_itself_in_a_notebook(trained):
    _, run = trained
    assert run._repr_html_().startswith("<table")
