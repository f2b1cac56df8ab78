"""Reference counts that `cel_expr_python` 0.1.3 gets wrong, put right.

The binding never gives back the arguments nor the result of a function written in Python: a few hundred bytes a call,
which an agent that runs for weeks cannot afford. And it gives back a reference to None that it never took for every
null it converts, until None itself is freed and the process dies. Both are bounded here: a function is handed to the
binding as a built-in that sees the very tuple of its arguments, and None gets more references than can ever be lost.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable
from typing import Any

_VARIADIC = 0x0001  # METH_VARARGS: the function gets itself and the tuple of its arguments
_REFERENCES = 1 << 60

_give_back = ctypes.PyDLL(None).Py_DecRef
_give_back.argtypes, _give_back.restype = [ctypes.py_object], None
_pending_error = ctypes.PyDLL(None).PyErr_Occurred
_pending_error.argtypes, _pending_error.restype = [], None
_new_function = ctypes.PyDLL(None).PyCFunction_NewEx
_prototype = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object, ctypes.py_object)


class _Definition(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


_new_function.argtypes = [ctypes.POINTER(_Definition), ctypes.py_object, ctypes.c_void_p]
_new_function.restype = ctypes.py_object

FAILURE, FAILURE_END = "\x01", "\x02"
"""What the text of a function's error stands between, in the engine's own text."""

_alive: list[Any] = []  # what the built-ins point at


class _Last(threading.local):
    """The arguments and the result of the call before, which the binding has done with by now."""

    left: tuple[tuple[Any, ...], Any] | None = None


_last = _Last()


class FunctionError(Exception):
    """What a function says about arguments that it cannot work on."""


interrupted: dict[int, BaseException] = {}
"""What functions were interrupted by, by thread."""


def reraise() -> None:
    """Raises what a function of this thread was interrupted by, once."""
    pending = interrupted.pop(threading.get_ident(), None)
    if pending is not None:
        raise pending


def keep_none() -> None:
    """Give None references to lose. From Python 3.12 on it is immortal by itself."""
    if sys.version_info < (3, 12):
        count = ctypes.c_ssize_t.from_address(id(None))
        if count.value < _REFERENCES:
            count.value += _REFERENCES


def builtin(name: str, implementation: Callable[..., Any], *, takes_containers: bool = True) -> Any:
    """`implementation` as a built-in function whose arguments and result do not stay behind.

    What it raises becomes the error of the expression: FunctionError's text as it is. An optional has no form in
    Python: with `takes_containers`, an argument may hold one, and is refused.
    """

    give_back, count = _give_back, sys.getrefcount

    def call(_itself: Any, arguments: tuple[Any, ...]) -> Any:
        is_broken = takes_containers and _is_pending()
        try:
            left, _last.left = _last.left, None
            if left is not None and count(left[0]) > 2:  # one more than ours: left behind by the binding
                give_back(left[0])
                if left[1].__class__ is not bool:
                    give_back(left[1])
            if is_broken:
                raise FunctionError("no such overload: an optional is among the arguments")
            result = implementation(*arguments)
        except BaseException as error:
            result = _failed(name, error)
        _last.left = (arguments, result)
        return result

    function = _prototype(call)
    definition = _Definition(name.encode(), ctypes.cast(function, ctypes.c_void_p).value, _VARIADIC, None)
    _alive.append((function, definition))
    return _new_function(ctypes.byref(definition), None, None)


def _is_pending() -> bool:
    """Whether the binding failed over an argument, and did not look."""
    try:
        _pending_error()  # raises what is pending
    except Exception:
        return True
    return False


def _failed(name: str, error: BaseException) -> Any:
    if isinstance(error, FunctionError):
        return _failure(f"{name}: {error}")
    if not isinstance(error, Exception) or error.__class__.__module__ != "builtins":
        interrupted[threading.get_ident()] = error  # none of the expression's doing
    return _failure(f"{name}: {error.__class__.__name__}: {error}")


class _Descriptor:
    full_name = "plumbline.Failure"


def _failure(text: str) -> Any:
    """A result that the binding turns into an error of CEL that carries `text`: the name of the result's class.

    An exception would be lost: Python prints what a built-in of this kind raises and goes on.
    """
    name = FAILURE + text.replace("\0", "\\0").encode("utf-8", "replace").decode()[:1000] + FAILURE_END
    return type(name, (), {"DESCRIPTOR": _Descriptor, "SerializePartialToString": _nothing})()


def _nothing(_self: Any) -> None:
    return None


