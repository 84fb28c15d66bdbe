"""Draws what operations cost among ever more others: lines of a case, a number and a cost become an SVG, both axes logarithmic."""

import math
import sys
from itertools import groupby

WIDTH, HEIGHT = 900, 520
LEFT, RIGHT, TOP, BOTTOM = 70, 330, 40, 60
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#7a5c00", "#000000", "#e69f00", "#882255"]

rows = [line.rstrip("\n").split("\t") for line in sys.stdin]
lines = [(name, [(int(n), max(float(cost), 1)) for _, n, cost in of]) for name, of in groupby(rows, lambda row: row[0])]
points = [point for _, of in lines for point in of]
largest = math.ceil(math.log10(max(n for n, _ in points)))
dearest = math.ceil(math.log10(max(cost for _, cost in points)))
cheapest = math.floor(math.log10(min(cost for _, cost in points)))


def x(n):
    return LEFT + (math.log10(n) - 1) / (largest - 1) * (WIDTH - LEFT - RIGHT)


def y(cost):
    return HEIGHT - BOTTOM - (math.log10(cost) - cheapest) / (dearest - cheapest) * (HEIGHT - TOP - BOTTOM)


def text(at_x, at_y, words, more=""):
    print(f'<text x="{at_x:.1f}" y="{at_y:.1f}" {more}>{words}</text>')


def rule(x1, y1, x2, y2):
    print(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#ddd"/>')


print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13">')
print(f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>')
text(LEFT, 22, "Instructions of an operation, among how many others", 'font-size="15"')
for power in range(1, largest + 1):
    rule(x(10**power), TOP, x(10**power), HEIGHT - BOTTOM)
    text(x(10**power), HEIGHT - BOTTOM + 20, f"{10**power:,}", 'text-anchor="middle"')
for power in range(cheapest, dearest + 1):
    rule(LEFT, y(10**power), WIDTH - RIGHT, y(10**power))
    text(LEFT - 8, y(10**power) + 4, f"{10**power:,}", 'text-anchor="end"')
text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 15, "tasks, timers, connections, services", 'text-anchor="middle"')

# The labels stand in the order of the lines' ends, far enough from each other, each with a dash of its line's colour.
label = TOP
for (name, of), colour in sorted(zip(lines, COLOURS), key=lambda it: y(it[0][1][-1][1])):
    path = " ".join(f"{x(n):.1f},{y(cost):.1f}" for n, cost in of)
    print(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
    for n, cost in of:
        print(f'<circle cx="{x(n):.1f}" cy="{y(cost):.1f}" r="3" fill="{colour}"/>')
    label = max(label + 22, min(y(of[-1][1]), HEIGHT - BOTTOM - 22 * len(lines)))
    at = WIDTH - RIGHT + 20
    print(f'<line x1="{at}" y1="{label:.1f}" x2="{at + 20}" y2="{label:.1f}" stroke="{colour}" stroke-width="3"/>')
    text(at + 28, label + 4, name)
print("</svg>")
