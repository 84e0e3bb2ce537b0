"""Reports made by hand, one of each sort that a user can meet."""

from gradcheck.findings import Diagnosis, Entry, Leaf, OracleUse, Verdict
from gradcheck.report.report import Report

PASS, FAIL, INCONCLUSIVE = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE
BOTH = (OracleUse("autograd", True), OracleUse("differences", True))


def report(verdict, leaves=(), diagnoses=(), reasons=(), check="grad", **other):
    given = {
        "oracles": BOTH,
        "evaluations": 8,
        "claim_evaluations": 1,
        "seconds": 9e-4,
        "seed": 0,
        "rtol": 1e-6,
    }
    return Report(check, verdict, tuple(leaves), tuple(diagnoses), tuple(reasons), **(given | other))


def right(path, shape, resolution, **other):
    return Leaf(path, shape, "float64", PASS, resolution, **other)


def wrong(path, shape, error, entries, **other):
    at = entries[0].index if entries else None
    return Leaf(path, shape, "float64", FAIL, 2.31e-10, error, error, at, tuple(entries), **other)


BATCH = report(
    FAIL,
    [
        right("b1", (4,), 3.01e-11),
        wrong(
            "W1", (3, 4), 3.0, [Entry((0, 1), 1.2345678, 0.30864195, 1e-12), Entry((2, 1), -0.4, -0.1, 1e-13)]
        ),
        wrong("W2", (4, 1), 3.0, [Entry((0, 0), 4.0, 1.0, 1e-12)]),
    ],
    [
        Diagnosis(
            "scale",
            "W1",
            "W1 and W2 are 4 times the truth, and 4 is the batch size; b1 is right. Divide them by len(X).",
            {"factor": 4.0},
        ),
        Diagnosis("other", "W2", "W2 is off by 3.", certainty="possible"),
    ],
    evaluations=13,
)

SAMPLES = {
    "pass": report(
        PASS,
        [right("W1", (784, 128), 2.31e-10), right("b1", (128,), 3.01e-11)],
        miss_probability=3.4e-12,
        oracles=(*BOTH, OracleUse("complex step", False, "np.abs is not analytic")),
    ),
    "pass_one_leaf": report(PASS, [right("x", (), 4e-11)], check="vjp", evaluations=1),
    "pass_untested_leaf": report(
        PASS,
        [right("x", (3,), 4e-11), right("y", (2,), None, note="not tested: the derivative is zero here")],
        notes=("y never reaches the output of f.",),
    ),
    "pass_at_kink": report(
        PASS, [right("x", (5,), 1e-9, note="at a kink, accepted as a subgradient")], check="layer"
    ),
    "pass_many_leaves": report(PASS, [right(f"params[{i}]", (2,), 1e-11 * (i + 1)) for i in range(40)]),
    "fail_batch_factor": BATCH,
    "fail_small_relative": report(
        FAIL,
        [
            wrong(
                "p", (5,), 3.1e-8, [Entry((2,), 0.30864196, 0.30864195, 1e-12), Entry((0,), 2.0, 2.0, 1e-12)]
            )
        ],
        [Diagnosis("small_relative", "p", "p is off by a relative 3e-08.", certainty="likely")],
    ),
    "fail_shape": report(
        FAIL,
        [Leaf("b", (4,), "float64", FAIL, note="(8, 4) came, (4,) is due")],
        [Diagnosis("shape", "b", "b has the batch's axis still: sum over it with .sum(axis=0).")],
        check="jacobian",
    ),
    "fail_nonfinite_entry": report(
        FAIL, [wrong("x", (3,), float("inf"), [Entry((1,), float("nan"), 0.0, 1e-12)])]
    ),
    "fail_mutates": report(
        FAIL,
        [Leaf("x", (3,), "float64", FAIL)],
        [Diagnosis("mutates_input", "x", "The gradient writes into x: x[0] was 1.0 and came back 0.0.")],
    ),
    "inconclusive": report(
        INCONCLUSIVE,
        [Leaf("x", (3,), "float64", INCONCLUSIVE)],
        reasons=[
            "f is random: called twice at the same point it gave 1.25 and 0.75. This is no fault of the "
            "claim. Draw the mask outside of f and pass it in as an argument."
        ],
        oracles=(),
        check="hvp",
        seed=7,
    ),
}
