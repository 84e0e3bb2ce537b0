"""``gradcheck verify``: lists, several at once, interrupted, piped, narrow, in other formats."""

import json
import os
import py_compile
import re
import signal
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import pytest

from gradcheck import cli
from gradcheck.commands.verify import ran
from gradcheck.verify.collect import collect
from gradcheck.verify.fix import Fixed
from gradcheck.verify.jobs import at_once

ROOT = Path(__file__).parents[1]

CASES = """
import os, time
import numpy as np
from gradcheck import Case

X = np.array([0.3, -1.2, 2.0])

def square(x):
    return np.sum(x**2)

def right(x):
    return 2 * x

def wrong(x):
    return 1 * x

def noisy(x):
    return np.sum(x) + np.random.default_rng().random()

def slow(x):
    open("begun", "w").close()
    time.sleep(60)
    return square(x)

def dies(x):
    os._exit(9)

RIGHT = [Case(f"numbers/{number}", square, right, (X,)) for number in range(6)]
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)

    def write(more=""):
        file = tmp_path / "numbers_zoo.py"
        file.write_text(CASES + more)
        return file

    return write


def run(*arguments):
    return cli.main(["verify", *map(str, arguments)])


def started(*arguments, **keywords):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "gradcheck", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        **keywords,
    )


def test_list_prints_the_names_and_runs_nothing(write, capsys):
    file = write('\nCASE = Case("slow", slow, right, (X,))')

    assert run(file, "--list", "-k", "slow or 3") == 0
    assert capsys.readouterr().out.split() == ["numbers/3", "slow"]
    assert not Path("begun").exists()


def test_list_tells_what_cannot_be_imported(write, capsys):
    assert run(write("\n1 / 0"), "--list") == 1

    out, err = capsys.readouterr()
    assert out == ""
    assert "cannot be imported: ZeroDivisionError" in err


def test_several_at_once_find_what_one_after_the_other_does(write, tmp_path):
    file = write('\nWRONG = Case("wrong", square, wrong, (X,), seed=4)')

    def found(*options):
        assert run(file, "--json", tmp_path / "out.json", *options) == 1
        checks = json.loads((tmp_path / "out.json").read_text())["checks"]
        return [{key: value for key, value in check.items() if key != "seconds"} for check in checks]

    assert found("--jobs", 3) == found()


def test_several_at_once_are_at_work_at_the_same_time(write):
    meeting = """
def meeting(own, other):
    def f(x):
        open(own, "w").close()
        last = time.monotonic() + 60
        while not os.path.exists(other) and time.monotonic() < last:
            time.sleep(0.01)
        return square(x) if os.path.exists(other) else np.nan
    return f

MEETING = [Case(a, meeting(a, b), right, (X,), oracles=["differences"]) for a, b in (("one", "two"), ("two", "one"))]
"""

    assert run(write(meeting), "-k", "one or two", "--jobs", 2) == 0


def test_what_is_wrong_on_purpose_is_not_searched_for_its_mistake(write):
    write('\nWRONG = Case("wrong", square, wrong, (X,), expect="fail")')
    ((_, outcome),) = at_once(collect(["numbers_zoo.py"])[-1:], 2)

    assert outcome.as_expected
    assert outcome.report.blame == ()


def test_several_at_once_take_the_seed(write, tmp_path):
    run(write(), "--jobs", 2, "--seed", 5, "--html", tmp_path / "out.html")

    assert (tmp_path / "out.html").read_text().count("seed 5") >= 6


def test_a_process_that_dies_is_told_and_hangs_nothing(write, capsys):
    assert run(write('\nDEAD = Case("dead", dies, right, (X,))'), "--jobs", 2) == 1
    assert "ended before this one was done" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("value", ["0", "-1", "many"])
def test_jobs_is_a_number_or_auto(value, write, capsys):
    with pytest.raises(SystemExit) as ended:
        run(write(), f"--jobs={value}")

    assert ended.value.code == 2
    assert f"argument --jobs: '{value}' is neither a number of processes" in capsys.readouterr().err


@pytest.mark.parametrize(("jobs", "whole_group"), [(1, False), (2, False), (2, True)])
def test_interrupted_it_says_what_was_done(jobs, whole_group, write, tmp_path):
    file = write('\nSLOW = Case("slow", slow, right, (X,))')
    # where the tests run in the background, a shell has made them deaf to Ctrl-C, and what they start is born so
    process = started(
        "verify", file, "--jobs", jobs, cwd=tmp_path, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not (tmp_path / "begun").exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)

    (os.killpg if whole_group else os.kill)(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=30)

    assert process.returncode == 130
    # of several at once, what was had by then depends on how fast the others are
    told = re.fullmatch(
        r"gradcheck: interrupted, (\d) of 7 checks done; the first that was not is (\S+)\n", err
    )
    assert told, err
    done, first = told.groups()
    assert jobs > 1 or (done, first) == ("6", "slow")
    assert done == "0" or re.search(f"{done} checks?, {done} right", out)


@pytest.mark.parametrize("mend", ["--fix", "--diff"])
def test_a_list_mends_nothing(mend, write, capsys):
    with pytest.raises(SystemExit) as ended:
        run(write(), "--list", mend)

    assert ended.value.code == 2
    assert "--list runs no case" in capsys.readouterr().err


def test_what_an_interrupted_run_did_not_come_to_is_left_and_not_ok(write, tmp_path, monkeypatch, capsys):
    begun = ran

    def interrupted(cases, jobs):
        yield from islice(begun(cases, jobs), 2)
        raise KeyboardInterrupt

    monkeypatch.setattr("gradcheck.commands.verify.ran", interrupted)
    page, file = tmp_path / "page.html", write()

    assert run(file, "--format", "json", "--html", page) == 130
    out, err = capsys.readouterr()
    whole = json.loads(out)
    assert len(whole["checks"]) == 2 and all("problem" not in check for check in whole["checks"])
    assert run(file, "--list") == 0
    assert [check["name"] for check in whole["checks"]] + whole["left"] == capsys.readouterr().out.split()
    assert whole["ok"] is False and f"the first that was not is {whole['left'][0]}" in err
    assert f"interrupted with {len(whole['left'])} checks left" in page.read_text()


def test_interrupted_in_the_first_check_json_is_json(write, tmp_path, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr("gradcheck.commands.verify.ran", interrupted)
    old = tmp_path / "old.json"
    old.write_text('{"ok": true}')

    assert run(write(), "--format", "json") == 130
    whole = json.loads(capsys.readouterr().out)
    assert (whole["checks"], whole["ok"]) == ([], False) and whole["left"]
    assert run(write(), "--json", old) == 130
    assert json.loads(old.read_text()) == whole and capsys.readouterr().out == ""


def test_interrupted_before_anything_was_done(write, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("gradcheck.commands.verify.collect", interrupted)

    assert run(write()) == 130
    assert capsys.readouterr().err == "gradcheck: interrupted\n"


def test_a_reader_that_goes_ends_it_quietly(write, tmp_path):
    process = started("verify", write(), "--list", cwd=tmp_path)
    process.stdout.close()

    assert process.stderr.read() == ""
    assert process.wait(timeout=60) in (0, 141)
    process.stderr.close()


def test_a_reader_of_the_table_that_goes_ends_it_quietly(write, tmp_path):
    process = started("verify", write(), cwd=tmp_path)
    process.stdout.close()

    assert process.stderr.read() == ""
    assert process.wait(timeout=60) == 141
    process.stderr.close()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_of_the_table_is_wider_than_the_screen(width, write, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    run(write('\nWRONG = Case("wrong", square, wrong, (X,))'))

    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    headline = next(line for line in lines if line.startswith("  fail: "))
    assert max(len(line) for line in lines if line is not headline) <= width
    assert any(line.split()[:2] == ["check", "verdict"] for line in lines)
    assert any(line.split()[:2] == ["5", "pass"] for line in lines)


def test_where_there_is_room_for_two_columns_resolution_and_time_stay(write, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    run(write())

    header = capsys.readouterr().out.splitlines()[0]
    assert header.split() == ["check", "verdict", "resolution", "evaluations", "time"]


def test_nothing_is_drawn_where_there_is_no_terminal(write, capsys):
    run(write())

    out, err = capsys.readouterr()
    assert err == ""
    assert "\x1b" not in out


def test_on_a_terminal_the_bar_names_the_case_and_how_long_the_rest_takes(write, capsys, monkeypatch):
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    run(write())

    err = capsys.readouterr().err
    assert "6/6" in err
    assert "numbers/5" in err
    assert ":00" in err


def test_json_on_stdout_is_one_document(write, capsys):
    assert run(write(), "--format", "json") == 0

    assert len(json.loads(capsys.readouterr().out)["checks"]) == 6


def test_what_the_user_prints_does_not_stand_between(write, capsys):
    file = write("""
print("hello")

def talking(x):
    print("at work")
    return square(x)

TALKING = Case("talking", talking, right, (X,))
""")

    assert run(file, "--list", "-k", "talking") == 0
    assert capsys.readouterr().out == "talking\n"
    assert run(file, "-k", "talking") == 0
    assert "at work" in capsys.readouterr().out


@pytest.mark.parametrize("more", [(), ("--json", "out.json", "--html", "out.html"), ("--jobs", "2")])
def test_json_is_alone_whatever_the_user_prints(write, tmp_path, more):
    file = write("""
import ctypes, os, subprocess, sys

C = ctypes.CDLL(None)
print("hello")
os.write(1, b"by a number\\n")

def talking(x):
    print("at work")
    sys.__stdout__.write("around it\\n")
    C.puts(b"compiled")
    subprocess.run(["echo", "child"])
    return square(x)

TALKING = Case("talking", talking, right, (X,))
""")

    # in a process where nobody listens to the checks: what they did not see is looked for as the JSON is made
    out, err = started("verify", file, "--format", "json", *more, cwd=tmp_path).communicate(timeout=60)

    assert len(json.loads(out)["checks"]) == 7
    assert all(words in err for words in ("by a number", "at work", "around it", "compiled", "child"))


def by_shell(line, cwd):
    """Run a line of the shell in which ``$PYTHON`` is ours."""
    environment = {**os.environ, "PYTHON": sys.executable, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": ""}
    return subprocess.run(["sh", "-c", line], cwd=cwd, env=environment, capture_output=True, text=True)


def test_a_file_that_has_the_number_of_a_closed_stdout_keeps_what_is_written_into_it(write, tmp_path):
    file = write("""
LOG = open("log.txt", "w", buffering=1)
assert LOG.fileno() == 1

def talking(x):
    print("at work", file=LOG)
    return square(x)

TALKING = Case("talking", talking, right, (X,))
""")

    by_shell(f"exec $PYTHON -m gradcheck verify {file} --format json >&-", tmp_path)

    assert "at work" in (tmp_path / "log.txt").read_text()


@pytest.mark.parametrize("more", ["", "--format json", "--format concise", "--jobs 2", "--diff", "--list"])
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_change_no_status_and_leave_json_alone(closed, more, write, tmp_path):
    file = write("""
import subprocess, sys

def talking(x):
    sys.stdout.write("at work")
    subprocess.run(["echo", "child"], stderr=subprocess.DEVNULL)
    return square(x)

TALKING = Case("talking", talking, right, (X,))
""")

    ended = by_shell(f"exec $PYTHON -m gradcheck verify {file} -k talking {more} {closed}", tmp_path)

    assert (ended.returncode, "Traceback" in ended.stderr) == (0, False)
    if more == "--format json" and closed == "2>&-":
        assert json.loads(ended.stdout)["ok"]


def test_where_what_was_printed_cannot_be_shown_what_follows_stays_on_stdout(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("""
import os, sys
from gradcheck.commands.showing import to_stderr
try:
    with to_stderr():
        sys.__stdout__.write("beside")
except OSError:
    os.write(1, b"on stdout")
""")

    assert by_shell(f"exec $PYTHON {script} 2>/dev/full", tmp_path).stdout.startswith("on stdout")


def test_json_needs_no_ctypes(write, tmp_path):
    """Python is built without it where libffi is missing."""
    (tmp_path / "ctypes.py").write_text("raise ImportError('No module named _ctypes')")
    line = f"exec $PYTHON -c 'from gradcheck.cli import main; main()' verify {write('')} --format json"

    assert json.loads(by_shell(line, tmp_path).stdout)["checks"]


def test_json_and_mending_is_one_document_of_what_is_mended(write, tmp_path):
    write('\nWRONG = Case("wrong", square, wrong, (X,))')
    process = started("verify", "numbers_zoo.py", "--format", "json", "--fix", cwd=tmp_path)
    out, err = process.communicate(timeout=60)

    assert process.returncode == 0
    assert json.loads(out)["ok"] is True
    assert "-    return 1 * x" in err


def test_what_was_compiled_of_a_file_saved_a_moment_ago_is_not_taken_for_the_mended_one(tmp_path):
    file = tmp_path / "derivative.py"
    file.write_text("def slope(x):\n    return 1 * x\n")
    compiled = Path(py_compile.compile(str(file)))

    fixed = Fixed(file, "utf-8", file.read_bytes(), file.read_bytes().replace(b"1", b"2"))
    fixed.write()

    assert "return 2 * x" in file.read_text()
    assert not compiled.exists()


def test_undecided_is_a_status_of_its_own(write):
    file = write(
        '\nNOISY = Case("noisy", noisy, np.ones_like, (X,))\nWRONG = Case("wrong", square, wrong, (X,))'
    )

    assert run(file, "-k", "noisy or numbers") == 3
    assert run(file, "-k", "noisy or wrong") == 1


def test_options_are_not_cut_short(write, capsys):
    with pytest.raises(SystemExit):
        run(write(), "--see", "3")

    assert "unrecognized arguments: --see" in capsys.readouterr().err


@pytest.mark.parametrize("command", [[], ["verify"], ["check"], ["explain"], ["new"], ["completion"]])
def test_help_says_how_it_ends(command, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main([*command, "--help"])

    assert ended.value.code == 0
    told = " ".join(capsys.readouterr().out.split())
    for words in (
        "0 all is right",
        "1 something is not",
        "2 the command line",
        "3 nothing is wrong",
        "130",
        "141",
    ):
        assert words in told


def test_version(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])

    assert ended.value.code == 0
    assert capsys.readouterr().out.split()[0] == "gradcheck"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk that is always full")
@pytest.mark.parametrize("buffered", ["", "1"])
@pytest.mark.parametrize("more", [("--list",), (), ("--format", "json")])
def test_a_full_disk_is_told_in_one_line(write, buffered, more):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": buffered}
    command = [sys.executable, "-m", "gradcheck", "verify", str(write("")), *more]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, env=environment)

    assert done.stderr == "gradcheck: what it prints cannot be written: No space left on device\n"
    assert done.returncode == 2


def test_what_cannot_be_run_is_told_once_and_in_words(write, capsys):
    file = write('\nMISUSED = Case("misused", square, right, (X,), argnums=7)\n\ndef cases():\n    return 7')

    assert run(file, "-k", "misused") == 1
    told = capsys.readouterr().out.partition("\n\n")[2]
    assert told.startswith("misused: the check raised ValueError: argnums=7 is out of range: ")
    assert told.count("argnums=7") == 1
    assert "cases() should return a list of Case objects, and returned 7 2 checks" in " ".join(told.split())
    assert "\n\n\n" not in told


@pytest.mark.parametrize("more", [(), ("--list",), ("--format", "concise")])
def test_letters_that_the_encoding_does_not_have_are_spelled(write, more):
    file = write('\nLETTERS = Case("größe", square, lambda σ: 3 * σ, (X,))')
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "gradcheck", "verify", str(file), "-k", "größe", *more]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)

    assert "Traceback" not in done.stderr
    assert "gr\\xf6\\xdfe" in done.stdout
