# Masks what may differ between two machines in what a session prints, and nothing else: sed -E -f tests/session/mask.sed
#
# Cells of tables are aligned to the right, so a mask takes the spaces before it, too.

# The machine's name.
s/ on the (simulator|RP2040)$/ on MACHINE/

# Its number.
s/^serial number [0-9a-f]{16}$/serial number NUMBER/

# Times: a span, how long the machine has been up, and when an event or a line of the log happened. A machine in virtual
# time takes none for its work.
s/ +[0-9]+(\.[0-9]+)? (us|ms|s|min|h|d)\b/ TIME/g
s/^[0-9]+ d [0-9:.]+$/TIME/
s/^ *[0-9]+\.[0-9]{6} /TIME /
s/"(busy_us|longest_us)":[0-9]+/"\1":TIME/g

# Shares of the time, and what happened per second of it: `top`.
s/ +[0-9]+\.[0-9] % +[0-9]+$/ SHARE RATE/

# Bytes of memory: pointers are of 4 bytes or of 8, and the machines have not the same memory.
s/ +[0-9]+(\.[0-9])? ([KM]i)?B\b/ BYTES/g
s/"(bytes|peak|capacity|used|free|largest_free)":[0-9]+/"\1":BYTES/g

# Blocks of memory, of the kernel and of all: the board's clock needs none.
s/^(blocks|allocations) +[0-9]+$/\1 BLOCKS/
s/^( +0  kernel .* -) +[0-9]+ /\1 BLOCKS /
/^\{"(capacity|task":0,)/s/"(blocks|allocations)":[0-9]+/"\1":BLOCKS/g

# What depends on how the bytes of the console's line come and go, one by one or many at once: how often the port
# interrupts, and how often it and the console are asked.
s/^(uart0) +[0-9]+$/\1 COUNT/
s/("line":"uart0","fired":)[0-9]+/\1COUNT/
s/^( +[0-9]+  (uart0|console) +(running|ready|waiting)) +[0-9]+ +[0-9]+/\1 COUNT COUNT/
s/("name":"(uart0|console)","state":"[a-z]+","polls":)[0-9]+(,"wakes":)[0-9]+/\1COUNT\3COUNT/
s/^( +[0-9]+  serial +uart0 +1\.0 +1) +[0-9]+/\1 COUNT/
s/("service":"serial",.*"(answered|requests)":)[0-9]+/\1COUNT/
s/^( +[0-9]+  serial .*\/3) +[0-9]+$/\1 COUNT/

# The board's serial port is connected to pins 0 and 1. The simulator's has a line of its own.
s/^(  [01])  (up  |down)    (low |high) /\1  MODE    LEVEL/
