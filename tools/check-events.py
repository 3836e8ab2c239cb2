#!/usr/bin/env python3
"""Event files of `specc runs --tensorboard` as TensorBoard's own reader finds them.

    python3 tools/check-events.py [--specc target/debug/specc]

Needs tensorboard; says so and ends well without it. A small sweep on the embedded digits is trained; scalars must equal
`metrics.jsonl`, histograms must count the samples, hyperparameters must be the labels, and cells must have their three lines.
"""
import json
import subprocess

from small_sweep import RUNS, TEST, TRAIN, program, swept


def main():
    specc = program(__doc__)
    try:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
        from tensorboard.plugins.custom_scalar import layout_pb2
        from tensorboard.plugins.hparams import plugin_data_pb2
    except ImportError as error:
        print(f"SKIPPED: event files were not read by TensorBoard: {error}")
        return
    with swept(specc) as folder:
        subprocess.run([specc, "runs", "--tensorboard", "tb"], cwd=folder, check=True, stdout=subprocess.DEVNULL)

        def read(path):
            accumulator = EventAccumulator(str(path), size_guidance={"scalars": 0, "tensors": 0, "histograms": 0})
            accumulator.Reload()
            return accumulator

        def plugin(events, tag, name):
            return events.SummaryMetadata(tag).plugin_data.content if name else events.Tensors(tag)

        by_cell = {}
        listed = subprocess.run([specc, "runs", "--json"], cwd=folder, check=True, text=True, stdout=subprocess.PIPE)
        runs = json.loads(listed.stdout)["runs"]
        assert len(runs) == RUNS
        for run in runs:
            events = read(folder / "tb" / f"loss={run['loss']}" / f"s{run['seed']}")
            lines = [json.loads(line) for line in (folder / run["run"] / "metrics.jsonl").read_text().splitlines()]
            for split in ["train", "test"]:
                for key in ["loss", "accuracy"]:
                    found = {event.step: event.value for event in events.Scalars(f"{split}/{key}")}
                    wanted = {line["step"]: line[split][key] for line in lines if line["kind"] == "epoch"}
                    assert found.keys() == wanted.keys(), (found, wanted)
                    assert all(abs(found[step] - wanted[step]) <= 1e-6 * abs(wanted[step]) for step in wanted)
                    by_cell.setdefault((run["loss"], f"{split}/{key}"), []).append(wanted)
                histogram = events.Histograms(f"{split}/margin")[-1].histogram_value
                assert histogram.num == {"train": TRAIN, "test": TEST}[split] == sum(histogram.bucket)
            start = plugin_data_pb2.HParamsPluginData.FromString(plugin(events, "_hparams_/session_start_info", True))
            assert start.session_start_info.hparams["loss"].string_value == run["loss"]
            end = plugin_data_pb2.HParamsPluginData.FromString(plugin(events, "_hparams_/session_end_info", True))
            assert end.session_end_info.status == 1
        sweep = read(folder / "tb" / "sweep")
        experiment = plugin_data_pb2.HParamsPluginData.FromString(plugin(sweep, "_hparams_/experiment", True))
        assert [info.name for info in experiment.experiment.hparam_infos] == ["loss"]
        for loss in ["one", "two"]:
            events = read(folder / "tb" / "cells" / f"loss={loss}")
            layout = layout_pb2.Layout.FromString(events.Tensors("custom_scalars__config__")[0].tensor_proto.string_val[0])
            for chart in layout.category[0].chart:
                series = chart.margin.series[0]
                middle, low, high = (
                    {event.step: event.value for event in events.Scalars(tag)}
                    for tag in [series.value, series.lower, series.upper]
                )
                for step, value in middle.items():
                    mean = sum(run[step] for run in by_cell[loss, chart.title]) / 3
                    assert abs(value - mean) <= 1e-6 * max(abs(mean), 1), (chart.title, step)
                    assert low[step] <= value <= high[step]
        print(f"{len(runs)} runs, 2 cells: scalars, histograms, hyperparameters and margins as written")


if __name__ == "__main__":
    main()
