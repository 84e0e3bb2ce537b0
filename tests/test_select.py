"""Words that choose cases."""

import pytest

from gradcheck.verify.select import matcher


@pytest.mark.parametrize(
    ("expression", "chosen"),
    [
        ("", ["losses/mse", "losses/bce_float32", "mlp/relu"]),
        ("losses", ["losses/mse", "losses/bce_float32"]),
        ("MSE", ["losses/mse"]),
        ("losses and not float32", ["losses/mse"]),
        ("mse or relu", ["losses/mse", "mlp/relu"]),
        ("not (mse or relu)", ["losses/bce_float32"]),
        ("not not mse", ["losses/mse"]),
        ("relu or losses and not mse", ["losses/bce_float32", "mlp/relu"]),
        ("nothing", []),
    ],
)
def test_words_and_their_combinations(expression, chosen):
    assert [
        name for name in ["losses/mse", "losses/bce_float32", "mlp/relu"] if matcher(expression)(name)
    ] == chosen


@pytest.mark.parametrize(
    "expression",
    ["and", "mse or", "(mse", "mse)", "mse relu", "not", "()", "mse or (relu (bce))", "(" * 5000],
)
def test_what_is_no_expression_is_refused(expression):
    with pytest.raises(ValueError, match="is not words joined by and, or, not"):
        matcher(expression)


def test_words_are_never_evaluated():
    assert not matcher("__import__ or open")("losses/mse")


def test_nothing_is_handed_to_the_interpreter(monkeypatch):
    monkeypatch.setattr("builtins.eval", lambda *_: pytest.fail("eval"))

    assert matcher("mse or relu")("losses/mse")
