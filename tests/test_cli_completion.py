"""``gradcheck completion``, asked as a shell asks; and what the grammar costs at every start."""

import shutil
import subprocess
import sys

import pytest

from gradcheck import cli

shtab = pytest.importorskip("shtab")


def script(shell, capsys):
    assert cli.main(["completion", shell]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_knows_commands_and_options(shell, capsys):
    told = script(shell, capsys)

    for word in ("verify", "check", "explain", "new", "completion", "shapes", "concise"):
        assert word in told


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("gradcheck ver", ["verify"]),
        ("gradcheck verify --jo", ["--jobs"]),
        ("gradcheck verify --format con", ["concise"]),
        ("gradcheck check --kind hes", ["hessian"]),
        ("gradcheck new la", ["layer"]),
        ("gradcheck verify net", ["net.py"]),
    ],
)
def test_bash_completes(typed, offered, capsys, tmp_path):
    (tmp_path / "net.py").touch()
    words = typed.split()
    asked = f"""
{script("bash", capsys)}
COMP_WORDS=({" ".join(words)})
COMP_CWORD={len(words) - 1}
_shtab_gradcheck gradcheck {words[-1]} {words[-2]}
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    answer = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, cwd=tmp_path)

    assert (answer.stdout.split(), answer.stderr) == (offered, "")


def test_without_the_extra_it_says_what_to_install(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "shtab", None)
    with pytest.raises(SystemExit) as ended:
        cli.main(["completion", "bash"])

    assert ended.value.code == 2
    assert 'pip install "gradcheck[completion]"' in capsys.readouterr().err


def test_to_read_the_command_line_nothing_that_computes_is_imported():
    asked = "import sys; from gradcheck.commands.grammar import grammar; grammar(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)

    assert not {"numpy", "autograd", "rich", "jinja2", "shtab"} & {*loaded.stdout.split()}
