#!/usr/bin/env bash
# Runs every test; what failed is said once more at the end, and why.
# Many tests speak SIP and RTP in real time, so a busy machine may fail one for what it did itself. Suites in which a test
# failed are therefore run again, alone: who fails there as well has failed; who passes is named as unsteady, to be mended.
set -uo pipefail
cd "$(dirname "$0")/.."

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
# SwiftPM writes what Swift Testing found beside the file that it is told.
found="$results/tests-swift-testing.xml"

run() {
    rm -f "$found"
    swift test --skip-build --xunit-output "$results/tests.xml" "$@" 2>&1 | tee "$results/log"
}

# The suites in which a test failed, as "Module.Suite", each once.
failed_suites() {
    [ -f "$found" ] && grep -B1 '<failure' "$found" | sed -n 's/.*<testcase classname="\([^"]*\)".*/\1/p' | sort -u
}

reasons() { grep -a '✘ Test ' "$results/log" | grep -v 'Test run with'; }

run && exit 0
suites=$(failed_suites)
if [ -z "$suites" ]; then
    echo "The tests ended before their results were written: see the last lines above."
    exit 1
fi
first=$(reasons)
printf '\nFailed beside all the others:\n%s\nRun again, alone: %s\n\n' "$first" "$(paste -sd ' ' <<<"$suites")"
if run --no-parallel --filter "^($(sed 's/\./\\./g' <<<"$suites" | paste -sd '|'))/"; then
    printf '\nUnsteady, as they failed once and passed alone:\n%s\n' "$first"
    exit 0
fi
printf '\nFailed twice:\n%s\n' "$(reasons)"
exit 1
