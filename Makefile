# Two commands do everything on a Debian machine with Swift: `make run` and `make test`.

PACKAGES := libc-ares-dev libcurl4-openssl-dev libmimalloc-dev libssl-dev libogg-dev libopus-dev libspeexdsp-dev libsqlite3-dev pkg-config
TEST_PACKAGES := sip-tester baresip-core tshark sqlite3 curl openssl
# Swift's runtime in the program itself: it runs on machines without Swift.
RELEASE := -c release --static-swift-stdlib
FORMATTED := $(shell git ls-files "*.swift")
INSTALL := apt-get install -y --no-install-recommends
SUDO := $(shell [ "$$(id -u)" = 0 ] || command -v sudo)

.PHONY: run test simulate soak bench fuzz format lint clean packages test-packages

define install
	@missing=""; for p in $(1); do dpkg -s $$p >/dev/null 2>&1 || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then \
		echo "Installing Debian packages:$$missing"; \
		$(SUDO) apt-get update -q && $(SUDO) env DEBIAN_FRONTEND=noninteractive $(INSTALL) $$missing; \
	fi
endef

packages: ; $(call install,$(PACKAGES))
test-packages: packages ; $(call install,$(TEST_PACKAGES))

# Builds a release, starts the switch with the demo tenant, places a test call and shows its story, and stays up for phones.
run: packages
	swift build $(RELEASE) --product gudok
	.build/release/gudok demo --config dialplans/gudok.yaml

test: test-packages lint
	swift build --build-tests --explicit-target-dependency-import-check error
	Tests/run.sh

# Whole days of a contact centre on the whole engine. A bad seed is printed;
# `.build/release/Days 1 SEED` repeats it.
DAYS := 1000
simulate: packages
	swift build $(RELEASE) --product Days
	.build/release/Days $(DAYS)

# Five minutes of callers and operators over the wire; every figure of the reports is recomputed from what was seen there.
SOAK_SECONDS := 300
soak: test-packages
	SOAK_SECONDS=$(SOAK_SECONDS) swift test --filter SoakTests

# CPU time per unit of work, beside the targets and the peers that are installed.
bench: packages
	swift build $(RELEASE)
	Benchmarks/run.sh

# A minute of libFuzzer over every parser of the wire; a crash leaves its input in Fuzz/crashes.
fuzz: packages
	swift build -c release --package-path Fuzz --product ParserFuzz -Xswiftc -sanitize=fuzzer
	mkdir -p Fuzz/corpus Fuzz/crashes
	Fuzz/.build/release/ParserFuzz -max_total_time=60 -max_len=8192 -artifact_prefix=Fuzz/crashes/ Fuzz/corpus \
		$(wildcard ../shared/conformance/fuzz ../shared/conformance/rfc4475 ../shared/conformance/rfc5118)

lint:
	@echo "swift format lint --strict, $(words $(FORMATTED)) files"
	@swift format lint --strict $(FORMATTED)

format:
	swift format -i $(FORMATTED)

clean:
	rm -rf .build Fuzz/.build Fuzz/corpus
