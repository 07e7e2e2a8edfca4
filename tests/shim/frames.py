"""Compare the frames that a probe reads, with the GIL and without it, with those that Python itself knows.

frames.py PROBE compare [held]     all kinds of frames
frames.py PROBE layout             print the layout by which they are read
frames.py PROBE damage             read them by layouts that are wrong
frames.py PROBE exit               read them while the interpreter ends

It runs in any Python from 3.9 on, as do its modules."""

import atexit
import ctypes
import os
import sys
import threading

import frames_read
from frames_read import F, P, probe, same

READ = 1  # profile_python
FIELDS = (
    "object_type", "object_count", "thread_frame", "holder_frame", "frame_previous", "frame_code", "frame_instruction",
    "frame_owner", "frame_copy", "code_first_line", "code_file", "code_name", "code_lines", "code_instructions",
    "code_copies", "text_length", "text_state", "text_ascii", "text_wide",
)


def start():
    version = ctypes.create_string_buffer(32)
    started = probe.probe_start()
    probe.probe_version(version)
    if not started:
        sys.exit(f"state {probe.probe_state()}, version {version.value.decode()}")
    free_threaded = "t" if "free-threading" in sys.version else ""
    assert version.value.decode() == sys.version.split()[0] + free_threaded, version.value
    assert probe.probe_text_has(ctypes.cast(ctypes.pythonapi.PyEval_EvalCode, ctypes.c_void_p).value)


def compare():
    import frames_kinds
    failures = frames_read.failures
    for kind in frames_kinds.KINDS:
        before = len(failures)
        kind()
        if len(failures) > before:
            print(kind.__name__, *failures[before:before + 3], sep="\n  ")
    if probe.probe_failed() != 0 or probe.probe_state() != READ:
        failures.append(f"{probe.probe_failed()} walks failed")
    print(f"{len(frames_read.compared)} compared, {len(failures)} differ")
    sys.exit(bool(failures))


def layout():
    for field in (*FIELDS, "instruction_bytes", "text_state_skip"):
        print(f".{field} = {probe.probe_layout(field.encode())},")


def frames_with(changes):
    """Returns how many frames are read by a layout with such changes: in a child, as there is one layout a process."""
    child = os.fork()
    if child == 0:
        for field, by in changes.items():
            assert probe.probe_damage(field.encode(), by)
        probe.probe_start()
        os._exit(min(sum(probe.probe_count(1) for _ in range(40)) + max(P(), 0), 255))
    status = os.waitpid(child, 0)[1]
    assert os.WIFEXITED(status), (changes, status)
    return os.WEXITSTATUS(status)


def damage():
    tried = 0
    for by in -30000, -4096, -32, -24, -16, -8, -4, -1, 1, 4, 8, 16, 24, 32, 64, 128, 512, 4096, 30000:
        several = dict.fromkeys(("thread_frame", "frame_previous", "frame_code"), by)
        for changes in [several, *({field: by} for field in FIELDS)]:
            found = frames_with(changes)
            tried += 1
            # With other changes it is another Python, so to speak, of which there may be frames.
            assert found == 0 or not changes.keys() & {"thread_frame", "frame_code"}, (changes, found)
    assert frames_with({}) > 40
    print(f"{tried} wrong layouts")


def end():
    class Last:
        def __del__(self, write=os.write, walk=P):  # by then there are no globals
            write(1, b"last: %d\n" % walk())

    def in_python():
        while True:
            P()

    same(P(), F())
    for work in in_python, lambda: probe.probe_count(1 << 40):
        for _ in range(2):
            threading.Thread(target=work, daemon=True).start()
    sys.last_of_all = Last()  # what threads still use is not destroyed
    atexit.register(lambda: os.write(1, b"atexit: %d\n" % P()))


if __name__ == "__main__":
    if sys.argv[2] == "damage":
        damage()
    else:
        start()
        {"compare": compare, "layout": layout, "exit": end}[sys.argv[2]]()
