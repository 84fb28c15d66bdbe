"""Runs a program in a terminal of its own and ends it: terminal.py keys:KEYS|signal:NAME PROGRAM...

Prints what became of the terminal, as JSON.
"""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import termios

LOCAL_FLAGS = 3
LOOK_SECONDS = 0.01

how, _, what = sys.argv[1].partition(":")
near, far = pty.openpty()
before = termios.tcgetattr(far)


def is_raw():
    flags = termios.tcgetattr(far)[LOCAL_FLAGS]
    return not flags & (termios.ICANON | termios.ECHO | termios.ISIG)


def drain():
    """Takes what the program prints, so that it never waits for room."""
    if select.select([near], [], [], LOOK_SECONDS)[0]:
        os.read(near, 4096)


program = subprocess.Popen(sys.argv[2:], stdin=far, stdout=far, stderr=far, start_new_session=True)
while not is_raw() and program.poll() is None:
    drain()
raw = is_raw()
if how == "keys":
    os.write(near, what.encode())
else:
    program.send_signal(getattr(signal, what))
while program.poll() is None:
    drain()
print(json.dumps({"raw": raw, "given_back": termios.tcgetattr(far) == before, "code": program.returncode}))
