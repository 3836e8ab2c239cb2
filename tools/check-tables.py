#!/usr/bin/env python3
"""Tables of `specc runs` as pandas and polars read them.

    python3 tools/check-tables.py [--specc target/debug/specc]

Needs pandas, polars and pyarrow; says so and ends well without them. A sweep of two losses is trained on the embedded digits; its
long tables are written as CSV and as Parquet. Both packages must find the same types and values in both.
"""
import subprocess

from small_sweep import EPOCHS, RUNS, TEST, TRAIN, program, swept

ROWS = {"metrics": RUNS, "epochs": RUNS * EPOCHS, "samples": RUNS * (TRAIN + TEST)}
WHOLE = {"seed", "step", "epoch", "sample", "label", "prediction"}
TEXTS = {"loss", "run", "split"}


def main():
    specc = program(__doc__)
    try:
        import pandas
        import polars
        import pyarrow  # noqa: F401
    except ImportError as error:
        print(f"SKIPPED: tables were not read by pandas and polars: {error}")
        return
    with swept(specc) as folder:
        for kind, least in ROWS.items():
            for ending in ["csv", "parquet"]:
                command = [specc, "runs", "--long", kind, "-o", f"{kind}.{ending}"]
                subprocess.run(command, cwd=folder, check=True)
            path = str(folder / kind)
            frames = {
                "pandas csv": pandas.read_csv(path + ".csv"),
                "pandas parquet": pandas.read_parquet(path + ".parquet"),
                "polars csv": polars.read_csv(path + ".csv").to_pandas(),
                "polars parquet": polars.read_parquet(path + ".parquet").to_pandas(),
            }
            first = frames["pandas parquet"]
            assert len(first) >= least and (kind == "metrics" or len(first) == least), (kind, len(first))
            for name, frame in frames.items():
                assert list(frame.columns) == list(first.columns), (name, kind)
                for column in frame.columns:
                    if column in TEXTS:
                        assert list(frame[column]) == list(first[column]), (name, kind, column)
                        continue
                    wanted = "b" if column == "partial" else "i" if column in WHOLE else "f"
                    empty = frame[column].isna().all()
                    assert empty or frame[column].dtype.kind == wanted, (name, kind, column, frame[column].dtype)
                    same = (frame[column] == first[column]) | (frame[column].isna() & first[column].isna())
                    assert same.all(), (name, kind, column)
            print(f"{kind}: {len(first)} rows, {len(first.columns)} columns, equal in {', '.join(frames)}")


if __name__ == "__main__":
    main()
