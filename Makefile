# SPDX-License-Identifier: Apache-2.0
#
#   make            bin/obi
#   make test       unit tests under ASan and UBSan      T=name: only matching ones
#   make fuzz       fuzz targets, FUZZ_SECONDS each      T=name: only matching ones
#   make lint       formatting, clang-tidy, include directions, shellcheck
#   make docs       everything that is generated from tables
#   make ARCH=arm64 cross build (aarch64-linux-gnu-gcc)

VERSION := $(shell cat VERSION)
ARCH ?= $(shell uname -m | sed 's/aarch64/arm64/')
ifeq ($(ARCH),arm64)
BPF_ARCH := arm64
ifneq ($(shell uname -m),aarch64)
CROSS ?= aarch64-linux-gnu-
endif
else
BPF_ARCH := x86
endif

CC := $(CROSS)gcc
CLANG ?= clang
BPFTOOL ?= /usr/sbin/bpftool
BUILD ?= build/$(ARCH)

WARN := -Wall -Wextra -Wshadow -Wvla -Werror -Wno-unused-parameter
CFLAGS ?= -O2 -g
# -funsigned-char is not assumed anywhere; section flags let the linker drop what no verb uses.
BASE_CFLAGS := -std=gnu11 $(WARN) -Iinclude -Isrc -D_GNU_SOURCE -DOBI_VERSION='"$(VERSION)"' \
	-fstack-protector-strong -ffunction-sections -fdata-sections
LIBS := -lbpf -lelf -lz -lcap -lseccomp -lyaml -lmicrohttpd -ljansson -lm

SOURCES := $(shell find src -name '*.c' | sort)
LIB_SOURCES := $(filter-out src/main.c,$(SOURCES))
BPF_SOURCES := $(wildcard bpf/*.bpf.c)
SKELETONS := $(BPF_SOURCES:bpf/%.bpf.c=$(BUILD)/skel/%.skel.h)
BPF_HEADERS := $(wildcard bpf/*.h bpf/*/*.h include/obi/*.h)

all: bin/obi

# ---- BPF programs ---------------------------------------------------------------------------

$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c $(BPF_HEADERS) Makefile
	@mkdir -p $(@D)
	$(CLANG) -target bpf -mcpu=v3 -O2 -g -Wall -Werror -Wno-unused-function \
		-Wno-gnu-variable-sized-type-not-at-end -D__TARGET_ARCH_$(BPF_ARCH) \
		-Ibpf -Iinclude -c $< -o $@.full
	$(BPFTOOL) gen object $@ $@.full

$(BUILD)/skel/%.skel.h: $(BUILD)/bpf/%.bpf.o
	@mkdir -p $(@D)
	$(BPFTOOL) gen skeleton $< name $(subst -,_,$*)_bpf >$@.new && mv $@.new $@

# ---- User space -----------------------------------------------------------------------------

OBJECTS := $(LIB_SOURCES:src/%.c=$(BUILD)/obj/%.o)

$(BUILD)/obj/%.o: src/%.c Makefile VERSION | $(SKELETONS)
	@mkdir -p $(@D)
	$(CC) $(BASE_CFLAGS) $(CFLAGS) -I$(BUILD)/skel -MMD -MP -c $< -o $@

bin/obi: $(BUILD)/obj/main.o $(OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -Wl,--gc-sections -o $@.new $^ $(LIBS)
	mv $@.new $@

# ---- Unit tests: every src file with sanitizers, one program per test file --------------------

SAN_BUILD := build/san
SAN_CFLAGS := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
SAN_OBJECTS := $(LIB_SOURCES:src/%.c=$(SAN_BUILD)/obj/%.o)
UNIT_SOURCES := $(shell find tests/unit -name 'test_*.c' 2>/dev/null | sort)
UNIT_TESTS := $(UNIT_SOURCES:tests/unit/%.c=$(SAN_BUILD)/unit/%)

$(SAN_BUILD)/obj/%.o: src/%.c Makefile VERSION | $(SKELETONS)
	@mkdir -p $(@D)
	$(CC) $(BASE_CFLAGS) $(SAN_CFLAGS) -I$(BUILD)/skel -MMD -MP -c $< -o $@

$(SAN_BUILD)/libobi.a: $(SAN_OBJECTS)
	rm -f $@
	ar rcs $@ $^

$(SAN_BUILD)/unit/%: tests/unit/%.c $(SAN_BUILD)/libobi.a
	@mkdir -p $(@D)
	$(CC) $(BASE_CFLAGS) $(SAN_CFLAGS) -I$(BUILD)/skel -Itests/unit -o $@ $< $(SAN_BUILD)/libobi.a $(LIBS) -lcmocka

# A program a file: T selects by path, `make test T=http1`.
unit-tests: $(if $(T),$(foreach t,$(UNIT_TESTS),$(if $(findstring $(T),$(t)),$(t))),$(UNIT_TESTS))

test: unit-tests
	@failed=; for t in $(if $(T),$(foreach t,$(UNIT_TESTS),$(if $(findstring $(T),$(t)),$(t))),$(UNIT_TESTS)); do \
		$$t || failed="$$failed $$t"; done; [ -z "$$failed" ] || { echo "failed:$$failed"; exit 1; }

# ---- Fuzz targets: libFuzzer, one program per tests/fuzz/fuzz_*.c --------------------------------

FUZZ_BUILD := build/fuzz
FUZZ_SECONDS ?= 10
FUZZ_CFLAGS := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
FUZZ_SOURCES := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_TARGETS := $(FUZZ_SOURCES:tests/fuzz/%.c=$(FUZZ_BUILD)/%)
FUZZ_OBJECTS := $(LIB_SOURCES:src/%.c=$(FUZZ_BUILD)/obj/%.o)

$(FUZZ_BUILD)/obj/%.o: src/%.c Makefile VERSION | $(SKELETONS)
	@mkdir -p $(@D)
	$(CLANG) $(BASE_CFLAGS) $(FUZZ_CFLAGS) -I$(BUILD)/skel -MMD -MP -c $< -o $@

$(FUZZ_BUILD)/libobi.a: $(FUZZ_OBJECTS)
	rm -f $@
	ar rcs $@ $^

$(FUZZ_BUILD)/fuzz_%: tests/fuzz/fuzz_%.c $(FUZZ_BUILD)/libobi.a
	$(CLANG) $(BASE_CFLAGS) $(FUZZ_CFLAGS) -fsanitize=fuzzer -o $@ $< $(FUZZ_BUILD)/libobi.a $(LIBS)

fuzz-targets: $(FUZZ_TARGETS)

# Reads the kept corpus tests/data/fuzz/NAME, writes what it finds to build/fuzz/corpus/NAME.
fuzz: fuzz-targets
	@for t in $(if $(T),$(foreach t,$(FUZZ_TARGETS),$(if $(findstring $(T),$(t)),$(t))),$(FUZZ_TARGETS)); do \
		n=$${t##*/fuzz_}; mkdir -p $(FUZZ_BUILD)/corpus/$$n tests/data/fuzz/$$n; \
		echo "fuzz $$n"; $$t -max_total_time=$(FUZZ_SECONDS) -print_final_stats=0 -verbosity=0 -timeout=10 \
			-artifact_prefix=$(FUZZ_BUILD)/ $(FUZZ_BUILD)/corpus/$$n tests/data/fuzz/$$n || exit 1; done

# ---- Lint and docs ----------------------------------------------------------------------------

C_FILES = $(shell git ls-files 'src/*.[ch]' 'bpf/*.[ch]' 'include/*.h' 'tests/*.[ch]' 'bench/*.[ch]' | grep -v bpf/vmlinux.h)
SHELL_FILES = $(shell git grep -lE '^\#!.*(bash|/sh)')

lint:
	tests/lint/check-includes
	clang-format --dry-run -Werror $(C_FILES)
	shellcheck -x $(SHELL_FILES)

docs: bin/obi
	bin/obi config --markdown >docs/configuration.md
	bin/obi config --schema >docs/config.schema.json
	bin/obi check --markdown >docs/capabilities.md

# ---- The rest ---------------------------------------------------------------------------------

clean:
	rm -rf build bin

-include $(shell find build -name '*.d' 2>/dev/null)

.PHONY: all test unit-tests fuzz fuzz-targets lint docs clean
.SECONDARY:
.DELETE_ON_ERROR:
