# SPDX-License-Identifier: Apache-2.0
#
#   make            bin/obi
#   make test       unit tests under ASan and UBSan      T=name: only matching ones
#   make fuzz       fuzz targets, FUZZ_SECONDS each      T=name: only matching ones
#   make lint       layout, include directions, licences, shellcheck, docs up to date
#   make tidy       clang-tidy on the files that changed since origin, or HEAD~   TIDY=all: on all
#   make docs       everything that is generated from tables, also in deploy/
#   make java       obi-java.jar and libobi-java.so, where there is javac
#   make release    build/release/obi: optimised at link time, stripped
#   make install    the release, its man page and its units   DESTDIR= PREFIX=/usr/local
#   make ARCH=arm64 build/arm64/obi by aarch64-linux-gnu-gcc, after make arm64-packages

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
OBI := $(if $(CROSS),$(BUILD)/obi,bin/obi)
# Of deploy/arm64-sysroot; without it, what the compiler itself knows.
SYSROOT ?= $(if $(CROSS),$(wildcard build/$(ARCH)/sysroot))

WARN := -Wall -Wextra -Wshadow -Wvla -Werror -Wno-unused-parameter
CFLAGS ?= -O2 -g
# -funsigned-char is not assumed anywhere; section flags let the linker drop what no verb uses.
BASE_CFLAGS := -std=gnu11 $(WARN) -Iinclude -Isrc -D_GNU_SOURCE -DOBI_VERSION='"$(VERSION)"' \
	-fstack-protector-strong -ffunction-sections -fdata-sections $(SYSROOT:%=--sysroot=%)
# What makes a fault in here hard to use: tests/lint/check-hardening looks at what came of it.
HARDENING := -D_FORTIFY_SOURCE=3 -fstack-clash-protection -fPIE \
	$(if $(filter arm64,$(BPF_ARCH)),-mbranch-protection=standard,-fcf-protection=full)
LDFLAGS := -Wl,--gc-sections -pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack \
	$(SYSROOT:%=--sysroot=%)
BPF_CPU := v3
# Without 32-bit registers: the verifier refuses their spills to programs without CAP_PERFMON.
BPF_CPU_net := v2
BPF_CFLAGS := -O2 -g -Wall -Werror -Wno-unused-function \
	-Wno-gnu-variable-sized-type-not-at-end -D__TARGET_ARCH_$(BPF_ARCH) -Ibpf -Iinclude
LIBS := -lbpf -lelf -lz -lcap -lseccomp -lyaml -lmicrohttpd -ljansson -lZydis -lm

SOURCES := $(shell find src -name '*.c' | sort)
LIB_SOURCES := $(filter-out src/main.c,$(SOURCES))
BPF_SOURCES := $(wildcard bpf/*.bpf.c)
SKELETONS := $(BPF_SOURCES:bpf/%.bpf.c=$(BUILD)/skel/%.skel.h)
BPF_HEADERS := $(wildcard bpf/*.h bpf/*/*.h include/obi/*.h)

all: $(OBI)

# $(call remember,FILE,TEXT) writes the file only where it holds another text: what was built with
# other flags is built again, and nothing else is. Stripped, as make 4.3 keeps the newline it reads.
differ = $(subst $(1),,$(2))$(subst $(2),,$(1))
remember = $(if $(call differ,$(strip $(file <$(1))),$(strip $(2))),$(shell mkdir -p $(dir $(1)))$(file >$(1),$(2)))
$(call remember,$(BUILD)/flags,$(CC) $(BASE_CFLAGS) $(HARDENING) $(CFLAGS))
$(call remember,$(BUILD)/bpf.flags,$(CLANG) $(BPF_CPU) $(BPF_CPU_net) $(BPF_CFLAGS) $(BPF_LINES))

# ---- BPF programs ---------------------------------------------------------------------------

# Without line numbers an object, and what the kernel keeps of it, is half as large. With BPF_LINES=1 the
# verifier's log has them.
$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c $(BPF_HEADERS) bpf/drop-lines $(BUILD)/bpf.flags
	@mkdir -p $(@D)
	$(CLANG) -target bpf -mcpu=$(or $(BPF_CPU_$*),$(BPF_CPU)) $(BPF_CFLAGS) -c $< -o $@.full
	$(if $(BPF_LINES),,bpf/drop-lines $@.full)
	$(BPFTOOL) gen object $@ $@.full

$(BUILD)/skel/%.skel.h: $(BUILD)/bpf/%.bpf.o
	@mkdir -p $(@D)
	$(BPFTOOL) gen skeleton $< name $(subst -,_,$*)_bpf >$@.new && mv $@.new $@

# ---- User space -----------------------------------------------------------------------------

OBJECTS := $(LIB_SOURCES:src/%.c=$(BUILD)/obj/%.o)

$(BUILD)/obj/%.o: src/%.c $(BUILD)/flags | $(SKELETONS)
	@mkdir -p $(@D)
	$(CC) $(BASE_CFLAGS) $(HARDENING) $(CFLAGS) -I$(BUILD)/skel -MMD -MP -c $< -o $@

# What runs once, as it begins or as a process does, is to be small.
ONCE := verb settings caps feature sandbox service discover inspect replay export
$(ONCE:%=$(BUILD)/obj/%/%.o): override CFLAGS += -Os

$(OBI): $(BUILD)/obj/main.o $(OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(HARDENING) $(CFLAGS) $(LDFLAGS) -o $@.new $^ $(LIBS)
	mv $@.new $@

# ---- Children that have been taken over, for the tests of attacks --------------------------------

HOSTILE := $(BUILD)/hostile/obi
HOSTILE_WRAPS := obi_child_start obi_child_spawn obi_wire_send sender_sandbox_close

hostile: $(HOSTILE)

$(HOSTILE): tests/attack/hostile.c $(BUILD)/obj/main.o $(OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(BASE_CFLAGS) $(HARDENING) $(CFLAGS) $(LDFLAGS) $(HOSTILE_WRAPS:%=-Wl,--wrap=%) -MMD -MP -o $@ $^ $(LIBS)

# ---- Release and installation ----------------------------------------------------------------

RELEASE := build/release$(if $(CROSS),-$(ARCH))
PREFIX ?= /usr/local
UNITS := deploy/obi.service deploy/obi-network.service

# Nothing in it unwinds a stack: the tables for that would be 3 % of it.
release:
	$(MAKE) BUILD=$(RELEASE) OBI=$(RELEASE)/obi CFLAGS="-O2 -flto=auto -fno-asynchronous-unwind-tables" \
		LDFLAGS="$(LDFLAGS) -s" SYSROOT=$(SYSROOT) all
	@echo "$(RELEASE)/obi: $$(stat -c %s $(RELEASE)/obi) bytes"

# Whoever may run it can watch all traffic: it is for its group alone, which a package makes by the
# file for systemd-sysusers(8).
install: release java
	$(if $(DESTDIR),,getent group obi >/dev/null || groupadd --system obi)
	install -D -m 750 $(if $(DESTDIR),,-g obi) $(RELEASE)/obi $(DESTDIR)$(PREFIX)/bin/obi
	install -D -m 644 deploy/obi.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/obi.conf
	for file in obi-java.jar libobi-java.so; do [ ! -e $(BUILD)/java/$$file ] || \
		install -D -m 644 $(BUILD)/java/$$file $(DESTDIR)$(PREFIX)/share/obi/$$file || exit 1; done
	install -D -m 644 docs/obi.1 $(DESTDIR)$(PREFIX)/share/man/man1/obi.1
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	for unit in $(UNITS); do sed 's,^ExecStart=[^ ]*,ExecStart=$(PREFIX)/bin/obi,' $$unit \
		>$(DESTDIR)$(PREFIX)/lib/systemd/system/$${unit##*/} || exit 1; done
	@echo "To run it as another user than root, grant it what its configuration needs; one of:"
	@sed '1d; s,/usr/local/bin/obi,$(PREFIX)/bin/obi,' deploy/setcap.txt

arm64-packages:
	deploy/install-packages build arm64
	deploy/arm64-sysroot build/arm64/sysroot

# What a JVM is given so that its own TLS is seen; see docs/java.md. Skipped where there is no javac.
JAVA := $(BUILD)/java/obi-java.jar

java: $(JAVA)

$(JAVA): $(shell find java -type f)
	@java/build $(abspath $(BUILD)/java) $(CC)

# ---- Unit tests: every src file with sanitizers, one program per test file --------------------

SAN_BUILD := build/san$(if $(CROSS),-$(ARCH))
SAN_CFLAGS := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
SAN_OBJECTS := $(LIB_SOURCES:src/%.c=$(SAN_BUILD)/obj/%.o)
UNIT_SOURCES := $(shell find tests/unit -name 'test_*.c' 2>/dev/null | sort)
UNIT_TESTS := $(UNIT_SOURCES:tests/unit/%.c=$(SAN_BUILD)/unit/%)

$(call remember,$(SAN_BUILD)/flags,$(CC) $(BASE_CFLAGS) $(SAN_CFLAGS))

$(SAN_BUILD)/obj/%.o: src/%.c $(SAN_BUILD)/flags | $(SKELETONS)
	@mkdir -p $(@D)
	$(CC) $(BASE_CFLAGS) $(SAN_CFLAGS) -I$(BUILD)/skel -MMD -MP -c $< -o $@

$(SAN_BUILD)/libobi.a: $(SAN_OBJECTS)
	rm -f $@
	ar rcs $@ $^

$(SAN_BUILD)/unit/%: tests/unit/%.c $(SAN_BUILD)/libobi.a
	@mkdir -p $(@D)
	$(CC) $(BASE_CFLAGS) $(SAN_CFLAGS) -I$(BUILD)/skel -Itests/unit \
		-MMD -MP -MT $@ -MF $@.d -o $@ $< $(SAN_BUILD)/libobi.a $(LIBS) $(PEER_LIBS) -lcmocka

# Tests against another implementation of the same.
$(SAN_BUILD)/unit/protocol/http2/test_%_peer: PEER_LIBS := -lnghttp2

# A program a file: T selects by path, `make test T=http1`.
unit-tests: $(if $(T),$(foreach t,$(UNIT_TESTS),$(if $(findstring $(T),$(t)),$(t))),$(UNIT_TESTS))

test: unit-tests
	@failed=; for t in $(if $(T),$(foreach t,$(UNIT_TESTS),$(if $(findstring $(T),$(t)),$(t))),$(UNIT_TESTS)); do \
		$$t || failed="$$failed $$t"; done; [ -z "$$failed" ] || { echo "failed:$$failed"; exit 1; }

# ---- Fuzz targets: libFuzzer, one program per tests/fuzz/fuzz_*.c --------------------------------

FUZZ_BUILD := build/fuzz$(if $(CROSS),-$(ARCH))
FUZZ_SECONDS ?= 10
FUZZ_CFLAGS := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
FUZZ_SOURCES := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_TARGETS := $(FUZZ_SOURCES:tests/fuzz/%.c=$(FUZZ_BUILD)/%)
FUZZ_OBJECTS := $(LIB_SOURCES:src/%.c=$(FUZZ_BUILD)/obj/%.o)

$(call remember,$(FUZZ_BUILD)/flags,$(CLANG) $(BASE_CFLAGS) $(FUZZ_CFLAGS))

$(FUZZ_BUILD)/obj/%.o: src/%.c $(FUZZ_BUILD)/flags | $(SKELETONS)
	@mkdir -p $(@D)
	$(CLANG) $(BASE_CFLAGS) $(FUZZ_CFLAGS) -I$(BUILD)/skel -MMD -MP -c $< -o $@

$(FUZZ_BUILD)/libobi.a: $(FUZZ_OBJECTS)
	rm -f $@
	ar rcs $@ $^

$(FUZZ_BUILD)/fuzz_%: tests/fuzz/fuzz_%.c $(FUZZ_BUILD)/libobi.a
	$(CLANG) $(BASE_CFLAGS) $(FUZZ_CFLAGS) -fsanitize=fuzzer \
		-MMD -MP -MT $@ -MF $@.d -o $@ $< $(FUZZ_BUILD)/libobi.a $(LIBS) $(PEER_LIBS)

$(FUZZ_BUILD)/fuzz_hpack: PEER_LIBS := -lnghttp2

# By itself, over libraries as they are.
$(FUZZ_BUILD)/flips: tests/fuzz/flips.c $(wildcard src/inspect/*.[ch] src/probe/*.[ch] src/base/*.[ch])
	@mkdir -p $(@D)
	$(CLANG) $(BASE_CFLAGS) -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined \
		-o $@ $(filter %.c,$^) $(LIBS)

fuzz-targets: $(FUZZ_TARGETS) $(FUZZ_BUILD)/flips

# Reads the kept corpus tests/data/fuzz/NAME, writes what it finds to build/fuzz/corpus/NAME.
fuzz: fuzz-targets
	@for t in $(if $(T),$(foreach t,$(FUZZ_TARGETS),$(if $(findstring $(T),$(t)),$(t))),$(FUZZ_TARGETS)); do \
		n=$${t##*/fuzz_}; mkdir -p $(FUZZ_BUILD)/corpus/$$n tests/data/fuzz/$$n; \
		echo "fuzz $$n"; $$t -max_total_time=$(FUZZ_SECONDS) -print_final_stats=0 -verbosity=0 -timeout=10 \
			-artifact_prefix=$(FUZZ_BUILD)/ $(FUZZ_BUILD)/corpus/$$n tests/data/fuzz/$$n || exit 1; done

# ---- Lint and docs ----------------------------------------------------------------------------

lint: lint-includes lint-format lint-tables lint-shell lint-files lint-docs lint-security lint-hardening lint-bpf-stack

lint-hardening: $(OBI)
	tests/lint/check-hardening $(OBI) $(BUILD)/flags

lint-bpf-stack: $(BUILD)/bpf/tls.bpf.o $(BUILD)/bpf/app.bpf.o
	tests/lint/check-bpf-stack $^

lint-%:
	tests/lint/check-$*

tidy: $(SKELETONS)
	tests/lint/tidy "$(TIDY)" $(BASE_CFLAGS) -isystem $(BUILD)/skel -Itests/unit

docs: bin/obi
	deploy/generate bin/obi .

# ---- The rest ---------------------------------------------------------------------------------

clean:
	rm -rf build bin

-include $(shell find build $(BUILD) -name sysroot -prune -o -name '*.d' -type f -print 2>/dev/null)

.PHONY: all java release install arm64-packages test unit-tests fuzz fuzz-targets lint tidy docs clean
.SECONDARY:
.DELETE_ON_ERROR:
