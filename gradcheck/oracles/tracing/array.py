"""An array that plain NumPy code takes for an ndarray, and that records what is done to it.

NumPy hands every ufunc and function called on a `Traced` to it (``__array_ufunc__``, NEP 13, and
``__array_function__``, NEP 18); it passes the call on to autograd's primitive of the same name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from autograd.builtins import SequenceBox
from autograd.numpy.numpy_boxes import ArrayBox
from autograd.tracer import getval, isbox
from numpy.lib.mixins import NDArrayOperatorsMixin

from gradcheck.oracles.tracing import memory
from gradcheck.oracles.tracing.moves import take
from gradcheck.oracles.tracing.refusal import refuse

Handler = Callable[..., Any]

dispatch: dict[str, Handler] = {}
"""How to call a "ufunc" and a "function" on traced arguments; filled by the modules of these names."""


class Constant(np.ndarray[Any, Any]):
    """A plain array that a traced function reads: ``X.dot(W)`` must ask W, which ndarray.dot does not."""

    __array_priority__ = 1.0  # so that arithmetic with plain arrays gives this kind

    def dot(self, other: Any, out: Any = None) -> Any:
        """As np.dot, which asks a traced operand first."""
        return np.dot(self, other) if out is None else np.dot(self, other, out)

    def copy(self, order: Any = "C") -> Any:
        """A copy that traced values may be written into."""
        return Traced(np.array(self)) if self.dtype.kind == "f" else super().copy(order)

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(value, Traced) and value.depends:
            refuse("a traced value is written into a plain array")
        super().__setitem__(index, value)


class Traced(NDArrayOperatorsMixin):
    """An array or NumPy scalar in a traced computation.

    ``box`` is autograd's box where it depends on a differentiated leaf, else a plain array.
    """

    __slots__ = ("_box", "asked", "origin", "positions", "storage", "version")
    __array_priority__ = 1000.0
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, box: Any, origin: memory.Origin | None = None) -> None:
        self._box = box
        self.origin = origin
        self.asked = False
        self.positions: Any = None  # in the storage, once a write asked for them
        self.storage: memory.Storage = memory.Storage(box) if origin is None else origin.parent.storage
        self.version = self.storage.version

    # isinstance(x, np.ndarray), and for scalars isinstance(x, float), are asked by plain NumPy code
    __class__ = property(lambda self: type(self.plain_value))

    @property
    def box(self) -> Any:
        """The current value, autograd's box or plain; up to date with writes into the memory it views."""
        if self.version != self.storage.version:
            self._box = memory.read(self)
            self.version = self.storage.version
        return self._box

    @property
    def plain_value(self) -> Any:
        """The plain value."""
        return getval(self.box)

    @property
    def depends(self) -> bool:
        """Whether the value depends on a differentiated leaf."""
        return bool(isbox(self.box))

    @property
    def is_scalar(self) -> bool:
        """Whether this stands for a NumPy scalar, which is immutable, and not for an array."""
        return not isinstance(getval(self._box), np.ndarray)

    shape = property(lambda self: np.shape(getval(self._box)), lambda self, shape: self._take_shape(shape))
    ndim = property(lambda self: np.ndim(getval(self._box)))
    size = property(lambda self: np.size(getval(self._box)))
    dtype = property(lambda self: getval(self._box).dtype)
    strides = property(lambda self: getval(self._box).strides)
    itemsize = property(lambda self: getval(self._box).itemsize)
    nbytes = property(lambda self: getval(self._box).nbytes)
    flags = property(lambda self: getval(self._box).flags)
    T = property(lambda self: self.transpose())
    mT = property(lambda self: np.swapaxes(self, -1, -2))
    real = property(lambda self: np.real(self))
    imag = property(lambda self: np.imag(self))
    base = None

    def _take_shape(self, shape: Any) -> None:
        before = object.__new__(Traced)
        _become(before, self)
        view = before.reshape(shape)
        if view.origin is None:
            raise AttributeError("incompatible shape for in-place modification")
        _become(self, view)

    @property
    def flat(self) -> Traced:
        """All entries in C order, writable where NumPy could give them without a copy."""
        flat: Traced = self.reshape(-1)
        if flat.origin is None and self.size:
            refuse("ndarray.flat of a non-contiguous array cannot be traced")
        return flat

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return dispatch["ufunc"](ufunc, method, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return dispatch["function"](func, args, kwargs)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if self.depends:
            refuse("the plain values of a traced array are asked for, which would lose its derivative")
        self.storage.shared = True
        return np.array(self.plain_value, dtype=dtype)

    def __getitem__(self, index: Any) -> Any:
        return wrap(take(self.box, plain_index(index)), (self,))

    def __setitem__(self, index: Any, value: Any) -> None:
        memory.write(self, plain_index(index), value)

    def __len__(self) -> int:
        return len(getval(self._box))

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        return bool(self.plain_value)

    def __int__(self) -> int:
        return int(self.plain_value)

    def __float__(self) -> float:
        if self.depends:
            refuse("a traced number is turned into a plain float, which would lose its derivative")
        return float(self.plain_value)

    def __complex__(self) -> complex:
        return complex(float(self))

    def __round__(self, digits: int | None = None) -> Any:
        return round(float(self.plain_value), digits)

    def __index__(self) -> int:
        return int(self.plain_value.__index__())

    def __contains__(self, item: Any) -> bool:
        return bool(np.any(self == item))

    def __repr__(self) -> str:
        return f"traced({self.plain_value!r})"

    def __str__(self) -> str:
        return str(self.plain_value)

    def __format__(self, spec: str) -> str:
        return format(self.plain_value, spec)

    def __copy__(self) -> Traced:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> Traced:
        return self.copy()

    def __getattr__(self, name: str) -> Any:
        if hasattr(np.ndarray, name) and not name.startswith("__"):
            refuse(f"ndarray.{name} cannot be traced")
        raise AttributeError(f"a NumPy array has no attribute {name!r}")

    def copy(self, order: str = "C") -> Traced:
        """A copy with memory of its own."""
        return memory.duplicate(self, order)

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> Any:
        """The trace stays in float64 whatever float is asked for; integers and booleans are constants."""
        kind = np.dtype(dtype).kind
        if kind == "V" and np.can_cast(dtype, np.float64):
            kind = "f"  # bfloat16, float8: floats that NumPy does not know by name
        if kind not in "fcbiu":
            refuse(f"astype({dtype}) cannot be traced")
        if kind in "fc":
            return memory.duplicate(self, "K") if kind == "f" else self + 0j
        return np.asarray(self.plain_value).astype(dtype).view(Constant)

    def fill(self, value: Any) -> None:
        """Set every entry."""
        self[...] = value

    def item(self, *index: Any) -> Any:
        """The single entry, still traced: to plain Python code that does as well as a plain number.

        Compiled code asks until a plain one comes, which would be for ever.
        """
        if self.asked:
            refuse("a traced number is asked for its plain value, which would lose its derivative")
        if len(index) == 1 and not isinstance(index[0], tuple):
            return self.reshape(-1)[index[0]]
        if index:
            return self[index[0] if len(index) == 1 else index]
        if self.size != 1:
            raise ValueError("can only convert an array of size 1 to a Python scalar")
        number = self.reshape(())[()]
        number.asked = True
        return number

    def tolist(self) -> Any:
        """Nested lists of traced numbers."""
        return [row.tolist() if row.ndim else row for row in self] if self.ndim else self

    def reshape(self, *shape: Any, **kwargs: Any) -> Any:
        """As ndarray.reshape, by one shape or by its numbers."""
        return np.reshape(self, shape[0] if len(shape) == 1 else shape, **kwargs)

    def transpose(self, *axes: Any) -> Any:
        """As ndarray.transpose."""
        return np.transpose(self, axes[0] if len(axes) == 1 else axes or None)

    def flatten(self, order: str = "C") -> Any:
        """A flat copy."""
        return dispatch["function"](np.ravel, (self, order), {}).copy()

    def view(self, *kind: Any) -> Traced:
        """Itself, for np.ndarray is all it can be seen as."""
        if kind and kind[0] not in (np.ndarray, np.float64, float):
            refuse("ndarray.view as another type cannot be traced")
        return self

    def sort(self, axis: int = -1, **kwargs: Any) -> None:
        """Sort in place."""
        self[...] = np.sort(self, axis=axis)

    def partition(self, kth: Any, axis: int = -1, **kwargs: Any) -> None:
        """Partition in place."""
        self[...] = np.partition(self, kth, axis=axis)

    def dot(self, other: Any, out: Any = None) -> Any:
        """As ndarray.dot."""
        return dispatch["function"](np.dot, (self, other), {} if out is None else {"out": out})


def _become(array: Traced, other: Traced) -> None:
    for name in Traced.__slots__:
        setattr(array, name, getattr(other, name))


def _method(function: Any) -> Callable[..., Any]:
    return lambda self, *args, **kwargs: dispatch["function"](function, (self, *args), kwargs)


_METHODS = (
    np.all, np.any, np.argmax, np.argmin, np.argpartition, np.argsort, np.clip, np.compress, np.conj, np.cumprod,
    np.cumsum, np.diagonal, np.max, np.mean, np.min, np.nonzero, np.prod, np.put, np.ravel, np.repeat, np.round,
    np.searchsorted, np.squeeze, np.std, np.sum, np.swapaxes, np.take, np.trace, np.var,
)  # fmt: skip

for _function in _METHODS:
    setattr(Traced, _function.__name__, _method(_function))
Traced.conj = Traced.conjugate  # type: ignore[attr-defined]


def _in_place(ufunc: Any) -> Callable[[Traced, Any], Any]:
    def operator(self: Traced, other: Any) -> Any:
        # a NumPy scalar is immutable: ``s += 1`` makes a new one
        return ufunc(self, other) if self.is_scalar else ufunc(self, other, out=(self,))

    return operator


for _name, _ufunc in {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.true_divide, "pow": np.power,
    "matmul": np.matmul, "floordiv": np.floor_divide, "mod": np.remainder,
}.items():  # fmt: skip
    setattr(Traced, f"__i{_name}__", _in_place(_ufunc))


def wrap(result: Any, sources: tuple[Traced, ...] = ()) -> Any:
    """What autograd or NumPy returned, as traced code should see it.

    ``sources`` are the traced arguments, one of whose memory an array in ``result`` may be a view of.
    """
    kind = type(result)
    if kind is ArrayBox:
        return _wrap_array(result, getval(result), sources)
    if isinstance(result, np.ndarray):
        if result.dtype.kind in "fc":
            return _wrap_array(result.view(np.ndarray), result, sources)
        if result.dtype == object:
            refuse("NumPy made an array of objects, which cannot be traced")
        return result.view(Constant)
    if kind is SequenceBox:
        return _rebuild(type(getval(result)), [wrap(result[i], sources) for i in range(len(result))])
    if isinstance(result, tuple | list):
        return _rebuild(kind, [wrap(item, sources) for item in result])
    return result


def _wrap_array(box: Any, value: Any, sources: tuple[Traced, ...]) -> Traced:
    if value.dtype == object:
        refuse("NumPy made an array of objects, which cannot be traced")
    if isinstance(value, np.ndarray):
        for source in sources:
            # an array that owns its memory is a view of nothing, unless NumPy returned the argument itself
            if value is source.plain_value or (
                value.base is not None and memory.overlaps(value, source.plain_value)
            ):
                return Traced(box, memory.Origin(source, source.plain_value, value))
    return Traced(box)


def _rebuild(kind: Any, items: list[Any]) -> Any:
    return kind(*items) if hasattr(kind, "_fields") or hasattr(kind, "n_sequence_fields") else kind(items)


def plain(argument: Any) -> Any:
    """An argument as autograd's primitives take it, safe from later writes."""
    kind = type(argument)
    if kind is Traced:
        box = argument.box
        if not isbox(box):
            argument.storage.captured = True
        return box
    if isinstance(argument, np.ndarray):
        # the tape keeps what it was given; the user's code may overwrite it meanwhile
        return np.array(argument) if argument.flags.writeable else argument.view(np.ndarray)
    if kind is list or kind is tuple:
        return kind([plain(item) for item in argument])
    return argument


def plain_index(index: Any) -> Any:
    """An index as NumPy takes it; traced numbers are no indices, constants are."""
    if type(index) is tuple:
        return tuple(plain_index(part) for part in index)
    if type(index) is Traced:
        if index.depends:
            refuse("a traced array is used as an index")
        return index.plain_value
    if isinstance(index, np.ndarray):
        return np.array(index)
    return index
