"""A report as a value: frozen, picklable, as dict and as strict JSON; the exceptions that carry it."""

import json
import pickle
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from gradcheck.ask import ambient
from gradcheck.findings import Diagnosis, Verdict
from gradcheck.report.report import GradientMismatch, InconclusiveCheck, conclude
from gradcheck.report.views.plain import plain, strict
from tests.sample_reports import BATCH, SAMPLES, right


def refuse(constant):
    raise AssertionError(f"{constant} is not JSON")


@pytest.mark.parametrize("name", SAMPLES)
def test_json_is_strict_and_says_the_same_as_the_dict(name):
    report = SAMPLES[name]

    assert json.loads(report.to_json(), parse_constant=refuse) == strict(report.to_dict())


def test_not_a_number_is_spelled_as_float_reads_it():
    entry = json.loads(SAMPLES["fail_nonfinite_entry"].to_json())["leaves"][0]["entries"][0]

    assert np.isnan(float(entry["claimed"]))


def test_dict_has_the_contract_s_names():
    names = {"verdict", "ok", "leaves", "diagnoses", "evaluations", "seconds", "seed", "reasons"}

    assert names <= BATCH.to_dict().keys()


def test_dict_of_a_leaf():
    leaf = BATCH.to_dict()["leaves"][1]

    assert (leaf["path"], leaf["shape"], leaf["verdict"], leaf["worst_index"]) == (
        "W1",
        [3, 4],
        "fail",
        [0, 1],
    )
    assert leaf["entries"][0] == {"index": [0, 1], "claimed": 1.2345678, "truth": 0.30864195, "bound": 1e-12}


def test_dict_tells_used_oracles_from_unused_ones():
    whole = SAMPLES["pass"].to_dict()

    assert whole["oracles"] == ["autograd", "differences"]
    assert whole["unused_oracles"] == {"complex step": "np.abs is not analytic"}


def test_evidence_of_any_kind_becomes_plain():
    evidence = {
        "ratio": np.float32(2),
        "axes": (0, np.int64(1)),
        "truth": np.eye(2),
        3: Verdict.PASS,
        "f": len,
    }

    assert plain(evidence) == {
        "ratio": 2.0,
        "axes": [0, 1],
        "truth": [[1.0, 0.0], [0.0, 1.0]],
        "3": "pass",
        "f": "<built-in function len>",
    }


def test_plain_strings_are_strings_and_no_enumeration():
    assert type(plain(Verdict.PASS)) is str


def test_report_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        BATCH.seed = 1


def test_report_survives_pickling():
    assert pickle.loads(pickle.dumps(BATCH)) == BATCH


@pytest.mark.parametrize(
    ("name", "kind"), [("fail_shape", GradientMismatch), ("inconclusive", InconclusiveCheck)]
)
def test_conclude_raises_what_belongs_to_the_verdict(name, kind):
    with pytest.raises(kind) as caught:
        conclude(SAMPLES[name], raise_on_failure=True, turn=ambient.turn(True))

    assert caught.value.report is SAMPLES[name]
    assert str(caught.value) == str(SAMPLES[name])
    assert isinstance(caught.value, AssertionError)


@pytest.mark.parametrize("name", ["fail_shape", "inconclusive", "pass"])
def test_conclude_returns_the_report_where_raising_is_not_wanted(name):
    assert conclude(SAMPLES[name], raise_on_failure=False, turn=ambient.turn(False)) is SAMPLES[name]


def test_a_pass_is_returned_where_raising_is_wanted():
    assert conclude(SAMPLES["pass"], raise_on_failure=True, turn=ambient.turn(True)).ok


def test_exceptions_survive_pickling():
    error = pickle.loads(pickle.dumps(GradientMismatch(BATCH)))

    assert error.report == BATCH


def test_who_listens_hears_a_failure_before_it_is_raised():
    heard = []
    with ambient.listening(lambda report, _: heard.append(report)), pytest.raises(GradientMismatch):
        conclude(BATCH, raise_on_failure=True, turn=ambient.turn(True))
    conclude(
        SAMPLES["pass"], raise_on_failure=True, turn=ambient.turn(True)
    )  # after the block nobody listens

    assert heard == [BATCH]


def test_default_seed_holds_within_its_block():
    with ambient.given(seed=3):
        within = ambient.default("seed")

    assert (within, ambient.default("seed")) == (3, 0)


def test_diagnosis_evidence_reaches_the_dict():
    report = replace(
        BATCH,
        diagnoses=(Diagnosis("scale", "x", "twice", {"factor": np.float64(2)}),),
        leaves=(right("x", (), 1e-9),),
    )

    assert report.to_dict()["diagnoses"] == [
        {
            "kind": "scale",
            "leaf": "x",
            "message": "twice",
            "evidence": {"factor": 2.0},
            "certainty": "certain",
            "advice": "",
        }
    ]
