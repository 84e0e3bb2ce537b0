"""Whose a function, a file or an object is: the user's, a library's, or ours."""

from __future__ import annotations

import inspect
import os
import sys
import sysconfig
from functools import lru_cache
from types import CodeType
from typing import Any

_LIBRARIES = frozenset(
    {"builtins", "numpy", "scipy", "autograd", "gradcheck", "torch", "jax", "jaxlib", "numba", "sympy", "pytest",
     "_pytest"}
)  # fmt: skip

_CLOSED = frozenset({"numpy", "builtins", "random", "functools", "abc"})
"""Modules of classes whose objects hold nothing of the user's in attributes."""

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_INSTALLED = tuple(sysconfig.get_path(name) + os.sep for name in ("purelib", "platlib", "stdlib"))


@lru_cache(maxsize=1024)
def is_librarys(module: str) -> bool:
    """Whether a module of this name is of a library that nobody checks: a numerical one, us, pytest."""
    return module.partition(".")[0] in _LIBRARIES


def is_standard(module: str) -> bool:
    """Whether a module of this name is Python's own."""
    return module != "__main__" and module.partition(".")[0] in sys.stdlib_module_names


def is_installed(path: str) -> bool:
    """Whether a file is of an installed package, or of Python itself."""
    return path.startswith(_INSTALLED)


def is_ours(code: CodeType) -> bool:
    """Whether a function is of this library."""
    return code.co_filename.startswith(_PACKAGE)


def is_users(code: CodeType) -> bool:
    """Whether a function is neither ours nor of an installed library."""
    return not (code.co_filename.startswith("<frozen") or is_ours(code) or is_installed(code.co_filename))


def is_open(value: Any) -> bool:
    """Whether it is an object of a class of the user, or of a library that layers are made of: it has attributes."""
    if isinstance(value, type) or inspect.isroutine(value) or inspect.ismodule(value):
        return False
    return type(value).__module__.partition(".")[0] not in _CLOSED
