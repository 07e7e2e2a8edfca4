"""Damage a program in many ways and have the doctor look at each: it must neither crash nor hang nor be at a loss.

usage: damage_program.py DOCTOR PROGRAM COUNT
"""
import os
import pathlib
import random
import subprocess
import sys

doctor, program, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
whole = pathlib.Path(program).read_bytes()
dice = random.Random(1)


def look(data, what):
    with open("damaged", "wb") as file:
        file.write(data)
    os.chmod("damaged", 0o755)
    ran = subprocess.run([doctor, "doctor", "./damaged"], capture_output=True, timeout=600, check=False)
    lines = ran.stdout.decode(errors="replace").removesuffix("\n").split("\n")
    assert ran.returncode in (0, 1) and not ran.stderr, (what, ran)
    assert lines and all(line.split(": ")[0] in ("ok", "note", "warning", "problem") for line in lines), (what, lines)
    return lines


# Cut off before the end of its segments: one line that says so.
for _ in range(count):
    size = dice.randrange(0, 0x1000)
    lines = look(whole[:size], f"cut off at {size}")
    problems = [line for line in lines if line.startswith("problem: ./damaged: ")]
    assert len(lines) == 1 and len(problems) == 1, (size, lines)
    assert size < 0x400 or lines[0].endswith("it is cut off or damaged"), (size, lines)

# Noise, with and without the mark of an ELF file.
for step in range(count):
    noise = b"\1" + dice.randbytes(dice.randrange(1, 4096))  # no text, which would be a shell's script
    for data in (noise, b"\x7fELF" + noise, whole[:20] + noise):
        lines = look(data, f"noise {step}")
        assert len(lines) == 1 and lines[0].startswith("problem: ./damaged: "), (step, lines)

# A few bytes changed where the loader looks first. What still makes sense may be called a program.
for step in range(4 * count):
    data = bytearray(whole)
    for _ in range(dice.randrange(1, 8)):
        place = dice.choice([dice.randrange(16, 0x600), dice.randrange(len(data) - 0x900, len(data)),
                             dice.randrange(len(data))])
        data[place] = dice.choice([0, 1, 0x7f, 0x80, 0xff, dice.randrange(256)])
    look(bytes(data), f"changed {step}")
print("finished")
