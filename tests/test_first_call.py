"""The first call that everybody makes: a backward that returns what it returns, and argnums left out."""

import numpy as np
import pytest

from gradcheck import GradientMismatch, check_grad, check_vjp

R = np.random.default_rng(0)
N, D, H, K = 6, 4, 3, 2
W1, B1, W2, B2 = (
    R.standard_normal((D, H)),
    R.standard_normal(H),
    R.standard_normal((H, K)),
    R.standard_normal(K),
)
X, Y = R.standard_normal((N, D)), R.standard_normal((N, K))


def loss(W1, b1, W2, b2, X, y):
    return np.mean(np.sum((np.tanh(X @ W1 + b1) @ W2 + b2 - y) ** 2, axis=1))


def backward(W1, b1, W2, b2, X, y):
    h = np.tanh(X @ W1 + b1)
    d = 2 * (h @ W2 + b2 - y) / len(X)
    dh = d @ W2.T * (1 - h**2)
    dW1, db1, dW2, db2 = X.T @ dh, dh.sum(0), h.T @ d, d.sum(0)
    return dW1, db1, dW2, db2


def as_dict(*args, prefix="d"):
    dW1, db1, dW2, db2 = backward(*args)
    return {f"{prefix}W1": dW1, f"{prefix}b1": db1, f"{prefix}W2": dW2, f"{prefix}b2": db2}


def leaves(report):
    return [leaf.path for leaf in report.leaves]


def test_four_gradients_of_six_arguments() -> None:
    report = check_grad(loss, backward, W1, B1, W2, B2, X, Y)
    assert leaves(report) == ["W1", "b1", "W2", "b2"]
    assert any("argnums was left out" in note for note in report.notes)


@pytest.mark.parametrize("prefix", ["d", "", "grad_"])
def test_a_dict_of_gradients_by_name(prefix) -> None:
    report = check_grad(loss, lambda *args: as_dict(*args, prefix=prefix), W1, B1, W2, B2, X, Y)
    assert leaves(report) == ["W1", "b1", "W2", "b2"]


def test_a_dict_in_another_order_and_with_argnums() -> None:
    def claim(*args):
        return dict(reversed(as_dict(*args).items()))

    assert leaves(check_grad(loss, claim, W1, B1, W2, B2, X, Y)) == ["W1", "b1", "W2", "b2"]
    assert leaves(check_grad(loss, claim, W1, B1, W2, B2, X, Y, argnums=(0, 2))) == ["W1", "W2"]
    assert leaves(check_grad(loss, claim, W1, B1, W2, B2, X, Y, argnums=1)) == ["b1"]


def test_a_wrong_one_in_a_dict_fails_where_it_is_wrong() -> None:
    def claim(*args):
        gradients = as_dict(*args)
        return gradients | {"dW2": 2 * gradients["dW2"]}

    with pytest.raises(GradientMismatch) as caught:
        check_grad(loss, claim, W1, B1, W2, B2, X, Y)
    assert [leaf.path for leaf in caught.value.report.leaves if leaf.verdict == "fail"] == ["W2"]


def test_a_dict_of_parameters_with_gradients_by_other_keys() -> None:
    params = {"W1": W1, "b1": B1, "W2": W2, "b2": B2}

    def f(params, X, y):
        return loss(*params.values(), X, y)

    def claim(params, X, y):
        return as_dict(*params.values(), X, y) | {"dZ1": np.zeros(3), "dA1": np.zeros(3)}

    report = check_grad(f, claim, params, X, Y)
    assert leaves(report) == ["params['W1']", "params['b1']", "params['W2']", "params['b2']"]
    assert check_grad(f, claim, params, X, Y, argnums=0).ok


def test_where_shapes_tell_nothing_the_names_of_what_is_returned_do() -> None:
    A, B, C = R.standard_normal((3, 3, 3))

    def f(A, B, C):
        return np.sum(np.sin(A @ B) * C)

    def claim(A, B, C):
        d = np.cos(A @ B) * C
        dA, dB = d @ B.T, A.T @ d
        return dA, dB

    assert leaves(check_grad(f, claim, A, B, C)) == ["A", "B"]

    def nameless(A, B, C):
        d = np.cos(A @ B) * C
        return d @ B.T, A.T @ d

    with pytest.raises(TypeError, match="fits several choices of arguments"):
        check_grad(f, nameless, A, B, C)


def test_a_pullback_may_give_a_dict_too() -> None:
    def vjp(u, W1, X):
        return {"dX": u @ W1.T, "dW1": X.T @ u}

    assert leaves(check_vjp(lambda W1, X: X @ W1, vjp, W1, X)) == ["W1", "X"]


def _with(position, change):
    def claim(*args):
        gradients = list(backward(*args))
        gradients[position] = change(gradients[position])
        return tuple(gradients)

    return claim


@pytest.mark.parametrize("change", [lambda g: g[None], lambda g: g.T[..., None], lambda g: 0.5])
@pytest.mark.parametrize("position", [0, 1, 2, 3])
def test_a_leaf_of_another_shape_accuses_no_other(position, change) -> None:
    with pytest.raises(GradientMismatch) as caught:
        check_grad(loss, _with(position, change), W1, B1, W2, B2, X, Y)
    report = caught.value.report
    names = ["W1", "b1", "W2", "b2"]
    assert sorted(leaves(report)) == sorted(names)
    assert [leaf.path for leaf in report.leaves if leaf.verdict == "fail"] == [names[position]]


def test_transposed_leaves_are_known_by_the_names_of_what_is_returned() -> None:
    def claim(W1, b1, W2, b2, X, y):
        dW1, db1, dW2, db2 = (np.sum(g) for g in backward(W1, b1, W2, b2, X, y))
        return dW1, db1, dW2, db2

    with pytest.raises(GradientMismatch) as caught:
        check_grad(loss, claim, W1, B1, W2, B2, X, Y)
    assert sorted(leaves(caught.value.report)) == ["W1", "W2", "b1", "b2"]


def test_a_gradient_of_nothing_that_f_takes_is_still_told_as_one_short() -> None:
    with pytest.raises(GradientMismatch, match="wanted a tuple of 6 gradients"):
        check_grad(loss, lambda *args: (np.ones(17), np.ones(19)), W1, B1, W2, B2, X, Y)


def test_many_arguments_are_matched_at_once() -> None:
    args = [np.full(1 + i % 7, 0.1 + i) for i in range(120)]

    def f(*args):
        return sum(np.sum(np.sin(arg)) for arg in args)

    def claim(*args):
        return tuple(np.cos(arg) for arg in args[:60])

    with pytest.raises(TypeError, match="fits several choices of arguments"):
        check_grad(f, claim, *args)


@pytest.mark.parametrize(
    ("came", "told"),
    [
        ({"gradient": np.ones(3)}, "grad returned dict with keys ['gradient'] for x; wanted a float64 array"),
        ("abc", "grad returned str for x; wanted"),
        ([np.ones(3), 3.0], "grad returned list of 2 (float64 array of shape (3,), float) for x; wanted"),
        (None, "no gradient came back for x"),
    ],
)
def test_what_came_instead_of_a_gradient_is_told(came, told):
    report = check_grad(
        lambda x: np.sum(x**2), lambda x: came, np.array([0.3, -1.2, 2.0]), raise_on_failure=False
    )

    assert report.verdict == "fail"
    assert report.diagnoses[0].message.startswith(told)
    assert [one.kind for one in report.diagnoses] == ["shape"]
