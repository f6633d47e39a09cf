#!/bin/bash
# Records the prompts of prompts.tsv with espeak-ng and sox, and the music with make-music.py:
# 8 kHz, mono, G.711 A-law. Not part of the build: the recordings are committed.
#
#   Sources/Prompts/make-prompts.sh [NAME…]     all of them, or only those named; `music` is a name too
#
# A recording of one's own may replace any file of the same name.
set -euo pipefail
cd "$(dirname "$0")"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
only=" $* "

wanted() { [[ "$only" == "  " || "$only" == *" $1 "* ]]; }

# record LANGUAGE VOICE WORDS-A-MINUTE NAME TEXT [WHAT-THE-VOICE-IS-GIVEN-INSTEAD]
record() {
    local spoken="$scratch/spoken.wav" edge="$scratch/edge.wav" text="$5"
    [[ "$text" != "-" ]] || return 0
    [[ "${6:--}" == "-" ]] || text="$6"
    espeak-ng -v "$2" -s "$3" -p 42 -a 100 -w "$spoken" -- "$text"
    # Both ends: cut what is below the threshold, 20 ms of silence instead, a fade so that the cut does not click.
    # The low frequencies go, since no telephone plays them, and the peak comes to -6 dBFS last.
    sox -D "$spoken" -r 8000 -c 1 -b 16 "$edge" vol 0.5 highpass 120 rate -h 8000 norm -6 \
        silence 1 0.005 0.1% fade t 0.005 pad 0.02 reverse \
        silence 1 0.005 0.1% fade t 0.005 pad 0.02 reverse
    sox -D "$edge" -e a-law "Resources/$1/$4.wav" norm -6
}

mkdir -p Resources/ru Resources/en Resources/music
while IFS=$'\t' read -r name russian english russian_given english_given; do
    [[ -n "$name" && "$name" != \#* ]] || continue
    wanted "$name" || continue
    record ru ru 150 "$name" "$russian" "$russian_given"
    record en en-gb-x-rp 155 "$name" "$english" "$english_given"
done < prompts.tsv

if wanted music; then
    python3 make-music.py "$scratch/music.wav"
    sox -D "$scratch/music.wav" -e a-law Resources/music/default.wav
fi
du -sh Resources
