"""A mnemOS machine in lockstep: its time passes when you say so. README.md has the protocol."""

import ast
import subprocess


class MachineError(Exception):
    """The machine refused a request, and nothing has happened."""


class Machine:
    """A machine in a process of its own.

    `program` is the simulator; `options` are those of its command line, such as `--seed=7`.
    """

    def __init__(self, program="sim-host", *options):
        self._process = subprocess.Popen(
            [program, "--lockstep", "stdio", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.time_us = 0
        """The machine's time, in microseconds since boot."""
        self.pins = {}
        """The levels of the pins that the machine has changed."""
        self.output = b""
        """What the machine has sent and nobody has taken."""
        self.state = "busy"
        """What the machine waits for: `idle`, `idle until ...`, `busy` or `stopped ...`."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.quit()

    def request(self, line):
        """Sends a request, and returns the lines of its answer but the last."""
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        lines = []
        for answer in self._process.stdout:
            answer = answer.rstrip("\n")
            if answer == "ok":
                return lines
            if answer.startswith("error "):
                raise MachineError(answer[len("error "):])
            lines.append(answer)
        raise MachineError("the simulator has ended")

    def advance(self, span):
        """Lets time pass, such as `10ms`; returns what the machine did, as (time, what) pairs."""
        return self._note(self.request(f"advance {span}"))

    def observe(self):
        """Does what is due now; returns what the machine did."""
        return self._note(self.request("observe"))

    def send(self, text, uart=0):
        """Sends text to a serial port."""
        escaped = "".join(f"\\x{byte:02x}" for byte in text.encode())
        self.request(f'send uart{uart} "{escaped}"')

    def pin(self, number, high):
        """Drives a pin."""
        self.request(f"pin {number} {'high' if high else 'low'}")

    def command(self, line):
        """Types a console command, and returns what it prints without time passing."""
        self.take_output()
        self.send(line + "\n")
        self.observe()
        return self.take_output()

    def take_output(self):
        """What the machine has sent since this was called last."""
        output, self.output = self.output, b""
        return output.decode()

    def digest(self):
        """What stands for all that has happened so far."""
        return self.request("digest")[0].removeprefix("digest ")

    def quit(self):
        """Ends the machine."""
        if self._process.poll() is None:
            self.request("quit")
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def _note(self, lines):
        seen = []
        for line in lines:
            word, _, rest = line.partition(" ")
            if word == "time":
                self.time_us = int(rest)
            elif word == "pin":
                number, level = rest.split()
                self.pins[int(number)] = level == "high"
                seen.append((self.time_us, line))
            elif word.startswith("uart"):
                self.output += ast.literal_eval("b" + rest)
                seen.append((self.time_us, line))
            else:
                self.state = line
        return seen
