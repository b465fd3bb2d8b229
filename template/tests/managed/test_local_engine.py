"""The local engine: real processes, that fail, are killed, and leave nothing behind."""

from __future__ import annotations

import inspect
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from toy import PIPELINE, STEPS, Toy, processes_of, wait_until

from helpers import jobs
from helpers.errors import DataError, RepositoryError
from helpers.local_engine import EngineResult
from helpers.workers import JobError, Workers


def states(result: EngineResult) -> dict[str, str]:
    return {step.name: step.state for step in result.steps}


def files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "executor_output.json"
    }


def test_forked_and_spawned_steps_give_the_same_results(tmp_path: Path) -> None:
    toy = Toy(tmp_path)
    found = {}
    for mode in ("fork", "spawn"):
        with toy.engine(mode=mode) as engine:
            result = engine.run({"context": "{}", "rows": 6})
            assert engine.workers.mode == mode
        found[mode] = (states(result), files(next(engine.folder.iterdir())))
    assert found["fork"] == found["spawn"]
    assert found["fork"][0] == dict.fromkeys(("pull-data", "clean-data", "decide", "publish"), "succeeded")
    assert found["fork"][1]["publish/page"] == "hiXXXXXX"


def test_a_condition_that_does_not_hold_skips_its_steps(tmp_path: Path) -> None:
    toy = Toy(tmp_path)
    result, folder = toy.run(rows=1)
    assert result.failure is None
    assert states(result) == {
        "pull-data": "succeeded",
        "clean-data": "succeeded",
        "decide": "succeeded",
        "publish": "skipped",
    }
    assert not (folder / "publish").exists()
    assert toy.told[:2] == ["pull-data running", "pull-data succeeded"]


BODY = "    Path(data.path).write_text"


@pytest.mark.parametrize("mode", ["fork", "spawn"])
@pytest.mark.parametrize(
    ("raised", "message", "hint", "where"),
    [
        (
            'from helpers.errors import DataError; raise DataError("No rows.", hint="Add some.", where="a.csv")',
            "No rows.",
            "Add some.",
            "a.csv",
        ),
        ("1 / 0", "ZeroDivisionError: division by zero", "", "src/steps/toy.py:6"),
        ("raise SystemExit(3)", "It ended with exit code 3.", "", "src/steps/toy.py:6"),
        ("import os; os._exit(7)", "It ended with exit code 7.", "", ""),
        ("import os; os.kill(os.getpid(), 9)", "It was ended by signal 9. The machine may be out of memory.", "", ""),
        (
            "import nowhere.at_all",
            "ModuleNotFoundError: No module named 'nowhere'",
            "If it is a library, 'make add PKG=nowhere' adds it; commit requirements.in and the locks then.",
            "src/steps/toy.py:6",
        ),
        ("import steps.no", "ModuleNotFoundError: No module named 'steps.no'", "", "src/steps/toy.py:6"),
    ],
)
def test_a_step_that_fails_tells_why(
    tmp_path: Path, mode: str, raised: str, message: str, hint: str, where: str
) -> None:
    toy = Toy(tmp_path, steps=STEPS.replace(BODY, f"    {raised}\n{BODY}", 1))
    result, _ = toy.run(mode=mode)
    assert result.failure is not None
    assert (result.failure.step, result.failure.message) == ("pull-data", message)
    assert (result.failure.hint, result.failure.where) == (hint, where)
    assert set(states(result).values()) == {"failed", "skipped"}


def test_a_step_is_tried_again_as_often_as_the_text_says(tmp_path: Path) -> None:
    count = '    with open("tries.txt", "a") as file: file.write("x")\n'
    count += '    if len(open("tries.txt").read()) < 3: raise OSError\n'
    pipeline = PIPELINE.replace('"steps.toy:pull"', '"steps.toy:pull", retry: 2')
    toy = Toy(tmp_path, pipeline=pipeline, steps=STEPS.replace(BODY, count + BODY, 1))
    result, _ = toy.run()
    assert result.failure is None
    assert [step.state for step in result.steps if step.name == "pull-data"] == ["failed", "failed", "succeeded"]


def test_a_step_that_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    wait = "    import subprocess, sys, time\n"
    wait += "    subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n    time.sleep(600)\n"
    toy = Toy(tmp_path, steps=STEPS.replace(BODY, wait + BODY, 1))
    with toy.engine() as engine:
        engine.timeouts = {"pull-data": 1}
        result = engine.run({"context": "{}"})
        assert result.failure is not None
        assert (result.failure.step, result.failure.message) == (
            "pull-data",
            "It took longer than its timeout of 1 s.",
        )
    wait_until(lambda: not processes_of(tmp_path))


def test_a_module_that_starts_threads_is_not_forked(tmp_path: Path) -> None:
    thread = "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True, name='ticker').start()\n"
    toy = Toy(tmp_path, steps=thread + STEPS)
    with toy.engine(preload=("steps.toy",)) as engine:
        result = engine.run({"context": "{}"})
        assert engine.workers.mode == "spawn"
        assert "ticker" in engine.workers.note
    assert result.failure is None


def test_a_step_draws_its_own_random_numbers(tmp_path: Path) -> None:
    draw = "    import numpy; data.metadata['n'] = 1; Path(data.path).write_text('x' * 5); "
    draw += "Path('drawn.txt').open('a').write(f'{numpy.random.random()}\\n'); return\n"
    pipeline = PIPELINE.replace("      - {id: clean", '      - {id: more, uses: "steps.toy:pull"}\n      - {id: clean')
    toy = Toy(tmp_path, pipeline=pipeline, steps=STEPS.replace(BODY, draw + BODY, 1))
    with toy.engine(preload=("numpy",), mode="fork") as engine:
        assert engine.run({"context": "{}"}).failure is None
    drawn = (tmp_path / "drawn.txt").read_text(encoding="utf-8").split()
    assert len(set(drawn)) == 2


SLEEP = """    import subprocess, sys; Path('here').touch()
    subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])
"""


def sleeping(root: Path) -> Toy:
    """A repository whose first step starts a program that takes ten minutes."""
    return Toy(root, steps=STEPS.replace(BODY, SLEEP + BODY, 1))


@pytest.mark.parametrize("mode", ["fork", "spawn"])
def test_a_step_that_is_killed_fails_the_run_and_leaves_nothing(tmp_path: Path, mode: str) -> None:
    toy = sleeping(tmp_path)
    with toy.engine(mode=mode) as engine:

        def kill() -> None:
            wait_until((tmp_path / "here").exists)
            os.killpg(_step_of(engine.workers), signal.SIGKILL)

        thread = threading.Thread(target=kill)
        thread.start()
        result = engine.run({"context": "{}"})
        thread.join()
    assert result.failure is not None
    assert result.failure.message.startswith("It was ended by signal 9.")
    wait_until(lambda: not processes_of(tmp_path))


@pytest.mark.parametrize("victim", ["orchestrator", "workers"])
def test_a_killed_helper_process_ends_the_run_and_leaves_nothing(tmp_path: Path, victim: str) -> None:
    toy = sleeping(tmp_path)
    with toy.engine() as engine:

        def kill() -> None:
            wait_until((tmp_path / "here").exists)
            os.kill(engine.process.pid if victim == "orchestrator" else engine.workers.process.pid, signal.SIGKILL)

        thread = threading.Thread(target=kill)
        thread.start()
        with pytest.raises(RepositoryError, match=r"gone|ended from outside"):
            engine.run({"context": "{}"})
        thread.join()
    wait_until(lambda: processes_of(tmp_path) == [], seconds=20)


DRIVER = """
import sys
sys.path[:0] = {path!r}
from pathlib import Path
from toy import Toy
toy = Toy.__new__(Toy)
toy.root, toy.told = Path({root!r}), []
with toy.engine(mode={mode!r}) as engine:
    engine.run({{"context": "{{}}"}})
"""


@pytest.mark.parametrize("mode", ["fork", "spawn"])
def test_nothing_outlives_a_driver_that_is_killed(tmp_path: Path, mode: str) -> None:
    toy = sleeping(tmp_path)
    path = [str(Path(__file__).parents[1]), str(Path(inspect.getfile(jobs)).parents[1])]
    program = DRIVER.format(path=path, root=str(tmp_path), mode=mode)
    driver = subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path, env=toy.environ)
    try:
        wait_until((tmp_path / "here").exists)
        assert len(processes_of(tmp_path)) >= 4
    finally:
        driver.kill()
        driver.wait()
    wait_until(lambda: processes_of(tmp_path) == [], seconds=20)


def test_a_kfp_with_other_internals_is_refused(tmp_path: Path) -> None:
    """The hook finds what it replaces by name and parameters, and says so when that has changed."""
    program = (
        "from kfp.local import subprocess_task_handler as handler\n"
        "handler.run_local_subprocess = lambda command: 0\n"
        "from helpers.orchestrator import hook\n"
        "hook(None)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=Toy(tmp_path).environ, capture_output=True, text=True, check=False
    )
    assert "The local engine does not fit this version of kfp." in done.stderr


def test_a_worker_hands_back_values_and_errors(tmp_path: Path) -> None:
    toy = Toy(tmp_path)
    (tmp_path / "src" / "steps" / "calls.py").write_text(
        "from helpers.errors import DataError\n"
        "def double(number): return 2 * number\n"
        "def refuse(): raise DataError('No.', hint='Try again.', where='here')\n"
        "def broken(): return 1 / 0\n",
        encoding="utf-8",
    )
    workers = Workers(tmp_path, tmp_path / "jobs", tmp_path / "log.txt", toy.environ)
    workers.start(())
    try:
        assert workers.call("steps.calls:double", number=21) == 42
        with pytest.raises(DataError) as caught:
            workers.call("steps.calls:refuse")
        assert (caught.value.hint, caught.value.where) == ("Try again.", "here")
        with pytest.raises(JobError, match="division by zero"):
            workers.call("steps.calls:broken")
    finally:
        workers.close()
    assert "ZeroDivisionError" in (tmp_path / "log.txt").read_text(encoding="utf-8")


def _step_of(workers: Workers) -> int:
    """The process of the step that runs: the only child of the worker server."""
    children = Path(f"/proc/{workers.process.pid}/task/{workers.process.pid}/children").read_text(encoding="utf-8")
    return int(children.split()[0])
