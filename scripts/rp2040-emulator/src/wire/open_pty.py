"""Opens a pseudo-terminal, prints its path on a line, and passes bytes between it and standard input and output.

It ends with its input. Bytes that nobody takes at the terminal are lost, as on a cable.
"""

import os
import pty
import selectors
import sys
import tty

CHUNK = 4096

near, far = pty.openpty()
tty.setraw(far)
os.set_blocking(near, False)
print(os.ttyname(far), flush=True)

# The far side stays open here: otherwise each program that closes it would end the connection.
selector = selectors.DefaultSelector()
selector.register(near, selectors.EVENT_READ)
selector.register(sys.stdin.fileno(), selectors.EVENT_READ)

while True:
    for key, _ in selector.select():
        data = os.read(key.fd, CHUNK)
        if key.fd == near:
            os.write(sys.stdout.fileno(), data)
        elif data:
            try:
                os.write(near, data)
            except BlockingIOError:
                pass
        else:
            sys.exit()
