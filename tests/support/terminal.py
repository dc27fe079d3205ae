"""Runs a program in a pseudo terminal of 24 lines and 100 columns.

Arguments: the program and its arguments. Standard input: JSON, a list of [awaited, typed]: `typed` is sent when all of
`awaited` has come since the step before, and behind it the prompt, unless it ends with "…". Standard output: all that the terminal got, then a line `exit N`.
"""

import fcntl
import json
import os
import pty
import select
import struct
import sys
import termios
import time

PATIENCE_SECONDS = 60

PROMPT = "orgtrail> "


def awaited(text):
    return [text[:-1].encode()] if text.endswith("…") else [text.encode(), PROMPT.encode()]


def has_come(texts, shown):
    at = 0
    for text in texts:
        at = shown.find(text, at)
        if at < 0:
            return False
        at += len(text)
    return True


steps = [(awaited(text), typed.encode()) for text, typed in json.load(sys.stdin)]
child, terminal = pty.fork()
if child == 0:
    os.execv(sys.argv[1], sys.argv[1:])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))

shown, since = b"", 0
ends = time.monotonic() + PATIENCE_SECONDS
while time.monotonic() < ends:
    if steps and has_come(steps[0][0], shown[since:]):
        since = len(shown)
        os.write(terminal, steps.pop(0)[1])
    ready, _, _ = select.select([terminal], [], [], 0.05)
    if not ready:
        continue
    try:
        more = os.read(terminal, 65536)
    except OSError:
        break
    if not more:
        break
    shown += more
else:
    os.kill(child, 9)
    shown += b"\ngave up; still to come: " + repr(steps).encode()
_, status = os.waitpid(child, 0)
sys.stdout.buffer.write(shown + b"\nexit %d\n" % os.waitstatus_to_exitcode(status))
