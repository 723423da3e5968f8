# make            build/oom_adjust
# make run        install what the build needs, build, run with the shipped config
# make check      install what the tests need, run them all
# make install    DESTDIR, PREFIX and SYSCONFDIR say where
# make bench      how fast it is, against other programs

VERSION = 1.0

B = build
PREFIX = /usr/local
SYSCONFDIR = /etc

CC = cc
CFLAGS = -O2 -g
LIBS = libconfuse libbsd-overlay smartcols

BIN = $(B)/oom_adjust
SRC = $(filter-out src/kill%,$(wildcard src/*.c))
OBJ = $(SRC:src/%.c=$(B)/obj/%.o)

WARN = -Wall -Wextra -Werror
HARDEN = -fPIE -fstack-protector-strong -D_FORTIFY_SOURCE=2 \
	-fstack-clash-protection
CPPFLAGS += -D_GNU_SOURCE -DVERSION='"$(VERSION)"' \
	-DSYSCONFDIR='"$(SYSCONFDIR)"' $(shell pkg-config --cflags $(LIBS))
ALL_CFLAGS = -std=c17 $(WARN) $(HARDEN) $(CPPFLAGS) $(CFLAGS)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(CFLAGS) $(LDFLAGS)
LDLIBS = $(shell pkg-config --libs $(LIBS))

all: $(BIN)

$(BIN): $(OBJ)
	$(CC) $(ALL_LDFLAGS) -o $@ $(OBJ) $(LDLIBS)

$(B)/obj/%.o: src/%.c Makefile
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

-include $(OBJ:.o=.d)

# Helpers of the tests: each file is one program.
HELPERS = $(patsubst tests/helpers/%.c,$(B)/tests/%,$(wildcard tests/helpers/*.c))

$(B)/tests/%: tests/helpers/%.c Makefile
	@mkdir -p $(@D)
	$(CC) -std=c17 $(WARN) -D_GNU_SOURCE -O2 -g -pthread -o $@ $<

# Unit tests: each file is one cmocka program, linked with all but main.
UNIT = $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/*_test.c))

$(B)/unit/%: tests/unit/%.c $(filter-out $(B)/obj/main.o,$(OBJ)) Makefile
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -Isrc $(ALL_LDFLAGS) -o $@ $< \
	    $(filter-out $(B)/obj/main.o,$(OBJ)) $(LDLIBS) -lcmocka

clean:
	rm -rf $(B)

.PHONY: all clean
