"""Each kind of claim, right and with a wrong twin: one argument, several, trees, single precision, many entries."""

import numpy as np
import pytest

from gradcheck import check_grad, check_hessian, check_hvp, check_jacobian, check_jvp, check_vjp

rng = np.random.default_rng(20)
A = rng.normal(size=(4, 3))
X = rng.normal(size=3)
Y = rng.normal(size=3) + 2.0
SQUARE = rng.normal(size=(3, 3))


def layer(x):
    return np.tanh(A @ x)


def layer_jac(x):
    return (1.0 - np.tanh(A @ x) ** 2)[:, None] * A


def energy(x):
    return np.sum(np.tanh(A @ x))


def energy_grad(x):
    return A.T @ (1.0 - np.tanh(A @ x) ** 2)


def energy_hess(x):
    t = np.tanh(A @ x)
    return A.T @ np.diag(-2.0 * t * (1.0 - t**2)) @ A


def mixed(a, b):
    return np.sum(a**2 * b)


def mixed_grad(a, b):
    return 2.0 * a * b, a**2


def mixed_hess(a, b):
    return (np.diag(2.0 * b), np.diag(2.0 * a)), (np.diag(2.0 * a), np.zeros((3, 3)))


def mixed_hvp(v, a, b):
    return 2.0 * b * v[0] + 2.0 * a * v[1], 2.0 * a * v[0]


def product(a, b):
    return a * b + np.sum(b)


def params():
    return {"W": SQUARE.copy(), "b": [X.copy(), 0.3]}


def affine(p, x):
    return np.tanh(p["W"] @ x + p["b"][0]) * p["b"][1]


def affine_vjp(u, p, x):
    t = np.tanh(p["W"] @ x + p["b"][0])
    inner = u * p["b"][1] * (1.0 - t**2)
    return {"W": np.outer(inner, x), "b": [inner, np.sum(u * t)]}


def affine_jvp(d, p, x):
    t = np.tanh(p["W"] @ x + p["b"][0])
    return p["b"][1] * (1.0 - t**2) * (d["W"] @ x + d["b"][0]) + t * d["b"][1]


def affine_jac(p, x):
    t = np.tanh(p["W"] @ x + p["b"][0])
    slope = np.diag(p["b"][1] * (1.0 - t**2))
    return {"W": np.einsum("ij,k->ijk", slope, x), "b": [slope, t]}


def two_heads(x):
    return {"mean": x**2, "total": np.sum(x), "pair": (np.sin(x[:2]), x[0] * x[1])}


def two_heads_vjp(u, x):
    gradient = u["mean"] * 2.0 * x + u["total"]
    gradient[:2] += u["pair"][0] * np.cos(x[:2])
    gradient[:2] += u["pair"][1] * x[1::-1]
    return gradient


def two_heads_jvp(d, x):
    cross = d[0] * x[1] + x[0] * d[1]
    return {"mean": 2.0 * x * d, "total": np.sum(d), "pair": (np.cos(x[:2]) * d[:2], cross)}


def single(function):
    """``function`` computing in single precision, whatever it returns: one array, or a tuple of them."""

    def in_single(*args):
        result = function(*args)
        return np.asarray(result, dtype=np.float32)

    return in_single


def wrong_entry(function, index, by=1e-4):
    """``function`` with one entry of its array too large by a share of the largest."""

    def spoilt(*args):
        result = np.array(function(*args))
        result[index] += by * np.max(np.abs(result))
        return result

    return spoilt


RIGHT = {
    "grad": (check_grad, energy, energy_grad, (X,)),
    "grad of two": (check_grad, mixed, mixed_grad, (X, Y)),
    "grad as a list": (check_grad, mixed, lambda a, b: list(mixed_grad(a, b)), (X, Y)),
    "vjp": (check_vjp, layer, lambda u, x: layer_jac(x).T @ u, (X,)),
    "vjp of two": (check_vjp, product, lambda u, a, b: (u * b, u * a + np.sum(u)), (X, Y)),
    "vjp of a tree": (check_vjp, affine, affine_vjp, (params(), X), 0),
    "vjp of a tree of outputs": (check_vjp, two_heads, two_heads_vjp, (X,)),
    "vjp of a number": (check_vjp, energy, lambda u, x: u * energy_grad(x), (X,)),
    "vjp of a matrix": (check_vjp, lambda M: M @ M.T, lambda u, M: (u + u.T) @ M, (A,)),
    "jvp": (check_jvp, layer, lambda d, x: layer_jac(x) @ d, (X,)),
    "jvp of two": (check_jvp, product, lambda d, a, b: d[0] * b + a * d[1] + np.sum(d[1]), (X, Y)),
    "jvp of a tree": (check_jvp, affine, affine_jvp, (params(), X), 0),
    "jvp of a tree of outputs": (check_jvp, two_heads, two_heads_jvp, (X,)),
    "jvp of a number": (check_jvp, energy, lambda d, x: energy_grad(x) @ d, (X,)),
    "jvp of the second": (check_jvp, product, lambda d, a, b: a * d + np.sum(d), (X, Y), 1),
    "jacobian": (check_jacobian, layer, layer_jac, (X,)),
    "jacobian of two": (
        check_jacobian,
        product,
        lambda a, b: (np.diag(b), np.diag(a) + np.ones((3, 3))),
        (X, Y),
    ),
    "jacobian of a tree": (check_jacobian, affine, affine_jac, (params(), X), 0),
    "jacobian of a number": (check_jacobian, energy, energy_grad, (X,)),
    "jacobian of a matrix": (
        check_jacobian,
        lambda M: M.T,
        lambda M: np.einsum("ik,jl->jikl", np.eye(4), np.eye(3)),
        (A,),
    ),
    "hessian": (check_hessian, energy, energy_hess, (X,)),
    "hessian of two": (check_hessian, mixed, mixed_hess, (X, Y)),
    "hessian of the second": (check_hessian, mixed, lambda a, b: np.zeros((3, 3)), (X, Y), 1),
    "hessian of a matrix": (
        check_hessian,
        lambda M: 0.5 * np.sum(M**4),
        lambda M: np.einsum("ik,jl->ijkl", np.eye(4), np.eye(3)) * 6.0 * M[:, :, None, None] ** 2,
        (A,),
    ),
    "hvp": (check_hvp, energy, lambda v, x: energy_hess(x) @ v, (X,)),
    "hvp of a gradient": (check_hvp, energy_grad, lambda v, x: energy_hess(x) @ v, (X,)),
    "hvp of two": (check_hvp, mixed, mixed_hvp, (X, Y)),
    "hvp of a gradient of two": (check_hvp, mixed_grad, mixed_hvp, (X, Y)),
    "hvp of a tree": (
        check_hvp,
        lambda p: mixed(p["a"], p["b"]),
        lambda v, p: dict(zip("ab", mixed_hvp((v["a"], v["b"]), p["a"], p["b"]), strict=True)),
        ({"a": X, "b": Y},),
    ),
    "hvp of a number": (check_hvp, lambda x: x**3, lambda v, x: 6.0 * x * v, (2.0,)),
}

WRONG = {
    "grad": (check_grad, energy, lambda x: 1.001 * energy_grad(x), (X,)),
    "grad of two": (check_grad, mixed, lambda a, b: (2.0 * a * b, a), (X, Y)),
    "vjp": (check_vjp, layer, lambda u, x: layer_jac(x).T @ (u * [1.0, 1.0, 1.0, 1.001]), (X,)),
    "vjp, cotangent ignored": (check_vjp, energy, lambda u, x: energy_grad(x), (X,)),
    "vjp, cotangent squared": (check_vjp, energy, lambda u, x: u * u * energy_grad(x), (X,)),
    "vjp, cotangent's size alone": (check_vjp, energy, lambda u, x: abs(u) * energy_grad(x), (X,)),
    "vjp of two": (check_vjp, product, lambda u, a, b: (u * b, u * a), (X, Y)),
    "vjp of a tree": (
        check_vjp,
        affine,
        lambda u, p, x: affine_vjp(u, p, x) | {"W": np.outer(x, affine_vjp(u, p, x)["b"][0])},
        (params(), X),
        0,
    ),
    "vjp of a tree of outputs": (
        check_vjp,
        two_heads,
        lambda u, x: two_heads_vjp(u | {"total": 0.999 * u["total"]}, x),
        (X,),
    ),
    "vjp of a matrix": (check_vjp, lambda M: M @ M.T, lambda u, M: 2.0 * u @ M, (A,)),
    "jvp": (check_jvp, layer, lambda d, x: layer_jac(x) @ (d * [1.0, 1.001, 1.0]), (X,)),
    "jvp, one output": (check_jvp, layer, lambda d, x: (layer_jac(x) @ d) * [1.0, 1.0, 1.001, 1.0], (X,)),
    "jvp, not linear": (check_jvp, layer, lambda d, x: layer_jac(x) @ np.abs(d) * -1.0, (X,)),
    "jvp of two": (check_jvp, product, lambda d, a, b: d[0] * b - a * d[1] + np.sum(d[1]), (X, Y)),
    "jvp of a tree": (
        check_jvp,
        affine,
        lambda d, p, x: affine_jvp(d | {"b": [d["b"][0], 0.0]}, p, x),
        (params(), X),
        0,
    ),
    "jacobian": (check_jacobian, layer, wrong_entry(layer_jac, (2, 1)), (X,)),
    "jacobian, transposed": (
        check_jacobian,
        lambda x: np.tanh(SQUARE @ x),
        lambda x: ((1.0 - np.tanh(SQUARE @ x) ** 2)[:, None] * SQUARE).T,
        (X,),
    ),
    "jacobian, transposed shape": (check_jacobian, layer, lambda x: layer_jac(x).T, (X,)),
    "jacobian of a tree": (
        check_jacobian,
        affine,
        lambda p, x: affine_jac(p, x) | {"b": [affine_jac(p, x)["b"][0], 1.01 * affine_jac(p, x)["b"][1]]},
        (params(), X),
        0,
    ),
    "hessian": (check_hessian, energy, wrong_entry(energy_hess, (0, 2)), (X,)),
    "hessian, diagonal alone": (check_hessian, energy, lambda x: np.diag(np.diag(energy_hess(x))), (X,)),
    "hessian, a block": (
        check_hessian,
        mixed,
        lambda a, b: (mixed_hess(a, b)[0], (np.diag(2.0 * a), np.eye(3))),
        (X, Y),
    ),
    "hessian, blocks missing": (check_hessian, mixed, lambda a, b: np.diag(2.0 * b), (X, Y)),
    "hvp": (check_hvp, energy, lambda v, x: 1.001 * energy_hess(x) @ v, (X,)),
    "hvp of a gradient": (check_hvp, energy_grad, lambda v, x: energy_hess(x) @ v + 1e-3 * v, (X,)),
    "hvp, Gauss-Newton part alone": (check_hvp, mixed, lambda v, a, b: (2.0 * b * v[0], 0.0 * v[1]), (X, Y)),
    "hvp of the wrong shape": (check_hvp, energy, lambda v, x: np.sum(energy_hess(x) @ v), (X,)),
}


def run(check, f, claim, args, argnums=None, **options):
    return check(f, claim, *args, argnums=argnums, raise_on_failure=False, **options)


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("oracles", [None, "differences"])
def test_right_claims_pass(name, oracles) -> None:
    report = run(*RIGHT[name], oracles=oracles)

    assert report.ok, str(report)
    assert report.check == name.split()[0]
    assert all(leaf.resolution is None or leaf.resolution < 1e-6 for leaf in report.leaves)


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("oracles", [None, "differences"])
def test_wrong_twins_fail(name, oracles) -> None:
    report = run(*WRONG[name], oracles=oracles)

    assert report.verdict == "fail", str(report)
    assert report.diagnoses


@pytest.mark.parametrize("check", [check_jvp, check_vjp], ids=["jvp", "vjp"])
@pytest.mark.parametrize("oracles", [None, "differences"])
def test_single_precision(check, oracles) -> None:
    matrix, x = A.astype(np.float32), X.astype(np.float32)

    def f(x):
        return np.tanh(matrix @ x)

    def claim(v, x):
        jacobian = (1.0 - f(x) ** 2)[:, None] * matrix
        return jacobian.T @ v if check is check_vjp else jacobian @ v

    right = run(check, f, claim, (x,), oracles=oracles)
    wrong = run(check, f, lambda v, x: np.float32(1.003) * claim(v, x), (x,), oracles=oracles)

    assert right.ok, str(right)
    assert right.leaves[0].dtype == "float32"
    # along random directions a single number says what is caught with 99 %, not what is seen on the average
    assert right.leaves[0].resolution < (1e-4 if oracles is None else 1e-2)
    assert wrong.verdict == "fail", str(wrong)


@pytest.mark.parametrize("kind", ["jacobian", "hessian", "hvp"])
def test_single_precision_of_what_is_dense(kind) -> None:
    x = X.astype(np.float32)
    check, f, claim, _ = RIGHT[kind]

    right = run(check, f, single(claim), (x,))
    wrong = run(check, f, single(lambda *args: 1.01 * np.asarray(claim(*args))), (x,))

    assert right.ok, str(right)
    assert wrong.verdict == "fail", str(wrong)


LARGE = rng.normal(size=(100, 200))


def cube(x):
    return np.sum(x**3)


def spoilt(claim):
    def with_one_row_wrong(v, x):
        result = np.array(claim(v, x))
        result[7] *= 1.01
        return result

    return with_one_row_wrong


LARGE_CLAIMS = {
    "vjp": (check_vjp, np.tanh, lambda u, x: u * (1.0 - np.tanh(x) ** 2)),
    "jvp": (check_jvp, np.tanh, lambda d, x: d * (1.0 - np.tanh(x) ** 2)),
    "hvp": (check_hvp, cube, lambda v, x: 6.0 * x * v),
    "hvp of a gradient": (check_hvp, lambda x: 3.0 * x**2, lambda v, x: 6.0 * x * v),
}


@pytest.mark.parametrize("name", LARGE_CLAIMS)
def test_many_entries(name) -> None:
    check, f, claim = LARGE_CLAIMS[name]

    right = run(check, f, claim, (LARGE,))
    wrong = run(check, f, spoilt(claim), (LARGE,))

    assert right.ok, str(right)
    assert right.evaluations <= 50
    assert right.claim_evaluations <= 30
    assert wrong.verdict == "fail", str(wrong)


def test_a_hessian_vector_product_of_what_cannot_be_traced() -> None:
    def loop(x):
        total = np.zeros(1)
        np.add.at(total, [0], float(np.vectorize(lambda v: v**3)(x).sum()))
        return float(total[0])

    x = LARGE[0, :10]

    assert run(check_hvp, loop, lambda v, x: 6.0 * x * v, (x,)).ok
    assert run(check_hvp, loop, lambda v, x: 6.01 * x * v, (x,)).verdict == "fail"
    assert run(check_hessian, loop, lambda x: np.diag(6.0 * x), (x,)).ok
    assert run(check_hessian, loop, lambda x: np.diag(6.01 * x), (x,)).verdict == "fail"


def test_a_hessian_is_of_a_scalar() -> None:
    with pytest.raises(
        ValueError, match=r"f must return a scalar for a second derivative; it returned 4 numbers"
    ):
        check_hessian(layer, lambda x: np.eye(3), X)


def test_a_jvp_is_handed_tangents_in_the_form_of_the_arguments() -> None:
    seen = []

    def jvp(tangents, p, x):
        seen.append(tangents)
        return affine_jvp(tangents, p, x)

    run(check_jvp, affine, jvp, (params(), X), 0)

    assert all(set(d) == {"W", "b"} and type(d["b"]) is list and type(d["b"][1]) is float for d in seen)
    assert all(d["W"].shape == (3, 3) and d["b"][0].shape == (3,) for d in seen)


def test_a_vjp_is_handed_cotangents_in_the_form_of_the_output() -> None:
    seen = []

    def vjp(cotangent, x):
        seen.append(cotangent)
        return two_heads_vjp(cotangent, x)

    run(check_vjp, two_heads, vjp, (X,))

    assert all(list(u) == ["mean", "total", "pair"] and type(u["pair"]) is tuple for u in seen)
    assert all(u["mean"].shape == (3,) and np.ndim(u["total"]) == 0 for u in seen)


@pytest.mark.parametrize("name", ["jvp", "hvp"])
def test_writing_into_the_tangents_fails(name) -> None:
    check, f, claim, args = RIGHT[name]

    def writing(d, x):
        result = claim(d, x)
        d *= 2.0
        return result

    report = run(check, f, writing, args)

    assert report.verdict == "fail"
    assert report.diagnoses[0].kind == "mutates_input"
    assert report.diagnoses[0].leaf == "tangents"


BROAD = rng.normal(size=(10, 12))


def slope_of_tanh(d, x):
    return d * (1.0 - np.tanh(x) ** 2)


def test_a_jvp_that_is_no_number_has_the_shape_of_its_argument() -> None:
    W = np.random.default_rng(0).standard_normal((3, 4))

    report = check_jvp(np.tanh, lambda d, W: d / (0.0 * W), W, raise_on_failure=False)

    assert [one.kind for one in report.diagnoses] == ["nonfinite"]
    assert report.leaves[0].worst_index == (0, 0) and not report.leaves[0].note


def with_one_entry_wrong(d, x):
    result = slope_of_tanh(d, x)
    result[7, 5] *= 1.01
    return result


def test_the_report_of_a_large_jvp_is_about_the_users_leaf() -> None:
    right = check_jvp(np.tanh, slope_of_tanh, BROAD)
    wrong = check_jvp(np.tanh, with_one_entry_wrong, BROAD, raise_on_failure=False)

    assert right.leaves[0].shape == BROAD.shape
    assert wrong.verdict == "fail"
    assert wrong.leaves[0].shape == BROAD.shape
    assert wrong.leaves[0].worst_index in {None, (7, 5)}
    assert all(len(entry.index) == 2 for entry in wrong.leaves[0].entries)


@pytest.mark.parametrize("x", [2.0, np.array([2.0])])
def test_a_gradient_of_one_entry_is_a_gradient(x) -> None:
    report = check_hvp(lambda x: 3.0 * x**2, lambda v, x: 6.0 * x * v, x, raise_on_failure=False)

    assert report.ok, str(report)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_the_cotangent_of_outputs_of_very_different_sizes_stays_in_the_range_of_their_numbers(dtype, seed):
    x = (30 * np.random.default_rng(seed).normal(size=(6, 5))).astype(dtype)

    def softplus(x):
        return np.logaddexp(dtype(0), x)

    def pull(u, x):
        assert np.isfinite(u).all()
        return u * np.exp(-np.logaddexp(dtype(0), -x))

    assert check_vjp(softplus, pull, x).ok
    wrong = check_vjp(softplus, lambda u, x: 2 * pull(u, x), x, raise_on_failure=False)
    assert wrong.verdict == "fail"


@pytest.mark.parametrize("seed", range(5))
def test_rounding_in_half_precision_is_no_crookedness(seed):
    generator = np.random.default_rng(seed)
    H, x = generator.normal(size=(4, 4)).astype(np.float16), generator.normal(size=4).astype(np.float16)

    assert check_hvp(lambda x: x @ H @ x, lambda v, x: (H + H.T) @ v, x).ok
    assert check_jvp(lambda x: np.tanh(H @ x), lambda t, x: (1 - np.tanh(H @ x) ** 2) * (H @ t), x).ok
    for crooked in (lambda t, x: np.abs(H @ t), lambda t, x: (H @ t) ** 2):
        assert check_jvp(lambda x: H @ x, crooked, x, raise_on_failure=False).verdict == "fail"
