"""Reading what a claim returned: one array a leaf, or what is wrong with its build."""

import numpy as np
import pytest

import gradcheck
from gradcheck.ask import trees
from gradcheck.ask.alignment import fitting_argnums
from gradcheck.ask.point import point
from gradcheck.ask.reading import (
    changed,
    contracted,
    hessian_rows,
    lent,
    read,
    shaped,
)

A, B = np.arange(6.0).reshape(2, 3), np.array([1.0, 2.0])
TREE = {"W": A, "b": [B, 0.5]}


def f(a, b, c=None):
    return 0.0


def where(*args, argnums=None):
    return point(f, args, argnums)


def kinds(reading):
    return [(problem.kind, problem.leaf) for problem in reading.problems]


def test_one_argument_takes_its_gradient_itself() -> None:
    reading = read(where(A), 2.0 * A, "grad")

    assert not reading.problems
    assert np.array_equal(reading.raw[0], 2.0 * A)
    assert np.array_equal(reading.flat, 2.0 * A.ravel())


@pytest.mark.parametrize("container", [tuple, list])
def test_several_arguments_take_a_tuple_or_a_list(container) -> None:
    reading = read(where(A, B), container([A, 3.0 * B]), "grad")

    assert not reading.problems
    assert np.array_equal(reading.flat, [0, 1, 2, 3, 4, 5, 3, 6])


def test_a_tree_is_read_by_the_keys_of_its_argument() -> None:
    reading = read(where(TREE), {"b": [B, 2], "W": A}, "grad")

    assert not reading.problems
    assert np.array_equal(reading.flat, [0, 1, 2, 3, 4, 5, 1, 2, 2])


def test_what_is_read_is_a_copy_in_double() -> None:
    mine = A.astype(np.float32)
    reading = read(where(mine), mine, "grad")

    assert reading.dtypes == ("float32",)
    assert reading.raw[0].dtype == np.float64
    assert not np.shares_memory(reading.raw[0], mine)


@pytest.mark.parametrize(
    "result, problem",
    [
        (None, ("shape", "a")),
        ("x", ("shape", "a")),
        (A.T, ("shape", "a")),
        (A[None], ("shape", "a")),
        (np.float64(3.0), ("shape", "a")),
        ({"a": A}, ("shape", "a")),
        ([[1.0, 2.0], [3.0]], ("shape", "a")),
        (A + 1j, ("dtype", "a")),
        (np.where(A == 4.0, np.nan, A), ("nonfinite", "a")),
        (np.where(A == 4.0, -np.inf, A), ("nonfinite", "a")),
    ],
)
def test_what_is_no_gradient_has_its_kind_and_leaf(result, problem) -> None:
    assert kinds(read(where(A), result, "grad")) == [problem]


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_fewer_digits_than_the_argument_are_told_apart_from_problems(dtype) -> None:
    reading = read(where(A), A.astype(dtype), "grad")

    assert not reading.problems
    assert [(told.kind, told.leaf) for told in reading.narrow] == [("dtype", "a")]


def test_single_precision_for_single_precision_is_no_problem() -> None:
    single = A.astype(np.float32)

    assert not read(where(single), single, "grad").problems
    assert not read(where(single), A, "grad").problems


@pytest.mark.parametrize("result", [A, (A,), (A, B, B), (), {"a": A, "b": B}])
def test_a_wrong_count_is_one_problem_of_the_whole(result) -> None:
    reading = read(where(A, B), result, "vjp")

    assert kinds(reading) == [("shape", "")]
    assert "vjp returned" in reading.problems[0].message
    assert "a, b in that order" in reading.problems[0].message


@pytest.mark.parametrize("argument", [[1.0, 2.0, 3.0], [[1.0, 2.0], [3.0, 4.0]], (1.0, 2.0)], ids=repr)
def test_an_array_is_the_gradient_of_a_list_of_numbers(argument) -> None:
    where = point(lambda x: x, (argument,), None)
    found = read(where, 2.0 * np.asarray(argument), "grad")

    assert found.problems == ()
    assert np.array_equal(found.flat, 2.0 * np.ravel(argument))
    assert read(where, np.ones(7), "grad").problems


def test_integers_are_read_with_a_remark() -> None:
    reading = read(where(A), A.astype(int), "grad")

    assert not reading.problems
    assert "int64" in reading.remarks[0]


def test_the_place_and_count_of_what_is_not_finite() -> None:
    problem = read(where(A), np.where(A > 3.0, np.nan, A), "grad").problems[0]

    assert problem.evidence["index"] == (1, 1)
    assert problem.evidence["count"] == 2


def test_a_jacobian_is_contracted_over_the_outputs_axes() -> None:
    dense = np.arange(24.0).reshape(2, 2, 2, 3)
    u = np.array([1.0, -1.0, 2.0, 0.5])
    reading = contracted(read(where(A), dense, "jac", (2, 2)), u, (2, 2))

    assert not reading.problems
    assert np.allclose(reading.raw[0], np.einsum("ij,ijkl->kl", u.reshape(2, 2), dense))


def test_a_jacobian_without_its_output_axes_is_a_problem() -> None:
    assert kinds(read(where(A), A, "jac", (4,))) == [("shape", "a")]


def test_blocks_of_a_hessian_are_contracted_row_by_row() -> None:
    generator = np.random.default_rng(0)
    aa, ab = generator.normal(size=(2, 3, 2, 3)), generator.normal(size=(2, 3, 2))
    ba, bb = np.transpose(ab, (2, 0, 1)), generator.normal(size=(2, 2))
    u = generator.normal(size=8)
    reading = hessian_rows(where(A, B), ((aa, ab), (ba, bb)), u, "hess")
    ua, ub = u[:6].reshape(2, 3), u[6:]

    assert not reading.problems
    assert np.allclose(reading.raw[0], np.einsum("ij,ijkl->kl", ua, aa) + np.einsum("i,ikl->kl", ub, ba))
    assert np.allclose(reading.raw[1], np.einsum("ij,ijk->k", ua, ab) + ub @ bb)


def test_a_hessian_with_a_missing_block_is_a_problem() -> None:
    assert hessian_rows(where(B, B), ((np.eye(2), np.eye(2)), (np.eye(2),)), np.ones(4), "hess").problems


@pytest.mark.parametrize(
    "result, name",
    [
        (lambda a, t: a, "a"),
        (lambda a, t: a[::-1, 1:], "a"),
        (lambda a, t: {"W": a * 2.0, "b": [t["b"][0], 1.0]}, "b['b'][0]"),
        (lambda a, t: a.copy(), None),
        (lambda a, t: a + 0.0, None),
        (lambda a, t: 3.0, None),
        (lambda a, t: None, None),
    ],
)
def test_memory_of_an_argument_handed_out_is_named(result, name) -> None:
    args = (A.copy(), {"W": A.copy(), "b": [B.copy(), 0.5]})
    found = lent(result(*args), args, where(*args), "grad")

    assert (found.leaf if found else None) == name
    assert found is None or (found.kind == "mutates_input" and "Return a copy" in found.message)


def test_a_changed_cotangent_is_a_diagnosis() -> None:
    given, kept = {"a": A + 1.0, "b": B}, {"a": A + 1.0, "b": B.copy()}

    assert changed(given, kept, "vjp", "cotangent") is None
    given["a"][0, 0] = 7.0
    assert changed(given, kept, "vjp", "cotangent").kind == "mutates_input"


@pytest.mark.parametrize(
    "args, result, expected",
    [
        ((A, B), B, [(1,)]),
        ((A, B), A, [(0,)]),
        ((A, B), (B,), [(1,)]),
        ((A, B, 0.5), (B, 0.1), [(1, 2)]),
        ((A, B, 0.5), [A, 0.1], [(0, 2)]),
        ((TREE, A), {"W": A, "b": [B, 1.0]}, [(0,)]),
        ((A, A), A, [(0,), (1,)]),
        (([A, B], A), (A, B), [(0,)]),
        ((A, A, (A, B)), [A, B], [(2,)]),
        (([A, B], A, B), [A, B], [(0,), (1, 2)]),
        (([A, B], A), ([A, B], A), []),
        ((A, B), np.ones(7), []),
        ((A, B), (A, B), []),
        ((A,), B, []),
        ((A, B), None, []),
    ],
)
def test_argnums_that_fit_what_came(args, result, expected) -> None:
    assert list(fitting_argnums(where(*args), result)) == expected


@pytest.mark.parametrize("shape", [(3, 4), (4, 4)])
@pytest.mark.parametrize("last", [True, False])
def test_a_list_of_parameters_and_a_jacobian_by_one_argument_need_no_argnums(shape, last) -> None:
    roll = np.random.default_rng(2)
    W, b, x = roll.standard_normal(shape), roll.standard_normal(shape[0]), roll.standard_normal(shape[1])
    args = (x, [W, b]) if last else ([W, b], x)

    def f(*given):
        (W, b), x = given[::-1] if last else given
        return np.sum(np.tanh(W @ x + b))

    def grad(*given, factor=1.0):
        (W, b), x = given[::-1] if last else given
        d = factor * (1 - np.tanh(W @ x + b) ** 2)
        return np.outer(d, x), d

    assert gradcheck.check_grad(f, grad, *args).ok
    wrong = gradcheck.check_grad(f, lambda *given: grad(*given, factor=1.1), *args, raise_on_failure=False)
    assert wrong.verdict == "fail"
    by_x = gradcheck.check_jacobian(lambda W, x: W @ x, lambda W, x: 1.0 * W, W, x)
    assert [leaf.path for leaf in by_x.leaves] == ["x"]


def sizes(tree):
    return [np.size(leaf) for _, leaf in trees.leaves(tree)]


@pytest.mark.parametrize("like", [A, 2.0, np.float32(1.0), TREE, (B.astype(np.float32), 3), [np.array(1.0)]])
def test_a_covector_takes_the_form_of_the_output(like) -> None:
    values = np.linspace(1.0, 2.0, sum(sizes(like)))
    made = shaped(like, values)

    assert type(made) is type(like)
    assert sizes(made) == sizes(like)
    assert shaped(made, values) is not made


def test_a_covector_keeps_dtype_and_order() -> None:
    made = shaped((B.astype(np.float32), np.array([[1, 2]]), 0.5), np.arange(5.0))

    assert made[0].dtype == np.float32
    assert made[1].dtype == np.float64
    assert made[1].tolist() == [[2.0, 3.0]]
    assert made[2] == 4.0


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("make", [lambda s: s, np.asarray, lambda s: (s, s), lambda s: {"loss": s}, float])
def test_a_cotangent_is_of_the_kind_that_f_returns(dtype, make) -> None:
    came = []

    def vjp(u, x):
        came.append(u)
        leaves = [*u.values()] if isinstance(u, dict) else u if isinstance(u, tuple) else [u]
        return sum(leaf * np.ones_like(x) for leaf in leaves)

    x = np.array([0.3, -1.2], dtype)
    gradcheck.check_vjp(lambda x: make(np.sum(x)), vjp, x)
    due = make(np.sum(x))
    (cotangent, *_) = came
    assert leaf_types(cotangent) == leaf_types(due)


def leaf_types(tree):
    """The tree with the type and precision of each leaf in its place."""
    if isinstance(tree, dict):
        return {key: leaf_types(leaf) for key, leaf in tree.items()}
    if isinstance(tree, tuple):
        return tuple(map(leaf_types, tree))
    return type(tree), np.asarray(tree).dtype
