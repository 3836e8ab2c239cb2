//! `specc sweep --slurm` before a scheduler that is two scripts; `tools/slurm-sweep.py` tries a real one.

use super::{Done, Sandbox};

const SPEC: &str = "\
data digits(subset=48, test_subset=24)
net small { flatten -> linear(4) -> relu -> linear(classes) }
train sgd(lr=0.05) { batch = 8  epochs = 2 }
sweep fig { loss in [one: single_scale, two: two_scale(delta=0.01)]  seeds in 0..2 }
";

/// Runs the tasks of an array one after the other; the first one is told to go on later, and comes again.
const SBATCH: &str = "#!/bin/bash
script=${@: -1}
tasks=$(sed -n 's/^#SBATCH --array=1-//p' \"$script\")
for task in $(seq \"$tasks\"); do
  SLURM_ARRAY_JOB_ID=41 SLURM_ARRAY_TASK_ID=$task bash \"$script\" >>log 2>&1 || echo \"task $task: $?\" >>log
done
echo '41;cluster'
";

const SQUEUE: &str = "#!/bin/bash
echo \"$@\" >>asked
[ -e pending ] && printf '41_2|PENDING|Resources\\n41_1|RUNNING|None\\n7_1|RUNNING|None\\n'
exit 0
";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with(SPEC);
    for (name, text) in [("bin/sbatch", SBATCH), ("bin/squeue", SQUEUE)] {
        sandbox.write(name, text.as_bytes());
    }
    assert_eq!(sandbox.shell("chmod +x bin/*").code, Some(0));
    sandbox
}

fn with_slurm(sandbox: &Sandbox, arguments: &str) -> Done {
    sandbox.shell(&format!("PATH=$PWD/bin:$PATH $SPECC {arguments}"))
}

#[test]
fn the_tasks_of_an_array_make_the_runs_of_the_sweep() {
    let sandbox = sandbox();
    let command = "sweep spec.net train.epochs=3 --tasks 2 --jobs 1 --wait --slurm time=5";
    with_slurm(&sandbox, command)
        .exits(0)
        .says(&["submitted job 41: 2 tasks"])
        .prints(&["loss=two"]);
    let jobs = sandbox.json("runs/spec/slurm.json");
    assert_eq!((&jobs["jobs"][0]["job"], &jobs["jobs"][0]["tasks"]), (&41.into(), &2.into()));
    sandbox.specc(&["sweep", "spec.net", "train.epochs=3", "-o", "alone", "-q", "--jobs", "1"]);
    for name in sandbox.names("alone") {
        let unequal = ["env.json", "timing.jsonl", "log.txt", ".lock"];
        if !unequal.iter().any(|ending| name.ends_with(ending)) {
            let both = ["alone", "runs/spec"].map(|root| sandbox.read(&format!("{root}/{name}")));
            assert!(both[0] == both[1], "{name}");
        }
    }
    // All is done: nothing is submitted again.
    with_slurm(&sandbox, command).exits(0);
    assert_eq!(sandbox.json("runs/spec/slurm.json"), jobs);
}

#[test]
fn the_script_is_shown_and_states_options_last() {
    let sandbox = sandbox();
    let done = with_slurm(&sandbox, "sweep spec.net -q --slurm time=5 signal=B:USR1@30 --dry-run");
    let script = done.exits(0).out;
    let at = |part: &str| script.find(part).unwrap_or_else(|| panic!("{part}: {script}"));
    assert!(at("#SBATCH --signal=B:USR1@120") < at("#SBATCH --signal=B:USR1@30"));
    assert!(at("#SBATCH --array=1-4") < at("specc sweep spec.net --quiet &"));
    assert!(!sandbox.path("runs").exists(), "a plan leaves nothing behind");
    sandbox.specc(&["sweep", "spec.net", "--slurm", "time"]).exits(2).says(&["OPTION=VALUE"]);
    sandbox.specc(&["sweep", "spec.net", "--wait"]).exits(2).says(&["--slurm"]);
}

#[test]
fn tasks_are_listed_beside_their_runs() {
    let sandbox = sandbox();
    with_slurm(&sandbox, "sweep spec.net -q --slurm").exits(0);
    sandbox.write("pending", b"");
    let run =
        sandbox.names("runs/spec").into_iter().find(|name| name.ends_with("/run.json")).unwrap();
    let owner =
        r#"{"host":"elsewhere","process":1,"boot":"b","started":"1","beats":0,"task":"41_1"}"#;
    sandbox
        .write(&format!("runs/spec/{}", run.replace("run.json", "owner.json")), owner.as_bytes());
    let done = with_slurm(&sandbox, "runs --slurm").exits(0);
    done.prints(&["41_1 RUNNING", "job 41: 1 PENDING (Resources)", "job 41: 1 RUNNING"]);
    let document = with_slurm(&sandbox, "runs --slurm --json").exits(0).json();
    assert_eq!(
        document["slurm"].as_array().unwrap().len(),
        2,
        "jobs of other folders are left out"
    );
    assert!(sandbox.text("asked").contains("--array"));
}

#[test]
fn a_machine_without_slurm_is_told() {
    let sandbox = Sandbox::with(SPEC);
    sandbox.write("none/x", b"");
    let done = sandbox.shell("PATH=$PWD/none $SPECC sweep spec.net --slurm");
    done.exits(2).says(&["`sbatch` cannot be started", "without --slurm"]);
}
