# A thin door: CMakePresets.json holds the builds, scripts/ the rest. `make help` lists what there is.
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60
JOBS ?= $(shell nproc)

CCACHE := $(if $(shell command -v ccache),-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
CONFIGURE = cmake --preset $(1) $(CCACHE) --log-level=NOTICE
BUILD = cmake --build build/$(1) --parallel $(JOBS)

.PHONY: all build deps build-tests run-tests test demo bench lint format sanitize fuzz install clean help
.NOTPARALLEL:

all: build

build: build/release/build.ninja   ## the program, bin/sts (the default)
	@$(call BUILD,release) --target sts manuals
	@scripts/publish build/release/bin/sts bin/sts

deps:                              ## install with apt (and npm, for tests) what is missing
	@scripts/deps brokers

build-tests: build                 ## everything in build/release, tests too
	@$(call BUILD,release)

run-tests: build-tests             ## all tests
	@scripts/run-tests build/release $(JOBS)

test: deps                         ## deps, then build and run all tests
	@$(MAKE) --no-print-directory run-tests

demo:                              ## two shells, a broker, and what the broker sees
	@scripts/deps
	@$(MAKE) --no-print-directory build
	@scripts/demo bin/sts

bench: deps                        ## measure
	@$(call CONFIGURE,bench)
	@$(call BUILD,bench) --target bench

lint:                              ## clang-format and clang-tidy on all files
	@scripts/deps lint
	@scripts/lint

format:                            ## let clang-format mend all files
	@scripts/lint format

sanitize: build/sanitize/build.ninja  ## all tests under AddressSanitizer and UBSan
	@$(call BUILD,sanitize)
	@scripts/run-tests build/sanitize $(JOBS)

fuzz:                              ## each decoder under libFuzzer for FUZZ_SECONDS (60)
	@scripts/deps fuzz
	@$(call CONFIGURE,fuzz)
	@$(call BUILD,fuzz) --target fuzz
	@set -e; for program in build/fuzz/bin/fuzz_*; do \
	  corpus=build/fuzz/corpus/$${program##*/}; mkdir -p $$corpus; echo "$$program"; \
	  $$program -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=build/fuzz/ -verbosity=0 \
	    -print_funcs=0 -print_final_stats=1 $$corpus; done

install: build                     ## program, man pages, completion and example configs, to $(DESTDIR)$(PREFIX)
	install -D -m 755 bin/sts "$(DESTDIR)$(PREFIX)/bin/sts"
	install -D -m 644 -t "$(DESTDIR)$(PREFIX)/share/man/man1" docs/man/sts.1 build/release/man/*.1
	install -D -m 644 -t "$(DESTDIR)$(PREFIX)/share/man/man5" docs/man/sts.conf.5
	install -D -m 644 -t "$(DESTDIR)$(PREFIX)/share/bash-completion/completions" build/release/completions/sts
	install -D -m 644 -t "$(DESTDIR)$(PREFIX)/share/zsh/site-functions" build/release/completions/_sts
	install -D -m 644 -t "$(DESTDIR)$(PREFIX)/share/doc/sts/configs" configs/*

clean:                             ## remove bin/ and build/
	rm -rf bin build

help:
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | column -t -s '|'

build/%/build.ninja:
	@command -v cmake >/dev/null && command -v ninja >/dev/null || \
	  { echo "error: cmake or ninja is missing" >&2; echo "hint: make deps" >&2; exit 1; }
	@$(call CONFIGURE,$*)
