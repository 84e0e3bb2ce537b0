"""``gradcheck verify`` lands on the line, shows the patch, and writes it."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace
from math import inf
from pathlib import Path
from textwrap import dedent

import pytest

from gradcheck.cli import main
from gradcheck.commands.verify import found_in
from gradcheck.verify.fix import fixes
from gradcheck.verify.outcome import run

CASES = """
    import numpy as np
    from gradcheck import Case


    def loss(w, X, y):  # Größe: µ
        return np.mean((X @ w - y) ** 2)


    def gradient(w, X, y):
        \"""Größe µ\"""; return 2 * X @ (X @ w - y) / y.size


    def on_purpose(w, X, y):
        return X.T @ (X @ w - y) / y.size


    def cases():
        rng = np.random.default_rng(0)
        point = rng.standard_normal(4), rng.standard_normal((6, 4)), rng.standard_normal(6)
        return [
            Case("least squares", loss, gradient, point, argnums=0),
            Case("half", loss, on_purpose, point, argnums=0, expect="fail"),
        ]
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "descent.py"
    path.write_bytes(dedent(CASES).lstrip("\n").replace("\n", "\r\n").encode())
    return path


def test_concise_gives_file_line_column_message(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(program), "--format", "concise"]) == 1
    (line,) = capsys.readouterr().out.splitlines()
    text = program.read_text(encoding="utf-8").splitlines()[9]
    place, _, message = line.partition(": ")
    assert place == f"{program}:10:{text.index('X @ (X') + 1}"
    assert message.startswith("`X`: With X.T in its place, w is right") and "least squares" in message


def test_github_annotates_the_line(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(program), "--format", "github"]) == 1
    assert capsys.readouterr().out.startswith(f"::error file={program},line=10,endLine=10,col=")


def test_diff_shows_and_leaves_the_file(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = program.read_bytes()
    assert main(["verify", str(program), "--format", "concise", "--diff"]) == 1
    out = capsys.readouterr().out
    assert "--- a/descent.py" in out and "return 2 * X.T @ (X @ w - y) / y.size" in out
    assert program.read_bytes() == before


def test_fix_changes_the_expression_and_nothing_else_and_checks_again(program: Path) -> None:
    before = program.read_bytes()
    assert main(["verify", str(program), "--fix"]) == 0
    assert program.read_bytes() == before.replace(b"2 * X @ (X", b"2 * X.T @ (X")


def test_without_a_failure_there_is_nothing_to_fix(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program.write_bytes(program.read_bytes().replace(b"2 * X @ (X", b"2 * X.T @ (X"))
    before = program.read_bytes()
    assert main(["verify", str(program), "--fix", "--format", "concise"]) == 0
    assert capsys.readouterr().out.strip() == "" and program.read_bytes() == before


def test_a_file_that_changed_since_it_was_read_is_left_alone(program: Path) -> None:
    (outcome,) = [one for one in map(run, found_in([str(program)])) if not one.as_expected]
    (fixed,), left = fixes([outcome], inf)
    assert fixed.path == program and not left
    program.write_bytes(b"# one line more\r\n" + program.read_bytes())
    assert fixes([outcome], inf) == ([], [f"{program}:10: X has changed since it was checked"])
    program.unlink()
    assert fixes([outcome], inf) == ([], [f"{program}:10: X is in no file that can be read"])


def test_what_was_saved_since_the_run_began_is_left_alone(program: Path) -> None:
    """What the edit was proved for may be gone: f itself, or what stands beside the expression."""
    (outcome,) = [one for one in map(run, found_in([str(program)])) if not one.as_expected]
    begun = program.stat().st_mtime + 1
    assert fixes([outcome], begun)[0]
    program.write_bytes(program.read_bytes().replace(b"/ y.size", b"/ len(y)"))
    os.utime(program, (begun + 1, begun + 1))
    assert fixes([outcome], begun) == ([], [f"{program}:10: X has changed since it was checked"])


def test_what_is_installed_is_shown_and_never_written(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (outcome,) = [one for one in map(run, found_in([str(program)])) if not one.as_expected]
    monkeypatch.setattr("gradcheck.ask.whose._INSTALLED", (str(program.parent),))
    assert outcome.report is not None
    assert outcome.report.patch
    fixed, (left,) = fixes([outcome], inf)
    assert not fixed and left.endswith("belongs to a package that is installed")


def test_a_file_that_cannot_be_written_is_told(
    program: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(SystemExit, match="2"):
        main(["verify", str(program), "--fix"])
    assert "descent.py cannot be written: Permission denied" in capsys.readouterr().err


def test_a_folder_that_takes_no_file_is_named(
    program: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refused)
    with pytest.raises(SystemExit, match="2"):
        main(["verify", str(program), "--fix"])
    assert f"cannot be written: Permission denied in {program.parent}" in capsys.readouterr().err


def test_a_file_is_whole_where_writing_it_ends_half_way(
    program: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copymode", full)
    before = program.read_bytes()
    with pytest.raises(SystemExit, match="2"):
        main(["verify", str(program), "--fix"])
    assert "descent.py cannot be written: No space left on device" in capsys.readouterr().err
    assert program.read_bytes() == before and not [
        one for one in program.parent.iterdir() if one.suffix != ".py" and one.is_file()
    ]


def test_what_a_file_is_besides_its_text_stays(program: Path, tmp_path: Path) -> None:
    program.chmod(0o750)
    link = tmp_path / "other" / "link.py"
    link.parent.mkdir()
    link.symlink_to(program)
    assert main(["verify", str(link), "--fix"]) == 0
    assert link.is_symlink() and program.stat().st_mode & 0o777 == 0o750
    assert b"2 * X.T @ (X" in program.read_bytes()


def test_of_several_files_those_that_can_be_written_are(
    program: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = program.with_name("other.py")
    other.write_bytes(program.read_bytes())
    monkeypatch.setattr("os.access", lambda path, _: path.name != "other.py")
    with pytest.raises(SystemExit, match="2"):
        main(["verify", str(other), str(program), "--fix"])
    assert "other.py cannot be written: Permission denied; 1 other file mended" in capsys.readouterr().err
    assert b"2 * X.T @ (X" in program.read_bytes() and b"2 * X @ (X" in other.read_bytes()


ROWS = """
    import numpy as np
    from gradcheck import Case


    def loss(W, xs):
        h = np.zeros(3)
        for x in xs:
            h = np.tanh(W @ h + x)
        return h.sum()


    def gradient(W, xs):
        hs = [np.zeros(3)]
        for x in xs:
            hs.append(np.tanh(W @ hs[-1] + x))
        dh, dW = np.ones(3), np.zeros_like(W)
        for t in range(len(xs))[::-1]:
            dz = dh * (1 - hs[t + 1] ** 2)
            dW += np.outer(dz, hs[t])
        return dW


    rng = np.random.default_rng(0)
    CASE = Case("rows", loss, gradient, (rng.standard_normal((3, 3)), rng.standard_normal((4, 3))), argnums=0)
"""


@pytest.mark.parametrize(
    ("end", "indent"),
    [("\r\n", "\t"), ("\n", "    "), ("\r", " ")],
    ids=["dos, tabs", "unix", "mac, one blank"],
)
def test_a_statement_that_is_added_stands_and_ends_as_the_others(
    end: str, indent: str, tmp_path: Path
) -> None:
    path = tmp_path / "rows.py"
    text = dedent(ROWS).lstrip("\n").replace("    ", indent)
    path.write_bytes(text.replace("\n", end).encode())
    assert main(["verify", str(path), "--fix"]) == 0
    lines = path.read_bytes().split(end.encode())
    added = [line for line in lines if line.startswith(2 * indent.encode() + b"dh = ") and b"dz" in line]
    assert added and not any(b"\r" in line or b"\n" in line for line in lines)


LAST = """
    import numpy as np
    from gradcheck import Case

    X = np.array([0.3, -1.2])


    def cases():
        return [Case("last", lambda x: np.sum(x**2), gradient, (X,))]

    \f
    def gradient(x):
        return 3 * x"""


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["unix", "dos"])
@pytest.mark.parametrize("last", ["", "\n"], ids=["bare", "ended"])
def test_a_diff_is_taken_by_git_whatever_the_file_ends_with(
    last: str, end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git = shutil.which("git")
    if git is None:
        pytest.skip("needs git")
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "last.py"
    path.write_bytes((dedent(LAST).lstrip("\n") + last).replace("\n", end).encode())
    (outcome,) = map(run, found_in([str(path)]))
    assert outcome.report is not None and outcome.report.blame[0].repair == "2"
    (fixed,), _ = fixes([outcome], inf)
    for patch, deep in ((fixed.diff(), 1), (outcome.report.patch, len(path.parts) - 1)):
        asked = [git, "apply", "--check", f"-p{deep}", "-"]
        assert subprocess.run(asked, input=patch.encode(), capture_output=True, cwd=tmp_path).stderr == b""


def test_a_repair_that_the_encoding_of_the_file_cannot_hold_is_told(program: Path) -> None:
    program.write_bytes(
        b"# coding: latin-1\r\n" + program.read_text(encoding="utf-8").replace("µ", "u").encode("latin-1")
    )
    (outcome,) = [one for one in map(run, found_in([str(program)])) if not one.as_expected]
    assert outcome.report is not None
    before, found = program.read_bytes(), outcome.report.blamed
    other = replace(found, blame=(replace(found.blame[0], repair="\u03b3.T"),))
    asked = replace(outcome.report).remembering(search=lambda: other)
    fixed, (left,) = fixes([replace(outcome, report=asked)], inf)
    assert not fixed and left.endswith("X is in a file whose encoding, iso-8859-1, cannot hold the repair")
    assert program.read_bytes() == before


EXITS = """
    import sys
    import numpy as np
    from gradcheck import Case


    def leaves(x):
        sys.exit(0)


    def cases():
        x = np.array([0.3, -1.2])
        return [
            Case("wrong", lambda x: np.sum(x**2), lambda x: 5 * x, (x,)),
            Case("leaves", leaves, lambda x: 2 * x, (x,)),
        ]
"""


def test_whoever_leaves_the_process_ends_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "leaving.py").write_text(dedent(EXITS))
    assert main(["verify", str(tmp_path / "leaving.py")]) == 1
    out = capsys.readouterr().out
    assert "SystemExit" in out
    assert "2 NOT AS EXPECTED" in out
    place = f"{tmp_path / 'leaving.py'}:leaves"
    with pytest.raises(SystemExit, match="2"):
        main(["check", place, place, "--shapes", "x=n"])


STRANGE = """
    import numpy as np
    from gradcheck import Case


    def loss(w):
        return np.sum(np.tanh(w))


    def wrong(w):
        return 1 - np.tanh(
            w  # 100%
        )


    def raises(w):
        raise RuntimeError("two\\nlines")


    def cases():
        w = np.array([0.3, -1.2])
        return [
            Case("wrong\\nname", loss, wrong, (w,)),
            Case("raises", loss, raises, (w,)),
            Case("claim raises", raises, wrong, (w,)),
            Case("nothing", loss, lambda w: None, (w,)),
            Case("misuse", loss, wrong, (w,), argnums=7),
            Case("right", loss, lambda w: 1 - np.tanh(w) ** 2, (w,), expect="fail"),
            Case("other", loss, wrong, (w,), expect="fail", diagnosis="sign"),
        ]
"""


@pytest.fixture
def strange(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a, b: c.py"
    path.write_text(dedent(STRANGE).lstrip("\n"))
    return path


def test_whatever_is_wrong_is_told_in_one_line(strange: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(strange), "--format", "concise"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 7
    assert lines[0].startswith(f"{strange}:10:16: ") and lines[0].endswith("(wrong name)")
    assert lines[1].startswith("raises: fail: the gradient is wrong in w; ") and "two lines" in lines[1]
    assert lines[2].startswith("claim raises: inconclusive: f raised RuntimeError: two lines")
    assert lines[3].startswith(
        "nothing: fail: the gradient is wrong in w; shape: no gradient came back for w."
    )
    assert lines[4].startswith("misuse: the check raised ValueError: argnums=7 is out of range")
    assert lines[5] == "right: should fail but passed"
    assert lines[6].startswith("other: should be diagnosed as sign, but the diagnoses are ")


def test_github_takes_any_file_name(strange: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(strange), "--format", "github"]) == 1
    first, *rest = capsys.readouterr().out.splitlines()
    place, _, message = first.removeprefix("::error ").partition("::")
    assert place.split(",")[0] == f"file={strange.parent}/a%2C b%3A c.py"
    assert "# 100%25" in message
    assert all(line.startswith("::error::") for line in rest)


def test_what_is_wrong_on_purpose_is_not_mended_where_it_fails_otherwise(strange: Path) -> None:
    (other,) = [one for one in map(run, found_in([str(strange)])) if one.name == "other"]
    assert other.report is not None and other.report.patch
    assert fixes([other], inf) == ([], [])
