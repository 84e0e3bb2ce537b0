"""Every way of writing a layer: its parameters are found, right ones pass, and planted mistakes fail."""

import pytest

import gradcheck
from tests.layers.made import MADE, planted

MISTAKEN = [(name, mistake) for name, made in MADE.items() for mistake in made.mistakes]


def check(name: str):
    made = MADE[name]
    return gradcheck.check_layer(made.make(), *made.inputs(), raise_on_failure=False)


@pytest.mark.parametrize("name", MADE)
def test_a_right_layer_passes_with_all_its_parameters_found(name: str) -> None:
    report = check(name)
    assert {leaf.path for leaf in report.leaves} == MADE[name].leaves, report
    assert report.verdict == "pass", report


@pytest.mark.parametrize(("name", "mistake"), MISTAKEN)
def test_a_wrong_one_fails(name: str, mistake: str) -> None:
    with planted(mistake):
        assert check(name).verdict == "fail"
