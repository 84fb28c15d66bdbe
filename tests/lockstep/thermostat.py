"""A room with a heater in Python, and mnemOS in between: python3 thermostat.py [PATH OF sim-host]

The heater is on while pin 25 of the machine is high. A sensor pulls pin 3 high while the room is too cold. What a driver
would do in the machine is done here by console commands, so that the example needs no program of its own.
"""

import sys

from mnemos import Machine

STEP_S = 1
WANTED = 20.0
OUTSIDE = 5.0


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else "sim-host"
    with Machine(program, "--seed=7") as machine:
        machine.command("gpio 25 out")
        machine.command("gpio 3 in")
        room, minutes_on, history = 12.0, 0, []
        for second in range(600):
            machine.pin(3, room < WANTED)
            cold = " high " in machine.command("gpio 3").splitlines()[1]
            machine.command(f"gpio 25 {'high' if cold else 'low'}")
            heater = machine.pins.get(25, False)
            room += STEP_S * (0.1 * heater - 0.002 * (room - OUTSIDE))
            minutes_on += heater * STEP_S / 60
            history.append(room)
            machine.advance(f"{STEP_S}s")
        assert machine.time_us == 600 * STEP_S * 1_000_000, machine.time_us
        assert all(abs(room - WANTED) < 0.5 for room in history[-300:]), history[-300:]
        print(f"after ten minutes the room has {room:.1f} degrees; the heater was on for {minutes_on:.1f} minutes")
        print(f"digest {machine.digest()}")


if __name__ == "__main__":
    main()
