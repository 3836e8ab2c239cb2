"""Writes a notebook that trains a small net and shows the run and its report."""

import nbformat

SPEC = """\
data digits(subset=48, test_subset=24)
net tiny { conv(4, kernel=3) -> relu -> max_pool(2)  flatten  linear(classes) }
loss two_scale(delta=0.01, size=weights)
train sgd(lr=0.05) { batch = 8  epochs = 1 }
"""

CELLS = [
    f'import pathlib\nimport specc\n\npathlib.Path("tiny.net").write_text("""{SPEC}""")\n[run] = specc.run("tiny.net", output="r", seed=0)\nrun',
    "run.report()",
    'specc.runs("r").to_pandas()',
]

cells = [nbformat.v4.new_code_cell(cell) for cell in CELLS]
nbformat.write(nbformat.v4.new_notebook(cells=cells), "notebook.ipynb")
