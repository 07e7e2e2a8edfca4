"""All kinds of Python frames, each of which is compared in the line that reads it (frames_read.py)."""
# Odd code is what this is about.
# ruff: noqa: B019, C400, C416, C417, E701, PLC2401, PLC3002

import asyncio
import concurrent.futures
import contextlib
import ctypes
import functools
import gc
import importlib
import os
import signal
import sys
import tempfile
import threading
import weakref

from frames_read import INNERMOST, F, L, P, failures, probe, same


def functions():
    def nested(a, b):
        def closure():
            same(P(), F())
            return a
        return (closure()
                + b)

    same(P(), F())
    nested(
        1,
        2,
    )
    (lambda: same(P(), F()))()
    max([1, 2], key=lambda x: same(P(), F()) or x)
    list(map(lambda _: same(P(), F()), "ab"))
    functools.partial(nested, 1)(2)
    for _ in range(10): same(P(), F())


def comprehensions():
    [same(P(), F()) for _ in "ab"]
    {same(P(), F()) for _ in "ab"}
    {x: same(P(), F()) for x in "ab"}
    list(same(P(), F()) for _ in "ab")
    [[same(P(), F()) for _ in "ab"] for _ in "ab" if same(P(), F()) is None]


def generators():
    def inner():
        same(P(), F())
        try:
            got = yield 1
            same(P(), F())
            yield got
        except ValueError:
            same(P(), F())
        finally:
            same(P(), F())

    def outer():
        yield from inner()

    list(outer())
    g = outer()
    next(g)
    g.send(2)
    g.close()
    g = outer()
    next(g)
    with contextlib.suppress(StopIteration):
        g.throw(ValueError)
    for _ in inner():
        pass


async def coroutine(depth):
    same(P(), F())
    await asyncio.sleep(0)
    same(P(), F())
    if depth:
        await coroutine(depth - 1)


def coroutines():
    async def numbers():
        for n in range(3):
            same(P(), F())
            yield n

    async def main():
        await asyncio.gather(coroutine(3), asyncio.create_task(coroutine(2)))
        [same(P(), F()) async for _ in numbers()]
        await asyncio.get_running_loop().run_in_executor(None, lambda: same(P(), F()))

    asyncio.run(main())


class Meta(type):
    def __new__(mcs, *arguments):
        same(P(), F())
        return super().__new__(mcs, *arguments)


def decorated(function):
    @functools.wraps(function)
    def wrapper(*arguments):
        same(P(), F())
        return function(*arguments)
    return wrapper


class Base(metaclass=Meta):
    same(P(), F())

    def __init__(self):
        same(P(), F())


class Class(Base):
    def __init__(self):
        super().__init__()
        same(P(), F())

    @decorated
    def method(self):
        same(P(), F())
        return self

    @classmethod
    def of_class(cls): return same(P(), F())

    @staticmethod
    def static(): same(P(), F())

    @property
    def value(self): return same(P(), F())

    def __getattr__(self, name): return same(P(), F())

    def __getitem__(self, key): return same(P(), F())

    def __eq__(self, other): return same(P(), F()) is None

    __hash__ = None

    def __enter__(self): return same(P(), F())

    def __exit__(self, *_): return same(P(), F())

    def __del__(self): same(P(), F())


def classes():
    class Local(Class):
        same(P(), F())

        @functools.lru_cache
        def cached(self): return same(P(), F())

        __hash__ = object.__hash__

    for kind in Class, Local:
        kind().method()
        kind.of_class()
        kind.static()
        o = kind()
        o.value, o.missing, o[1], o == 2
        with o:
            same(P(), F())
    Local().cached()
    Meta("Made", (), {})


def hot():
    """What the interpreter runs by other instructions once it has run often."""
    for _ in range(200):
        o = Class()
        o.value, o.missing, o[1], o == 2
    def numbers():
        for n in range(200):
            same(P(), F())
            yield n
    for _ in numbers():
        same(P(), F())


def handlers():
    def fail(): raise KeyError(same(P(), F()))

    try:
        fail()
    except KeyError:
        same(P(), F())
        try:
            fail()
        except KeyError:
            same(P(), F())
    finally:
        same(P(), F())
    with contextlib.suppress(KeyError):
        fail()


def names():
    def größe(): same(P(), F())
    def 名前(): (lambda: same(P(), F()))()
    def 𝔵(): same(P(), F())

    größe(), 名前(), 𝔵()
    code = "\n\ndef f():\n\n  same(P(), F())\nf(); same(P(), F())\n"
    for file in ("<string>", "", "/tmp/é.py", "/日本/語.py", "/tmp/😀.py", "a b\n.py", "/tmp/\udcff.py", "é\udcff😀",
                 "/x" * 255 + "y", "/x" * 256, "/é" * 200, "/日" * 200, "/😀x" * 200, "z" * 100_000):
        exec(compile(code, file, "exec"), {"same": same, "P": P, "F": F})
    for name in ("f" * 255, "f" * 256, "é" * 128, "a" + "é" * 128, "日" * 85, "日" * 400, "x" * 70_000):
        exec(f"def {name}():\n  same(P(), F())\n{name}()", globals())
    eval("same(P(), F())")
    code = compile("same(P(), F())", "x", "eval")
    eval(code.replace(co_name="a\0b", co_filename="\0", co_firstlineno=70000))
    for n in range(300): exec(compile(f"{n}; same(P(), F())", f"<{n}>", "exec"), globals())


def recursion(depth=900):
    if depth:
        return recursion(depth - 1)
    same(P(), F())
    return same(L(), F(), INNERMOST)


def callbacks():
    def received(*_): same(P(), F())

    signal.signal(signal.SIGUSR1, received)
    signal.raise_signal(signal.SIGUSR1)
    gc.callbacks.append(received)
    gc.collect()
    gc.callbacks.remove(received)
    o = Class()
    ref = weakref.ref(o, received)
    del o, ref
    called = ctypes.CFUNCTYPE(ctypes.c_long)(lambda: same(P(), F()) or 0)
    called()
    probe.probe_in_thread(called)
    if probe.probe_in_thread(None) != 0:
        failures.append("a thread that is not Python's has frames")


def tracing():
    def traced():
        same(P(), F())
        return [x for x in "ab"]

    def profiled():
        return [len(x) for x in "ab"]

    def tracer(frame, event, argument):
        if frame.f_code is not traced.__code__:
            return None
        same(P(), F())
        return tracer

    sys.settrace(tracer)
    traced()
    sys.settrace(None)
    sys.setprofile(lambda frame, *_: same(P(), F()) if frame.f_code is profiled.__code__ else None)
    profiled()
    sys.setprofile(None)
    monitoring = getattr(sys, "monitoring", None)
    if monitoring:
        monitoring.use_tool_id(3, "frames")
        monitoring.register_callback(3, monitoring.events.LINE, lambda *_: same(P(), F()))
        monitoring.set_local_events(3, traced.__code__, monitoring.events.LINE)
        traced()
        monitoring.free_tool_id(3)


def modules():
    with tempfile.TemporaryDirectory() as directory:
        sys.path.insert(0, directory)
        for name in "frames_one", "größe":
            with open(os.path.join(directory, name + ".py"), "w") as file:
                file.write("from frames_read import F, P, same\nsame(P(), F())\n")
            importlib.import_module(name)
        sys.path.remove(directory)


def threads():
    def run(function):
        t = threading.Thread(target=function)
        t.start()
        t.join()

    run(functions)
    run(lambda: run(generators))
    with concurrent.futures.ThreadPoolExecutor() as pool:
        pool.submit(functions).result()


def greenlets():
    try:
        import greenlet
    except ImportError:
        return

    def one():
        same(P(), F())
        second.switch()
        same(P(), F())

    def two():
        (lambda: same(P(), F()))()
        first.switch()
        same(P(), F())

    first, second = greenlet.greenlet(one), greenlet.greenlet(two)
    first.switch()
    second.switch()


def child():
    if "asan" in sys.argv[1]:
        return  # AddressSanitizer's allocator may be locked in a child for good

    def fork():
        number = os.fork()
        if number == 0:
            functions()
            threads()
            os._exit(1 if failures else 0)
        if os.waitpid(number, 0)[1] != 0:
            failures.append("in a fork's child")

    fork()
    t = threading.Thread(target=fork)
    t.start()
    t.join()


KINDS = (functions, comprehensions, generators, coroutines, classes, hot, handlers, names, recursion, callbacks,
         tracing, modules, threads, greenlets, child)
