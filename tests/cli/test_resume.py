"""A calibration that is killed continues and ends with the same bits."""

import signal
import subprocess
import sys
import time

import pandas as pd

from simcal.training import load_checkpoint

ITERATIONS = 400

# Saved often, so that a short run has a checkpoint in its middle.
SCRIPT = """
import sys
import simcal
from simcal.calibration import adversarial

Task = adversarial.StartTask
adversarial.StartTask = lambda **task: Task(**task, checkpoint_seconds=0.05)
data, recipe, out, iterations = sys.argv[1:]
simcal.calibrate(None, data, recipe=recipe, out=out, iterations=int(iterations), seed=3, jobs=1)
"""


def _start(workplace, out):
    arguments = [workplace / "series.csv", workplace / "small.toml", out, str(ITERATIONS)]
    return subprocess.Popen([sys.executable, "-c", SCRIPT, *arguments])


def test_a_killed_calibration_continues_bit_for_bit(workplace, tmp_path):
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    checkpoint = killed / "checkpoints" / "start-0.safetensors"
    process = _start(workplace, killed)
    limit = time.monotonic() + 60
    while not checkpoint.is_file() and process.poll() is None and time.monotonic() < limit:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    _, state = load_checkpoint(checkpoint)
    assert 0 < state["game"]["iteration"] < ITERATIONS
    assert not (killed / "market.toml").exists()

    assert _start(workplace, killed).wait() == 0
    assert _start(workplace, whole).wait() == 0
    assert len(pd.read_csv(whole / "history.csv")) == ITERATIONS
    for name in ("market.toml", "history.csv"):
        assert (killed / name).read_bytes() == (whole / name).read_bytes()
