"""``gradcheck new``: what it writes passes its own tests; nothing is overwritten."""

import pytest

from gradcheck import cli
from tests.sessions import session


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def new(*arguments):
    return cli.main(["new", "layer", *map(str, arguments)])


def test_a_layer_with_tests_that_pass_and_that_fail_when_it_is_broken(here, capsys):
    assert new("ScaledDense") == 0

    assert {file.name for file in here.iterdir()} == {"scaled_dense.py", "test_scaled_dense.py"}
    assert "python -m pytest test_scaled_dense.py" in capsys.readouterr().out
    passed = session(here, "-q", "-x", "-W", "error")
    assert passed.status == 0, passed.printed
    assert "40 pass" in passed.printed or "41 pass" in passed.printed

    source = (here / "scaled_dense.py").read_text()
    (here / "scaled_dense.py").write_text(source.replace("dY * (1 - self.Y**2)", "dY"))
    assert session(here, "-q", "-x", "-W", "error", "--gradcheck-budget=0").status == 1


def test_nothing_is_left_of_the_name_it_started_with(here):
    new("Dense")

    for file in here.iterdir():
        assert "tarter" not in file.read_text()
        assert "class Dense:" in file.read_text() or "import Dense" in file.read_text()


@pytest.mark.parametrize("name", ["ScaledDense", "scaled_dense", "scaled-dense"])
def test_a_name_as_people_write_it(name, here):
    new(name)

    assert "class ScaledDense:" in (here / "scaled_dense.py").read_text()


def test_abbreviations_stay_together(here):
    new("RMSNorm")

    assert "class RMSNorm:" in (here / "rms_norm.py").read_text()


@pytest.mark.parametrize("there", ["dense.py", "test_dense.py"])
def test_what_is_there_is_left_as_it_is(there, here, capsys):
    (here / there).write_text("mine")
    with pytest.raises(SystemExit) as ended:
        new("Dense")

    assert ended.value.code == 2
    assert f"{there} is there already, and is left as it is" in capsys.readouterr().err
    assert [file.name for file in here.iterdir()] == [there]
    assert (here / there).read_text() == "mine"


def test_into_a_folder(here):
    (here / "layers").mkdir()

    assert new("Dense", "--into", "layers") == 0
    assert (here / "layers" / "test_dense.py").is_file()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["3D"], "NAME is '3D', which can be no class; write letters and digits, as in ScaledDense"),
        (["../up"], "can be no class"),
        (["class"], "can be no class"),
        (["_"], "can be no class"),
        (["Dense", "--into", "nowhere"], "--into names nowhere, and there is no such folder"),
    ],
)
def test_misuse(arguments, words, here, capsys):
    with pytest.raises(SystemExit) as ended:
        new(*arguments)

    assert ended.value.code == 2
    assert words in capsys.readouterr().err
    assert not [*here.iterdir()]


def test_into_a_folder_that_is_called_like_it(here):
    (here / "attention").mkdir()

    assert new("Attention", "--into", "attention") == 0
    assert session(here, "-q", "-x", "--collect-only").status == 0


@pytest.mark.parametrize("name", ["W", "Np"])
def test_a_name_that_the_tests_use_for_something_else(name, here):
    assert new(name) == 0
    assert session(here, "-q", "-x", "-k", "gradients").status == 0


@pytest.mark.parametrize("name", ["Class", "numpy", "Pytest", "test_dense", "DenseTest", "conftest", "true"])
def test_a_name_that_python_or_a_package_has_is_refused(name, here, capsys):
    with pytest.raises(SystemExit) as ended:
        new(name)

    assert ended.value.code == 2
    assert f"NAME is {name!r}" in capsys.readouterr().err
    assert not list(here.iterdir())
