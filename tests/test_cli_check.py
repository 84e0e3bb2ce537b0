"""``gradcheck check``: functions named, a point read or drawn, the report and the status."""

import json
from itertools import product

import numpy as np
import pytest

from gradcheck import cli

NET = """
import numpy as np

counted = 0

def loss(w, X, y):
    return np.mean((X @ w - y) ** 2)

def right(w, X, y):
    return 2 / len(y) * X.T @ (X @ w - y)

def wrong(w, X, y):
    return 2 * X.T @ (X @ w - y)

def slightly(w, X, y):
    return right(w, X, y) * (1 + 1e-4)

def noisy(w, X, y):
    return loss(w, X, y) + np.random.default_rng().random()

def picked(table, ids, keep, s=2.0):
    return np.sum(s * table[ids] ** 2 * keep[:, None])

def picked_gradient(table, ids, keep, s=2.0):
    gradient = np.zeros_like(table)
    np.add.at(gradient, ids, 2 * s * table[ids] * keep[:, None])
    return gradient

def picked_wrong(table, ids, keep, s=2.0):
    gradient = np.zeros_like(table)
    gradient[ids] += 2 * s * table[ids] * keep[:, None]
    return gradient

def power(x, n):
    return np.sum(x**n)

def power_gradient(x, n):
    return n * x ** (n - 1)

def linear(X, W):
    return X @ W

def linear_vjp(u, X, W):
    return u @ W.T, X.T @ u

def linear_jvp(v, X, W):
    return v[0] @ W + X @ v[1]

state = np.random.default_rng().random()

def scaled(x):
    return state * np.sum(x**2)

def scaled_gradient(x):
    return state * 2 * x

def broken(x):
    raise RuntimeError("out of cheese")

class Dense:
    def __init__(self):
        rng = np.random.default_rng(0)
        self.W, self.b = rng.standard_normal((3, 2)), rng.standard_normal(2)

    def forward(self, X):
        self.X = X
        return X @ self.W + self.b

    def backward(self, u):
        self.dW, self.db = self.X.T @ u, u.sum(axis=0)
        return u @ self.W.T

dense = Dense()

class NeedsSize:
    def __init__(self, size):
        self.size = size

    def backward(self, u):
        return u
"""

SQUARES = "--shapes", "w=d, X=n d, y=n", "--argnums", "w"


@pytest.fixture(autouse=True)
def net(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    (tmp_path / "net.py").write_text(NET)
    return tmp_path


def run(f, claim, *options):
    claims = [] if claim is None else [f"net.py:{claim}"]
    return cli.main(["check", f"net.py:{f}", *claims, *map(str, options)])


def test_right_is_0_with_the_point_and_the_report(capsys):
    assert run("loss", "right", *SQUARES) == 0

    point, _, report = capsys.readouterr().out.partition("\n\n")
    assert "seed 0): w float64 (" in " ".join(point.split())
    assert report.startswith("pass: the gradient is right")


def test_wrong_is_1_with_the_line_and_the_edit(capsys):
    assert run("loss", "wrong", *SQUARES) == 1

    out = capsys.readouterr().out
    assert "fail: the gradient is wrong in w" in out
    assert "+ return 2 * X.T @ (X @ w - y) / len(X)" in out


def test_what_cannot_be_told_is_3(capsys):
    assert run("noisy", "right", *SQUARES) == 3
    assert "f is random" in capsys.readouterr().out


def test_a_function_that_raises_cannot_be_told_and_shows_no_traceback(capsys):
    assert run("broken", "scaled_gradient", "--shapes", "x=3") == 3

    out, err = capsys.readouterr()
    assert "RuntimeError: out of cheese" in out
    assert "Traceback" not in out + err


@pytest.mark.parametrize(("kind", "claim"), [("vjp", "linear_vjp"), ("jvp", "linear_jvp")])
def test_other_kinds(kind, claim):
    assert run("linear", claim, "--kind", kind, "--shapes", "X=n d, W=d h") == 0


def test_a_layer_by_its_class_or_as_it_is(capsys):
    for name, kind in product(("Dense", "dense"), (("--kind", "layer"), ())):
        assert run(name, None, *kind, "--shapes", "X=n 3") == 0
        assert "forward/backward of Dense; parameters W, b" in capsys.readouterr().out


def test_arguments_are_given_by_name_in_any_order():
    assert run("loss", "right", "--shapes", "y=n, w=d, X=n d", "--argnums", "w") == 0


def test_indices_and_masks_are_drawn_so_that_a_lost_sum_shows():
    shapes = "--shapes", "table=v d, ids=int n < v, keep=bool n"

    assert run("picked", "picked_gradient", *shapes, "--argnums", "table") == 0
    assert run("picked", "picked_wrong", *shapes, "--argnums", "table") == 1


def test_sizes_and_precision_are_as_asked(capsys):
    run("loss", "right", *SQUARES, "--size", "n=11, d=2", "--dtype", "float32")

    assert "X float32 (11, 2)" in " ".join(capsys.readouterr().out.split())


def test_the_seed_draws_the_point_and_the_directions(capsys):
    def printed(seed):
        run("loss", "wrong", *SQUARES, "--size", "n=5, d=3", "--seed", seed)
        return capsys.readouterr().out.partition("worst entries first")[2]

    assert printed(1) == printed(1) != printed(2)


def test_a_point_from_a_file_by_name(net, capsys):
    rng = np.random.default_rng(0)
    np.savez(
        net / "point.npz", y=rng.standard_normal(4), X=rng.standard_normal((4, 2)), w=rng.standard_normal(2)
    )

    assert run("loss", "right", "--at", "point.npz", "--argnums", "0") == 0
    assert capsys.readouterr().out.startswith("at point.npz: y float64 (4,), X float64 (4, 2)")


def test_a_point_from_a_file_by_place_with_numbers_as_numbers(net):
    np.savez(net / "point.npz", np.array([0.5, 1.5]), 3)

    assert run("power", "power_gradient", "--at", "point.npz", "--argnums", "x") == 0


def test_both_functions_are_of_one_import_of_their_file():
    assert run("scaled", "scaled_gradient", "--shapes", "x=n") == 0


def test_what_is_meant_is_allowed_of_all_or_by_leaf():
    assert run("loss", "slightly", *SQUARES) == 1
    assert run("loss", "slightly", *SQUARES, "--allow", "1e-3") == 0
    assert run("loss", "slightly", *SQUARES, "--allow", "w=1e-3") == 0


def test_strict_is_passed_on():
    one = *SQUARES, "--size", "n=1"

    assert run("loss", "right", *one) == 0
    assert run("loss", "right", *one, "--strict") == 3


def test_rtol_is_passed_on():
    assert run("loss", "right", *SQUARES, "--dtype", "float32", "--rtol", "1e-12") == 3


def test_as_json(capsys):
    run("loss", "wrong", *SQUARES, "--format", "json")

    (check,) = json.loads(capsys.readouterr().out)["checks"]
    assert (check["name"], check["verdict"]) == ("net.py:loss", "fail")
    assert check["diagnoses"][0]["kind"] == "scale"


def test_as_a_line_for_editors(net, capsys):
    run("loss", "wrong", *SQUARES, "--format", "concise")

    expression = "2 * X.T @ (X @ w - y)"
    line = f"{net / 'net.py'}:13:12: `{expression}`: With {expression} / len(X) in its place, w is right"
    assert capsys.readouterr().out.startswith(line)


def test_diff_and_fix(net, capsys):
    assert run("loss", "wrong", *SQUARES, "--diff") == 1
    assert "+    return 2 * X.T @ (X @ w - y) / len(X)" in capsys.readouterr().out
    assert (net / "net.py").read_text() == NET

    assert run("loss", "wrong", *SQUARES, "--fix") == 0
    assert "return 2 * X.T @ (X @ w - y) / len(X)" in (net / "net.py").read_text()


def test_it_fits_a_narrow_screen(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    run("loss", "wrong", *SQUARES)

    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if len(line) > 60] == [line for line in lines if line.startswith("fail: ")]


W = "--shapes", "w=d"


@pytest.mark.parametrize(
    ("f", "claim", "options", "words"),
    [
        ("los", "right", W, "F is 'net.py:los', and there is no los in net.py; did you mean loss?"),
        ("loss", "xyz", W, "CLAIM is 'net.py:xyz', and there is no xyz in net.py; there are loss, right, wrong"),
        ("loss", "state", W, "CLAIM is 'net.py:state', which is no function but a float"),
        ("loss", None, W, "CLAIM is missing: what should compute the gradient of net.py:loss?"),
        ("loss", "right", W, "the point gives no X, which loss(w, X, y) needs"),
        ("loss", "right", ("--shapes", "w=d, Z=n"), "gives Z, and loss(w, X, y) takes no argument of this name"),
        ("loss", "right", ("--shapes", "w"), "--shapes holds 'w'; write NAME=AXES, with commas between"),
        ("loss", "right", ("--shapes", "w=d, w=n"), "--shapes gives w twice"),
        ("loss", "right", ("--shapes", "w=d!"), "'d!' is no axis; write names and numbers"),
        ("loss", "right", ("--shapes", "w=1000000000 1000000"), "--shapes: Unable to allocate"),
        ("loss", "right", ("--shapes", "y=int n"), "say what the indices lie below, as in 'int n < v'"),
        ("loss", "right", (*W, "--size", "n=2"), "--size gives n, which --shapes does not name; it names d"),
        ("loss", "right", (*W, "--size", "d"), "--size holds 'd'; write NAME=LENGTH, with commas between, as in 'n=8"),
        ("loss", "right", (*SQUARES, "--allow", "w"), "--allow holds 'w'; write a size, as 1e-5, or one by leaf"),
        ("loss", "right", (*W, "--size", "d=big"), "--size gives d=big; a length is a whole number"),
        ("loss", "right", (*SQUARES[:2], "--argnums", "q"), "--argnums names q, which is no argument of F"),
        ("loss", "right", (*SQUARES, "--allow", "w=much"), "--allow is 'w=much'; write a size, as 1e-5"),
        ("loss", "right", (*SQUARES, "--allow", "q=1e-5"), "allow names 'q', which is no leaf"),
        ("loss", "right", ("--at", "nowhere.npz"), "--at names nowhere.npz, and there is no such file"),
        ("loss", "right", ("--at", "net.py"), "--at names net.py, which is no file of arrays by name"),
        ("loss", "right", ("--at", "net.py", "--size", "n=2"), "--size is for --shapes"),
        ("loss", "right", (), "one of the arguments --at --shapes is required"),
        ("loss", "right", (*W, "--rtol", "2"), "argument --rtol: '2' is no number between 0 and 1"),
        ("loss", "right", (*W, "--seed", "-1"), "argument --seed: '-1' is no whole number of at least 0"),
        ("loss", "right", (*W, "--html", "no/such/a.html"), "there is no folder no/such to write a.html into"),
        ("NeedsSize", None, ("--kind", "layer", *W), "should make a layer when it is called without arguments"),
        ("NeedsSize", None, W, "Give the name of one that is made: layer = NeedsSize(...)"),
        ("loss", "right", ("--shapes", "w=int 3 < 4, X=int 2 3 < 4, y=int 2 < 4"), "float"),
    ],
)  # fmt: skip
def test_bad_input_is_2_and_says_what_came_and_what_was_wanted(f, claim, options, words, capsys):
    with pytest.raises(SystemExit) as ended:
        run(f, claim, *options)

    out, err = capsys.readouterr()
    assert ended.value.code == 2
    assert words in err
    assert out == "" and "Traceback" not in err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("net.py", "F is 'net.py'; write MODULE:NAME or FILE.py:NAME, as in net.py:loss"),
        (":loss", "write MODULE:NAME"),
        ("nowhere:loss", "F is 'nowhere:loss': there is no module, package or file 'nowhere'"),
        ("bad.py:loss", "bad.py cannot be imported: ZeroDivisionError: division by zero ("),
        ("ends.py:loss", "ends.py cannot be imported: SystemExit: usage"),
    ],
)
def test_modules_that_are_none(text, words, net, capsys):
    (net / "bad.py").write_text("1 / 0")
    (net / "ends.py").write_text("raise SystemExit('usage')")
    with pytest.raises(SystemExit) as ended:
        cli.main(["check", text, "net.py:right", *W])

    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_a_damaged_file_of_arrays_is_no_traceback(net, capsys):
    np.savez(net / "point.npz", w=np.ones(3))
    whole = (net / "point.npz").read_bytes()
    for name, damaged in (("cut.npz", whole[: len(whole) // 2]), ("empty.npz", b"")):
        (net / name).write_bytes(damaged)
        with pytest.raises(SystemExit):
            run("scaled", "scaled_gradient", "--at", name)
        assert "is no file of arrays by name" in capsys.readouterr().err
    np.save(net / "one.npy", np.ones(3))
    with pytest.raises(SystemExit):
        run("scaled", "scaled_gradient", "--at", "one.npy")
    assert "is no file of arrays by name" in capsys.readouterr().err
    np.savez(net / "objects.npz", w=np.array([None, 1], dtype=object))
    with pytest.raises(SystemExit):
        run("scaled", "scaled_gradient", "--at", "objects.npz")
    assert "whose array w holds Python objects, which are not read" in capsys.readouterr().err


def test_one_file_in_two_spellings_is_imported_once():
    assert cli.main(["check", "net.py:scaled", "./net.py:scaled_gradient", "--shapes", "x=n"]) == 0


def test_a_precision_is_for_what_is_drawn(capsys):
    np.savez("point.npz", x=np.ones(3))
    with pytest.raises(SystemExit, match="2"):
        run("scaled", "scaled_gradient", "--at", "point.npz", "--dtype", "float32")
    assert "--dtype is for --shapes" in capsys.readouterr().err


BY_NAME = """
import numpy as np

def loss(w, X, *, scale=2.0, y):
    return np.mean(scale * (X @ w - y) ** 2)

def gradient(w, X, *, scale=2.0, y):
    return 2 * scale / len(y) * X.T @ (X @ w - y)

def half(w, X, *, y, scale=2.0):
    return scale / len(y) * X.T @ (X @ w - y)

def product(*, w, x):
    return np.tanh(w * x)

def product_vjp(u, *, x, w):
    d = u * (1 - np.tanh(w * x) ** 2)
    return d * x, d * w

def product_swapped(u, *, x, w):
    return product_vjp(u, x=w, w=x)

class Scaled:
    def forward(self, X, *, scale):
        return scale * X

    def backward(self, u):
        return u
"""


@pytest.mark.parametrize(
    ("f", "claim", "options", "status"),
    [
        ("loss", "gradient", ("--shapes", "w=d, X=n d, y=n"), 0),
        ("loss", "gradient", ("--shapes", "y=n, X=n d, scale=, w=d"), 0),
        ("loss", "half", ("--shapes", "w=d, X=n d, y=n", "--argnums", "w"), 1),
        ("product", "product_vjp", ("--kind", "vjp", "--shapes", "w=n, x=n"), 0),
        ("product", "product_vjp", ("--kind", "vjp", "--shapes", "x=n, w=n"), 0),
        ("product", "product_swapped", ("--kind", "vjp", "--shapes", "w=n, x=n"), 1),
    ],
)
def test_arguments_by_name_alone(f, claim, options, status, net, capsys):
    (net / "net.py").write_text(BY_NAME)

    assert run(f, claim, *options) == status
    out = capsys.readouterr().out
    assert ("in half" in out or "swapped leaves" in out.replace("_", " ")) == bool(status)


@pytest.mark.parametrize(
    ("f", "claim", "options", "told"),
    [
        ("loss", "gradient", ("--shapes", "w=d, X=n d"), "the point gives no y, which loss(w, X, *, scale, y) needs"),
        ("loss", "gradient", ("--shapes", "w=d, X=n d, y=n, z=2"), "the point gives z, and loss(w, X, *, scale, y)"),
        ("loss", "gradient", ("--shapes", "X=n d, y=n"), "the point gives no w"),
        ("Scaled", None, ("--kind", "layer", "--shapes", "X=n, scale="), "forward takes scale by name alone"),
    ],
)  # fmt: skip
def test_arguments_by_name_that_do_not_fit(f, claim, options, told, net, capsys):
    (net / "net.py").write_text(BY_NAME)

    with pytest.raises(SystemExit) as ended:
        run(f, claim, *options)
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_the_page_bears_the_command_s_name(tmp_path):
    run("loss", "wrong", *SQUARES, "--html", "out.html")

    assert "<title>gradcheck check</title>" in (tmp_path / "out.html").read_text()


LAYERS = """
import numpy as np

class Called:
    def __init__(self, factor=1):
        self.W, self.factor = np.arange(6.0).reshape(3, 2) / 7, factor

    def __call__(self, X):
        self.X = X
        return np.tanh(X @ self.W)

    def backward(self, d):
        d = d * (1 - np.tanh(self.X @ self.W) ** 2)
        self.dW = self.factor * self.X.T @ d
        return d @ self.W.T

class Net:
    def __init__(self):
        self.W = np.arange(6.0).reshape(3, 2) / 7

    def loss(self, X, y):
        return np.mean((X @ self.W - y) ** 2)

    def backward(self, X, y):
        self.dW = 2 * X.T @ (X @ self.W - y) / y.size

called, twice, net = Called(), Called(2), Net()
"""


@pytest.mark.parametrize(
    ("name", "shapes", "status"),
    [("called", "X=n 3", 0), ("Called", "X=n 3", 0), ("twice", "X=n 3", 1), ("net", "X=n 3, y=n 2", 0)],
)
def test_a_layer_that_is_called_or_is_a_whole_net(name, shapes, status, net, capsys):
    (net / "layers.py").write_text(LAYERS)

    assert cli.main(["check", f"layers.py:{name}", "--kind", "layer", "--shapes", shapes]) == status
    assert "parameter W; gradient in dW" in capsys.readouterr().out


def test_what_is_no_layer_is_told(net, capsys):
    (net / "layers.py").write_text(LAYERS)
    with pytest.raises(SystemExit):
        cli.main(["check", "layers.py:np", "--kind", "layer", "--shapes", "X=n 3"])

    assert "F: layer must have forward(*inputs) and backward(cotangent)" in capsys.readouterr().err
