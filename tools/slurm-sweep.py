#!/usr/bin/env python3
"""A sweep as an array job of a real Slurm that is disturbed, against one that is left alone.

    python3 tools/slurm-sweep.py [--specc target/debug/specc]

Needs root and the packages of `tools/slurm-one-node.sh install`; without them it says so and ends well. Three tasks work on six
runs: a process is killed (SIGKILL), the node is drained and taken down under its tasks, and the time limit of a minute is
hit. Every run must be made once, with the bytes of one that was left alone.
"""
import argparse
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

from equal_runs import verdict

SPEC = """data digits(subset=480, test_subset=240)
net mlp { flatten -> linear(32) -> relu -> linear(classes) }
train sgd(lr=0.05) { batch = 16  epochs = 20 }
sweep k {
  loss in [single: single_scale, two: two_scale(delta=0.01)]
  seeds in 0..3
}
"""
TOOL = pathlib.Path(__file__).with_name("slurm-one-node.sh")
# How long a run shall take, so that the time limit is hit before two tasks have made three runs each.
RUN_SECONDS = 18


def wait_for(what, condition, seconds=180):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.2)
    raise SystemExit(f"slurm-sweep: waited {seconds} s for {what}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--specc", default="target/debug/specc")
    args = parser.parse_args()
    if os.geteuid() != 0 or not shutil.which("slurmctld") or not shutil.which("sbatch"):
        print("SKIPPED: specc sweep --slurm was not tried: Slurm is not installed, or this is not root")
        return
    specc = str(pathlib.Path(args.specc).resolve())
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "k.net").write_text(SPEC)
        lines = subprocess.run([TOOL, "start", folder / "slurm"], check=True, text=True, stdout=subprocess.PIPE).stdout
        conf = lines.strip().removeprefix("export SLURM_CONF=").strip("'\"")
        try:
            disturb(specc, folder, {**os.environ, "SLURM_CONF": conf})
        finally:
            subprocess.run([TOOL, "stop", folder / "slurm"], check=True)


def logs_of(array):
    return "".join(path.read_text() for path in array.glob("slurm-*.log"))


def fail_node(run, array):
    """Drain the node under a task that has just begun, take it down and bring it back: did a task see it?

    A task that its time limit is about to reach may requeue itself while the node drains, and then nothing is lost.
    """

    def begun():
        lines = run("squeue", "-h", "-t", "RUNNING", "-o", "%M")[1].split()
        return any(line.startswith("0:") and int(line[2:]) < 12 for line in lines)

    def state():
        return run("sinfo", "-h", "-o", "%T")[1].strip()

    before = logs_of(array).count("DUE TO NODE FAILURE")
    wait_for("a task that has just begun", begun)
    run("scontrol", "update", "nodename=node1", "state=drain", "reason=test")
    wait_for("a drained node", lambda: "drain" in state())
    print(f"drained the node: {state()}")
    time.sleep(2)
    run("scontrol", "update", "nodename=node1", "state=down", "reason=test")
    wait_for("tasks off the node", lambda: "RUNNING" not in run("squeue", "-h", "-o", "%T")[1])
    print("took the node down")
    time.sleep(1)
    run("scontrol", "update", "nodename=node1", "state=resume")
    return logs_of(array).count("DUE TO NODE FAILURE") > before


def disturb(specc, folder, environment):
    def run(*command):
        done = subprocess.run(command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE)
        return done.returncode, done.stdout

    begin = time.monotonic()
    run(specc, "train", "k.net", "loss=single", "train.epochs=400", "-q", "--threads", "1", "-o", "probe")
    epochs = max(20, round(400 * RUN_SECONDS / (time.monotonic() - begin)))
    sweep = [specc, "sweep", "k.net", f"train.epochs={epochs}", "-q", "--threads", "1", "--jobs"]
    assert run(*sweep, "2", "-o", "whole")[0] == 0
    options = ["time=1", "signal=B:USR1@30", "mem=200", "cpus-per-task=1"]
    log = (folder / "wait.log").open("w")
    command = [*sweep, "1", "-o", "array", "--tasks", "3", "--wait", "--slurm", *options]
    job = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=log)

    def kill_one():
        """The task whose process was killed, when two are listed with their runs and the third one waits."""
        if not (folder / "array" / "slurm.json").exists():
            return None
        code, said = run(specc, "runs", "array", "--slurm", "--json")
        listed = json.loads(said) if code == 0 else {"runs": [], "slurm": []}
        runs = [run for run in listed["runs"] if (run["slurm"] or "").endswith("RUNNING")]
        states = {task["state"] for task in listed["slurm"]}
        if len(runs) < 2 or not states >= {"RUNNING", "PENDING"}:
            return None
        try:
            owner = json.loads((folder / runs[0]["run"] / "owner.json").read_text())
            os.kill(owner["process"], signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError):
            # It went on to its next run meanwhile.
            return None
        return owner["task"]

    print(f"killed the process of task {wait_for('two tasks at work', kill_one)}")
    for _ in range(5):
        if fail_node(run, folder / "array"):
            break
        print("no task was at work on the node when it went down; once more")
    code = wait_for("the end of the job", lambda: job.poll() is not None and ["ended", job.returncode], 600)[1]
    logs = logs_of(folder / "array")
    requeues, failures = logs.count("DUE TO JOB REQUEUE"), logs.count("DUE TO NODE FAILURE")
    said, is_equal = verdict(folder / "whole", folder / "array")
    print(f"exit {code}, {requeues} requeues of tasks by themselves, {failures} by the node; {said}")
    if code != 0 or not is_equal or requeues < 2 or failures < 1:
        print((folder / "wait.log").read_text(), logs, sep="\n")
        raise SystemExit(1)


if __name__ == "__main__":
    main()
