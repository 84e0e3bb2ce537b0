"""Finding cases in modules, packages and files."""

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from gradcheck.verify.case import Case
from gradcheck.verify.collect import Broken, collect
from gradcheck.verify.importing import UnknownTarget, importable

CASE = """
import numpy as np
from gradcheck import Case

def square(x):
    return np.sum(x**2)

def case(name):
    return Case(name, square, lambda x: 2 * x, (np.ones(3),))
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    """``write("package/module.py", source)``; modules imported from there are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    known = set(sys.modules)

    def write(name, source):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source)
        return file

    with importable(tmp_path):
        yield write
    for name in set(sys.modules) - known:
        del sys.modules[name]


def names(*targets):
    return [found.name for found in collect(targets)]


def test_cases_at_module_level_in_lists_and_from_cases(write):
    write(
        "zoo_a.py",
        CASE + 'ONE = case("one")\nSOME = [case("two"), case("three")]\ndef cases(): return [case("four")]',
    )

    assert names("zoo_a") == ["one", "two", "three", "four"]


def test_a_file_by_its_path(write):
    file = write("folder/zoo_b.py", CASE + 'ONE = case("one")')

    assert names(str(file)) == ["one"]


def test_a_file_imports_its_neighbours(write):
    write("folder/zoo_neighbour.py", CASE)
    file = write("folder/zoo_c.py", 'from zoo_neighbour import case\nONE = case("one")')

    assert names(str(file)) == ["one"]


def test_a_file_of_a_package_may_import_relatively(write):
    write("zoo_d/__init__.py", "")
    write("zoo_d/helpers.py", CASE)
    file = write("zoo_d/module.py", 'from .helpers import case\nONE = case("one")')

    assert names(str(file)) == ["one"]


def test_a_file_named_like_a_module_in_use_shadows_nothing(write):
    import json

    file = write("folder/json.py", CASE + 'ONE = case("one")')

    assert names(str(file)) == ["one"]
    assert sys.modules["json"] is json


def test_a_package_with_all_its_submodules_but_main(write):
    write("zoo_e/__init__.py", CASE + 'ONE = case("one")')
    write("zoo_e/__main__.py", "raise SystemExit(1)")
    write("zoo_e/inner/__init__.py", "")
    write("zoo_e/inner/deep.py", 'from zoo_e import case\nTWO = case("two")')

    assert names("zoo_e") == ["one", "two"]
    assert names("./zoo_e") == ["one", "two"]


def test_a_case_imported_from_elsewhere_runs_once(write):
    write("zoo_f/__init__.py", "from zoo_f.a import ONE, cases")
    write("zoo_f/a.py", CASE + 'ONE = case("one")\ndef cases(): return [case("two")]')
    write("zoo_f/b.py", "from zoo_f.a import ONE, cases")

    assert sorted(names("zoo_f")) == ["one", "two"]


def test_a_module_that_cannot_be_imported_is_one_finding_among_others(write):
    write("zoo_g/__init__.py", "")
    write("zoo_g/bad.py", "import nowhere_to_be_found")
    write("zoo_g/good.py", CASE + 'ONE = case("one")')

    bad, good = collect(["zoo_g"])

    assert isinstance(bad, Broken)
    assert (bad.name, good.name) == ("zoo_g.bad", "one")
    assert "zoo_g.bad cannot be imported: ModuleNotFoundError" in bad.problem
    assert "import nowhere_to_be_found" in bad.traceback
    assert "importlib" not in bad.traceback


def test_a_file_that_cannot_be_parsed_is_told_by_its_line_alone(write):
    write("zoo_l.py", "def f(:\n    pass\n")

    (bad,) = collect(["zoo_l.py"])

    assert bad.traceback.startswith('  File "') and "zoo_l.py" in bad.traceback
    assert "def f(:" in bad.traceback and "SyntaxError" in bad.traceback
    assert "collect.py" not in bad.traceback


def test_a_script_that_ends_the_program_is_one_finding_among_others(write):
    write("zoo_script.py", "raise SystemExit('usage: zoo_script')")
    write("zoo_after.py", CASE + 'ONE = case("one")')

    bad, good = collect(["zoo_script", "zoo_after"])

    assert "SystemExit" in bad.problem
    assert good.name == "one"


def test_a_package_whose_parent_breaks_is_a_finding(write):
    write("zoo_h/__init__.py", "1 / 0")
    write("zoo_h/a.py", "")

    (bad,) = collect(["zoo_h.a"])

    assert "ZeroDivisionError" in bad.problem


def test_cases_that_raises_is_a_finding(write):
    write("zoo_i.py", CASE + 'ONE = case("one")\ndef cases(): raise OSError("no data")')

    case, bad = collect(["zoo_i"])

    assert case.name == "one"
    assert (bad.name, bad.problem) == ("zoo_i.cases()", "cases() raised OSError: no data")


def test_cases_that_returns_something_else_is_a_finding_and_loses_nothing(write):
    write("zoo_j.py", CASE + 'def cases(): return [case("one"), 7]')

    case, bad = collect(["zoo_j"])

    assert isinstance(case, Case)
    assert bad.problem == "cases() should return a list of Case objects, and returned also 7"


def test_cases_that_returns_no_list_is_told_what_came(write):
    write("zoo_m.py", "def cases(): return None")

    (bad,) = collect(["zoo_m"])

    assert (bad.problem, bad.traceback) == (
        "cases() should return a list of Case objects, and returned None",
        "",
    )


@pytest.mark.parametrize(
    "target", ["zoo_nowhere", "zoo_nowhere.py", "folder/zoo_nowhere.py", "json.nothing", "not a name"]
)
def test_an_unknown_target_is_named(target, write):
    with pytest.raises(UnknownTarget, match="there is no module, package or file"):
        collect([target])


def test_a_folder_that_is_no_package_is_named(write):
    write("folder/zoo_k.py", "")

    with pytest.raises(UnknownTarget, match=r"folder without __init__\.py"):
        collect(["./folder"])


def test_unknown_targets_are_noticed_before_anything_is_imported(write):
    write("zoo_l.py", "raise SystemExit('imported')")

    with pytest.raises(UnknownTarget):
        collect(["zoo_l", "zoo_nowhere"])


def test_the_import_path_is_put_back(tmp_path):
    before = list(sys.path)
    with importable(tmp_path):
        assert sys.path[0] == str(tmp_path)

    assert sys.path == before


@pytest.mark.parametrize(
    "targets",
    [
        ("zoo_twice.py", "./zoo_twice.py"), ("zoo_twice.py", "zoo_twice"), ("zoo_twice", "zoo_twice.py"),
        ("zoo_twice.py",) * 3, ("zoo_twice", "./zoo_twice.py", "zoo_twice"),
    ],
)  # fmt: skip
def test_a_file_that_is_named_twice_is_run_once(targets, write):
    write("zoo_twice.py", CASE + 'ONE = case("one")\ndef cases(): return [case("two")]')

    assert names(*targets) == ["one", "two"]


def test_a_package_and_its_file_are_run_once(write):
    write("zoo_pack/__init__.py", "")
    write("zoo_pack/inner.py", CASE + 'ONE = case("one")\ndef cases(): return [case("two")]')

    assert names("zoo_pack", "zoo_pack/inner.py", "zoo_pack.inner") == ["one", "two"]
    assert names("zoo_pack/inner.py", "zoo_pack") == ["one", "two"]


def test_files_of_the_same_name_are_two(write):
    write("a/zoo_same.py", CASE + 'ONE = case("of a")')
    write("b/zoo_same.py", CASE + 'ONE = case("of b")')

    assert names("a/zoo_same.py", "b/zoo_same.py") == ["of a", "of b"]


def test_a_file_is_run_once_and_under_its_own_name(write):
    write("zoo_count.py", CASE + 'open(__name__, "a").write("run ")\nONE = case("one")')

    assert names("zoo_count.py") == ["one"]
    assert Path("zoo_count").read_text() == "run "


def test_a_module_that_has_no_place_to_import_it_from_holds_its_cases():
    made = ModuleType("made")
    made.CASES = [Case("right", lambda x: x @ x, lambda x: 2 * x, (np.ones(2),))]

    assert [found.name for found in collect([made])] == ["right"]


def test_an_error_without_words_is_told_by_its_kind(tmp_path):
    file = tmp_path / "speechless.py"
    file.write_text("raise RuntimeError")
    (broken,) = collect([str(file)])

    assert broken.problem.endswith("speechless.py cannot be imported: RuntimeError")
