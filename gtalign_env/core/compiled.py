"""The rules compiled: the same scalar functions, translated by numba when a batch asks for them.

Nothing is imported from numba, and nothing compiled, until `compiled` is called. What it returns
calls compiled copies of every function of this package that the source mentions; the originals stay
plain Python. Compiled code is kept on disk, in a folder named by the source it was made from, so
that a change in any of these functions is never answered with stale code.
"""

from __future__ import annotations

import dis
import hashlib
import os
from collections.abc import Callable, Container
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np

from gtalign_env.core.records import copied, streamed
from gtalign_env.distributions import quantile

_MACHINE = {"word": np.uint64, "whole": np.int64}
"""Names under which the source calls ``int``, and what stands there in compiled code."""

_OPTIONS: dict[str, Any] = {"error_model": "numpy", "_nrt": False}
"""No check for division by zero: the rules divide by what is positive. No counting of references
to arrays, which are the caller's: it would cost more than the rules, and threads would wait for it.
"""

_APART = {quantile}
"""Functions that are always called, not inlined: long, and seldom needed."""

_PACKAGE = __name__.partition(".")[0]


def compiled(
    *entries: Callable[..., Any],
    short: Container[Callable[..., Any]] = (),
    apart: Container[Callable[..., Any]] = (),
) -> tuple[Callable[..., Any], ...]:
    """Return compiled versions of scalar functions; they release the lock of the interpreter.

    1. Copy each function with its own globals, in which every function of this package is a
       compiled copy too, and ``int`` under a name of `_MACHINE` is a machine's number.
    2. Let numba translate the copies when they are first called, and keep the result on disk.

    Args:
        entries: Functions over plain numbers, named tuples of them, and arrays.
        short: Those that keep the lock: they take less time than letting go of it.
        apart: Functions that they call and that are not inlined: long, and seldom needed.
    """
    import numba

    sources = {__file__}  # the options of the translation count too
    copies: dict[FunctionType, Any] = {}

    def copy(function: Any) -> FunctionType:
        sources.add(function.__code__.co_filename)
        scope = dict(function.__globals__)
        for name in _globals_read(function):
            value = scope.get(name)
            if value is int:
                scope[name] = _MACHINE[name]
            elif isinstance(value, FunctionType) and value.__module__.startswith(_PACKAGE):
                scope[name] = translated(value)
        clone = FunctionType(function.__code__, scope, function.__name__, function.__defaults__)
        clone.__module__, clone.__qualname__ = function.__module__, function.__qualname__
        return clone

    def translated(function: FunctionType) -> Any:
        if function is copied:
            return _copying(past_caches=False)
        if function is streamed:
            return _copying(past_caches=True)
        if function not in copies:
            inlined = function not in _APART and function not in apart
            copies[function] = numba.njit(copy(function), **_OPTIONS, forceinline=inlined)
        return copies[function]

    clones = [copy(function) for function in entries]
    folder = _cache_folder(sources)
    settings: Any = numba.config
    before = settings.CACHE_DIR
    try:
        # numba chooses a cache's place when the function is wrapped
        settings.CACHE_DIR = str(folder or before)
        return tuple(
            numba.njit(clone, **_OPTIONS, nogil=entry not in short, cache=folder is not None)
            for clone, entry in zip(clones, entries, strict=True)
        )
    finally:
        settings.CACHE_DIR = before


@cache
def _copying(*, past_caches: bool) -> Any:
    """Return what stands for `copied` in compiled code: a move of memory, not one number a time.

    Args:
        past_caches: Whether it stands for `streamed`: eight bytes a store, each with the hint that
            nobody reads them soon, so that no line of the target is fetched before it is written.
    """
    from numba.core import cgutils, types
    from numba.extending import intrinsic

    @intrinsic(prefer_literal=True)
    def copying(context: Any, source: Any, target: Any, count: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            arrays = [
                context.make_array(kind)(context, builder, value)
                for kind, value in zip((source, target), arguments, strict=False)
            ]
            size = context.get_abi_sizeof(context.get_data_type(source.dtype))
            length = count.literal_value
            if past_caches:
                _stream(builder, arrays[0].data, arrays[1].data, length * size)
                return context.get_dummy_value()
            cgutils.raw_memcpy(  # type: ignore[no-untyped-call]  # numba has no types
                builder,
                arrays[1].data,
                arrays[0].data,
                context.get_constant(types.intp, length),
                size,
            )
            return context.get_dummy_value()

        return types.void(source, target, count), code

    return copying


def _stream(builder: Any, source: Any, target: Any, size: int) -> None:
    """Emit stores of so many bytes, a multiple of four, that pass by the caches."""
    from llvmlite import ir

    index = ir.IntType(32)
    hint = builder.module.add_metadata([ir.Constant(index, 1)])
    for kind, first, last in (
        (ir.IntType(64), 0, size // 8),
        (ir.IntType(32), size // 8 * 2, size // 4),
    ):
        whence = builder.bitcast(source, kind.as_pointer())
        where = builder.bitcast(target, kind.as_pointer())
        for k in range(first, last):
            at = [ir.Constant(index, k)]
            store = builder.store(
                builder.load(builder.gep(whence, at), align=4), builder.gep(where, at), align=4
            )
            store.set_metadata("nontemporal", hint)


def entry_point(function: Any, *arguments: Any) -> Callable[..., Any]:
    """Return a compiled function for arguments of these types, which it no longer looks at.

    One that is called often with little to do spends most of its time finding out what it got.

    Args:
        function: One that `compiled` has returned.
        arguments: What it will be called with, or others of the same types.
    """
    import numba

    chosen: Callable[..., Any] = function.compile(tuple(map(numba.typeof, arguments)))
    return chosen


def _globals_read(function: FunctionType) -> set[str]:
    """Return the names that a function looks up in its module."""
    return {
        str(instruction.argval)
        for instruction in dis.get_instructions(function)
        if instruction.opname == "LOAD_GLOBAL"
    }


def _cache_folder(sources: set[str]) -> Path | None:
    """Return a folder that belongs to exactly this source, made when used; None if none can be."""
    digest = hashlib.sha256()
    for source in sorted(sources):
        digest.update(Path(source).read_bytes())
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    homes = [Path(chosen)] if chosen else []
    homes += [Path(__file__).parent / "__pycache__", Path.home() / ".cache" / "gtalign_env"]
    for home in homes:
        try:
            home.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(home, os.W_OK):
            return home / f"compiled-{digest.hexdigest()[:16]}"
    return None
