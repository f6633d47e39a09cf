#!/usr/bin/env python3
"""Writes the music on hold: 32 s of soft chords and an arpeggio, 8 kHz, 16 bit, mono; the one argument is the file.

The tune is drawn on a circle: what still rings at the end rings on into the beginning, so that the seam is a place
like any other. The circle is then cut where the wave rises through zero.
"""

import array
import math
import sys
import wave

RATE = 8000
BEAT = 0.5  # seconds; a chord lasts eight beats
# MIDI numbers: the chord's bass, then the notes of its arpeggio.
CHORDS = [
    (48, (60, 64, 67, 71)),  # C major 7
    (45, (60, 64, 67, 72)),  # A minor 7
    (41, (57, 60, 64, 69)),  # F major 7
    (43, (59, 62, 65, 67)),  # G 7
    (40, (59, 62, 64, 67)),  # E minor 7
    (45, (57, 60, 64, 67)),  # A minor 7
    (50, (60, 62, 65, 69)),  # D minor 7
    (43, (59, 62, 65, 71)),  # G 7
]
PATTERN = (0, 1, 2, 3, 2, 3, 1, 2)
LENGTH = int(len(CHORDS) * 8 * BEAT * RATE)
PEAK = 0.16  # of full scale, about -16 dBFS: music waits in the background


def frequency(note):
    return 440 * 2 ** ((note - 69) / 12)


def play(circle, start, note, loudness, attack, decay, partials):
    """Adds one note: a linear attack and an exponential decay, both in seconds, over the partials' loudnesses."""
    first = int(start * RATE)
    length = min(LENGTH, int((attack + 5 * decay) * RATE))
    tail = int(0.05 * RATE)
    for number, share in enumerate(partials, 1):
        pitch = frequency(note) * number
        if pitch > 3200:  # nothing that 8 kHz would fold back
            break
        step = 2 * math.pi * pitch / RATE
        own = decay / number**0.5  # the higher partials fade first
        for i in range(length):
            t = i / RATE
            level = min(1, t / attack) * math.exp(-t / own) * min(1, (length - i) / tail)
            circle[(first + i) % LENGTH] += loudness * share * level * math.sin(step * i)


circle = [0.0] * LENGTH
for number, (bass, notes) in enumerate(CHORDS):
    start = number * 8 * BEAT
    play(circle, start, bass, 0.8, 0.03, 1.6, (1, 0.35, 0.12))
    for note in notes:
        play(circle, start, note, 0.22, 0.5, 1.5, (1, 0.2))
    for beat, index in enumerate(PATTERN):
        play(circle, start + beat * BEAT, notes[index] + 12, 0.5, 0.006, 0.45, (1, 0.25, 0.08))

cut = next(i for i in range(LENGTH) if circle[i - 1] < 0 <= circle[i])
scale = PEAK * 32767 / max(map(abs, circle))
samples = array.array("h", (round(x * scale) for x in circle[cut:] + circle[:cut]))
if sys.byteorder == "big":
    samples.byteswap()
with wave.open(sys.argv[1], "wb") as out:
    out.setparams((1, 2, RATE, LENGTH, "NONE", ""))
    out.writeframes(samples.tobytes())
