"""The backward pass that is written for f: right at other points and sizes, and refused where it cannot be."""

import math
import pickle

import numpy as np
import pytest

import gradcheck
from gradcheck import cli

OFFSET = 0.3


def softmax(z):
    z = z - z.max(axis=1, keepdims=True)
    e = np.exp(z)
    return e / e.sum(axis=1, keepdims=True)


def softplus(z, sharp=1.0):
    return np.log1p(np.exp(sharp * z)) / sharp


def squares(w, b, X, y):
    """Names that a form of ours has as well: x, y, a, b, g."""
    n, d = X.shape
    g = X @ w + b - y
    return np.sum(g**2) / n + 0.1 / d * np.sum(w**2)


def classifier(W1, b1, W2, b2, X, y):
    h = np.maximum(X @ W1 + b1, 0)
    p = softmax(h @ W2 + b2)
    return -np.mean(np.log(p[np.arange(len(y)), y]))


def logistic(w, X, y):
    sigmoid = lambda z: 1 / (1 + np.exp(-z))  # noqa: E731 - as people write it
    p = sigmoid(X @ w)
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


def layer_norm(x, gamma, beta, eps=1e-5):
    mu = x.mean(-1, keepdims=True)
    var = ((x - mu) ** 2).mean(-1, keepdims=True)
    return gamma * (x - mu) / np.sqrt(var + eps) + beta


def attention(Q, K, V):
    return softmax(Q @ K.T / np.sqrt(Q.shape[1])) @ V


def evidence(A, y):
    S = A @ A.T + np.eye(len(A))
    return y @ np.linalg.solve(S, y) + np.log(np.linalg.det(S)) + np.trace(np.linalg.inv(S))


def embedded(E, ids, y):
    return np.sum((E[ids].mean(axis=0) - y) ** 2)


def huber(w, X, y, delta=1.0):
    r = X @ w - y
    a = np.abs(r)
    return np.mean(np.where(a <= delta, 0.5 * r**2, delta * (a - 0.5 * delta)))


def in_a_dict(params, X, y):
    h = np.tanh(X @ params["W1"] + params["b1"])
    return 0.5 * np.mean((h @ params["W2"] - y) ** 2)


def in_a_list(params, X):
    W, b = params
    return np.std(X @ W + b) + np.var(X @ W, axis=0).sum() + np.prod(softplus(b, sharp=2.0))


def stacks(A, B):
    return A @ B + OFFSET


def contracted(Q, K):
    return np.einsum("bij,bkj->bik", Q, K)


def reshaped(X):
    n, c, h, w = X.shape
    return X.reshape(n, c, h // 2, 2, w // 2, 2).mean(axis=(3, 5))


def parts(x):
    z = x[1:] * x[:-1]
    z += np.clip(x[::-1][:-1], -0.5, 0.5)
    return np.minimum(z, x[1:]).max() + z[:, None].sum() + np.hypot(z, 1.0).sum()


def one_number(x):
    return math.sin(x) * math.exp(-x * x)


def weighed(x, g):
    return np.linalg.norm(x) * np.outer(x, g).sum() + np.logaddexp(x, g).sum()


R = np.random.default_rng(7)


def n(*shape):
    return R.standard_normal(shape)


WRITTEN = {
    "squares": ("grad", squares, (n(3), 0.3, n(5, 3), n(5)), (0, 1)),
    "classifier": (
        "grad",
        classifier,
        (n(4, 5), n(5), n(5, 3), n(3), n(6, 4), R.integers(0, 3, 6)),
        (0, 1, 2, 3),
    ),
    "logistic": ("grad", logistic, (n(3), n(5, 3), R.integers(0, 2, 5).astype(float)), 0),
    "layer norm": ("vjp", layer_norm, (n(4, 6), n(6), n(6)), None),
    "attention": ("vjp", attention, (n(4, 3), n(5, 3), n(5, 2)), None),
    "evidence": ("grad", evidence, (n(3, 3), n(3)), None),
    "embedding": ("grad", embedded, (n(5, 3), np.array([1, 2, 1]), n(3)), 0),
    "huber": ("grad", huber, (n(3), n(9, 3), n(9)), 0),
    "dict": ("grad", in_a_dict, ({"W1": n(3, 4), "b1": n(4), "W2": n(4, 2)}, n(5, 3), n(5, 2)), 0),
    "list": ("grad", in_a_list, ([n(3, 4), n(4)], n(5, 3)), 0),
    "stacks": ("vjp", stacks, (n(2, 3, 4), n(4, 5)), None),
    "einsum": ("vjp", contracted, (n(2, 3, 4), n(2, 5, 4)), None),
    "reshape": ("vjp", reshaped, (n(2, 1, 4, 6),), None),
    "parts": ("grad", parts, (n(7),), None),
    "one number": ("grad", one_number, (0.7,), None),
    "lambda": ("grad", lambda x: np.sum(np.where(x > 0, x**3, np.exp(x)) * x[::-1]), (n(5),), None),
    "letters": ("grad", weighed, (n(4), n(4)), None),
}


def derived(kind, f, args, argnums):
    report = getattr(gradcheck, f"check_{kind}")(
        f, lambda *_: None, *args, argnums=argnums, raise_on_failure=False
    )
    return report.right_backward()


def moved(tree):
    """The same build elsewhere, with a batch (a first axis of data that f is not differentiated by) as it is."""
    if isinstance(tree, dict):
        return {key: moved(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [moved(value) for value in tree]
    return tree + 0.37 * np.cos(3.0 * np.asarray(tree)) if np.asarray(tree).dtype.kind == "f" else tree


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written_is_right_elsewhere(name):
    kind, f, args, argnums = WRITTEN[name]
    text = derived(kind, f, args, argnums)
    space = {**globals()}
    exec(text, space)
    made = space["gradient" if kind == "grad" else "vjp"]
    elsewhere = [moved(one) if name != "logistic" or place < 2 else one for place, one in enumerate(args)]
    assert getattr(gradcheck, f"check_{kind}")(f, made, *elsewhere, argnums=argnums).ok


@pytest.mark.parametrize("size", [1, 2, 9])
def test_it_holds_for_other_batches(size):
    kind, f, args, argnums = WRITTEN["classifier"]
    space = {**globals()}
    exec(derived(kind, f, args, argnums), space)
    W1, b1, W2, b2 = args[:4]
    rng = np.random.default_rng(size)
    X, y = rng.standard_normal((size, 4)), rng.integers(0, 3, size)
    assert gradcheck.check_grad(f, space["gradient"], W1, b1, W2, b2, X, y, argnums=argnums).ok


def test_it_reads_as_a_person_would_write_it():
    def loss(W1, W2, X, Y):
        h = np.tanh(X @ W1)
        return np.mean((h @ W2 - Y) ** 2)

    text = derived("grad", loss, (n(3, 4), n(4, 2), n(5, 3), n(5, 2)), (0, 1))
    assert text == (
        "def gradient(W1, W2, X, Y):\n"
        "    h = np.tanh(X @ W1)\n"
        "    z = h @ W2 - Y\n"
        "\n"
        "    dz = 2 / Y.size * z\n"
        "    dh = dz @ W2.T\n"
        "    dW1 = X.T @ (dh * (1 - h ** 2))\n"
        "    dW2 = h.T @ dz\n"
        "    return dW1, dW2\n"
    )


def looped(W, X):
    for _ in range(3):
        X = np.tanh(X @ W)
    return X.sum()


def branched(x):
    if x.sum() > 0:
        return x.sum()
    return (x**2).sum()


def written_into(x):
    y = np.zeros(3)
    y[0] = x[0]
    return y.sum()


def unknown(x):
    return np.sum(np.sinc(x))


@pytest.mark.parametrize(
    ("f", "args", "words"),
    [
        (looped, (n(3, 3), n(2, 3)), "a loop"),
        (branched, (n(3),), "a branch"),
        (written_into, (n(3),), "writes into y[0]"),
        (unknown, (n(3),), "np.sinc() has no rule here"),
        (eval("lambda x: x.sum()"), (n(3),), "no source that could be read"),
    ],
)
def test_what_cannot_be_written_is_said(f, args, words):
    with pytest.raises(ValueError, match=words.replace("(", r"\(").replace(")", r"\)").replace("[", r"\[")):
        derived("grad", f, args, None)


def test_a_report_from_elsewhere_and_other_kinds_say_what_they_lack():
    report = gradcheck.check_grad(unknown, lambda x: x, n(3), raise_on_failure=False)
    with pytest.raises(ValueError, match="no longer has it at hand"):
        pickle.loads(pickle.dumps(report)).right_backward()
    jvp = gradcheck.check_jvp(np.sin, lambda t, x: t * np.cos(x), n(3))
    with pytest.raises(ValueError, match="this is a check of a jvp"):
        jvp.right_backward()


def test_the_argument_and_the_point_stay_as_they_are():
    kind, f, args, argnums = WRITTEN["list"]
    kept = pickle.dumps(args)
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    derived(kind, f, args, argnums)
    assert pickle.dumps(args) == kept
    assert np.array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_the_command_prints_it(tmp_path, monkeypatch, capsys):
    (tmp_path / "net.py").write_text(
        "import numpy as np\ndef loss(W, X):\n    return np.sum(np.tanh(X @ W))\n"
    )
    monkeypatch.chdir(tmp_path)
    assert cli.main(["explain", "--derive", "net.py:loss", "--shapes", "W=d h, X=n d", "--argnums", "W"]) == 0
    assert capsys.readouterr().out == (
        "def gradient(W, X):\n    h = np.tanh(X @ W)\n\n    dW = X.T @ (1 - h ** 2)\n    return dW\n"
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["net.py:loss"], "--derive needs a function and where to look at it"),
        (["net.py:size", "--shapes", "W=d"], "which is no function but a int"),
        (
            ["net.py:loop", "--shapes", "W=d"],
            "net.py:loop: line 4 of f does more than give a value to a name: a loop",
        ),
    ],
)
def test_the_command_says_what_it_lacks(words, told, tmp_path, monkeypatch, capsys):
    (tmp_path / "net.py").write_text(
        "size = 3\ndef loss(W): return W.sum()\ndef loop(W):\n    for w in W: W = W + w\n"
    )
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        cli.main(["explain", "--derive", *words])
    assert ended.value.code == 2
    assert told in " ".join(capsys.readouterr().err.split())


def wrong(x):
    return np.cos(7.0 * x) + 3.0


def weird(x):
    return np.sum(x * np.exp(-(x**2)) / (1.0 + np.exp(x)))


def test_where_no_edit_is_found_it_is_offered():
    report = gradcheck.check_grad(weird, wrong, n(4), raise_on_failure=False)
    assert not report.blame
    assert report.to_dict()["search"].endswith(
        "report.right_backward() writes a backward pass of f that passes."
    )


@pytest.mark.gradcheck(budget=0)
def test_nothing_is_offered_where_nothing_may_be_searched():
    report = gradcheck.check_grad(weird, wrong, n(4), raise_on_failure=False)
    assert report.to_dict()["search"] == ""
    assert "def gradient(x):" in report.right_backward()


def test_whatever_becomes_of_the_offer_the_report_is_printed():
    report = gradcheck.check_grad(weird, wrong, n(4), raise_on_failure=False)

    def derive():
        raise RecursionError("too deep")

    assert str(report.remembering(derive=derive)).startswith("fail")
