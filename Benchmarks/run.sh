#!/bin/sh
# What `make bench` runs: the cores alone, then the relay and whole calls with the load program of ../shared/bench where it is
# there, peers in the same run. Everything stays on loopback.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
bin="$root/.build/release"
load_source="$root/../shared/bench"
work=$(mktemp -d)
pids=
trap 'kill $pids 2>/dev/null || true; rm -rf "$work"' EXIT

echo "== Signalling cores, CPU time"
"$bin/SignallingBench"
echo "== Queues"
"$bin/QueueBench"
# Ten million calls, the size of the targets, take some minutes and 25 GB: REPORT_CALLS=10000000 make bench
echo "== Reports on ${REPORT_CALLS:=1000000} calls"
"$bin/ReportBench" "$REPORT_CALLS"
echo "== Sound: recording, prompts, mixes"
"$bin/MediaBench"

if [ ! -f "$load_source/callload.c" ]; then
    echo "skipped: no load program in ../shared/bench, so no relay and no whole calls"
    exit 0
fi
cc -O2 -pthread -o "$work/callload" "$load_source/callload.c" -lm
cc -O2 -o "$work/relayfloor" "$load_source/relayfloor.c"

value() { grep -o "\"$1\": [0-9.]*" "$2" | head -1 | sed 's/.*: //'; }
await() { for _ in $(seq 100); do [ -s "$1" ] && return 0; sleep 0.1; done; echo "$1 stays empty"; exit 1; }

# relay NAME COMMAND…: µs of CPU per relayed packet, 200 calls of 50 packets a second both ways.
relay() {
    name=$1
    shift
    "$@" > "$work/pairs.$name" &
    pid=$!
    pids="$pids $pid"
    await "$work/pairs.$name"
    "$work/callload" relay --pairs "$work/pairs.$name" --calls 200 --dur 10 --pid $pid --json > "$work/$name.json" 2>&1 || true
    kill $pid 2>/dev/null || true
    wait $pid 2>/dev/null || true
    printf '%-28s %8s µs/packet   lost %s %%   p99 %s ms\n' "$name" "$(value peer_cpu_s_per_Mpkt "$work/$name.json")" \
        "$(value rtp_lost_pct "$work/$name.json")" "$(value delay_ms_p99 "$work/$name.json")"
}

echo "== Relay alone, 200 calls"
relay floor-in-C "$work/relayfloor" 127.0.0.1 40000 200
relay gudok "$bin/RelayBench" 127.0.0.1 44000 200
awk -v a="$(value peer_cpu_s_per_Mpkt "$work/gudok.json")" -v b="$(value peer_cpu_s_per_Mpkt "$work/floor-in-C.json")" \
    'BEGIN { if (b > 0) printf "ratio to the C floor         %8.2f   target 1.20\n", a / b }'

calls() {
    "$work/callload" sip --peer 127.0.0.1:5060 --uac 127.0.0.1:5081 --uas 127.0.0.1:5082 --json "$@" > "$work/calls.json" 2>&1
}

# whole NAME PIDS: calls without media at two rates, then with media; the figures stay in $work/NAME-*.
whole() {
    name=$1
    of=$2
    calls --pid "$of" --calls 300 --rate 100 --dur 1
    for rate in 100 300; do
        calls --pid "$of" --calls $((rate * 10)) --rate $rate --dur 1
        cp "$work/calls.json" "$work/$name-$rate"
        printf '%-22s %3d calls/s        %8s ms CPU/call     set-up p50 %s p99 %s ms   ok %s of %s\n' "$name" "$rate" \
            "$(value peer_cpu_s_per_1000_calls "$work/calls.json")" "$(value setup_ms_p50 "$work/calls.json")" \
            "$(value setup_ms_p99 "$work/calls.json")" "$(value calls_ok "$work/calls.json")" "$(value calls "$work/calls.json")"
    done
    for count in 200 500; do
        calls --pid "$of" --calls $count --rate 50 --rtp --dur 15
        cp "$work/calls.json" "$work/$name-media-$count"
        printf '%-22s %3d calls, media   %8s µs CPU/packet   lost %s %%   delay p50 %s p99 %s ms   %s KiB/call\n' "$name" $count \
            "$(value peer_cpu_s_per_Mpkt "$work/calls.json")" "$(value rtp_lost_pct "$work/calls.json")" \
            "$(value delay_ms_p50 "$work/calls.json")" "$(value delay_ms_p99 "$work/calls.json")" \
            "$(value peer_kib_per_call "$work/calls.json")"
    done
}

# ratio WHAT FIGURE FILE TARGET
ratio() {
    awk -v a="$(value "$2" "$work/gudok-$3")" -v b="$(value "$2" "$work/kamailio+rtpengine-$3")" -v what="$1" -v target="$4" \
        'BEGIN { if (b > 0) printf "ratio, %-34s %8.2f   target %s\n", what, a / b, target }'
}

echo "== Whole calls: Gudok, a B2BUA with each call's record on disk"
cp -r "$load_source/gudok" "$work/node"
(cd "$work/node" && exec "$bin/gudok" serve --log-level warning > ready 2> log) &
pid=$!
pids="$pids $pid"
await "$work/node/ready"
whole gudok $pid
kill $pid
wait $pid 2>/dev/null || true

if ! command -v kamailio > /dev/null || ! command -v rtpengine > /dev/null; then
    echo "skipped: no peers (apt-get install kamailio rtpengine-daemon)"
    exit 0
fi
echo "== Whole calls: Kamailio, a proxy without records, and rtpengine in user space"
rtpengine --interface=127.0.0.1 --listen-ng=127.0.0.1:2223 --foreground --log-level=3 --table=-1 \
    --port-min=40000 --port-max=59999 --pidfile="$work/rtpengine.pid" > "$work/rtpengine.log" 2>&1 &
engine=$!
await "$work/rtpengine.pid"
kamailio -f "$root/Benchmarks/peers/kamailio.cfg" -DD -E -m 64 -M 8 -P "$work/kamailio.pid" > "$work/kamailio.log" 2>&1 &
proxy=$!
pids="$pids $engine $proxy"
await "$work/kamailio.pid"
sleep 1
whole kamailio+rtpengine "$(pgrep -x kamailio -d ,),$engine"
kill $proxy $engine
echo "== Ratios in this run"
ratio "CPU per call at 100/s" peer_cpu_s_per_1000_calls 100 0.60
ratio "CPU per call at 300/s" peer_cpu_s_per_1000_calls 300 0.60
ratio "CPU per packet, 200 calls" peer_cpu_s_per_Mpkt media-200 0.60
ratio "CPU per packet, 500 calls" peer_cpu_s_per_Mpkt media-500 0.60
ratio "delay p99, 500 calls" delay_ms_p99 media-500 1.00
