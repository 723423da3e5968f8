# make            build/oom_adjust
# make run        install what the build needs, build, and run the main job
#                 with the shipped config
# make check      install what the quick tests need, and run them
# make check-all  install what all tests need, and run them
# make check-ports  the tests on other systems and machines
# make static     build/static/oom_adjust, which needs no library
# make install    to PREFIX and SYSCONFDIR below DESTDIR
# make uninstall  remove that, except the config
# make bench      compare its speed with other programs
# make dist       the release, build/oom_adjust-VERSION.tar.gz
# make deb        the Debian package of it, in build/deb

VERSION = 1.0

B = build
PREFIX = /usr/local
SYSCONFDIR = /etc
SBINDIR = $(PREFIX)/sbin
MANDIR = $(PREFIX)/share/man
BASHCOMPDIR = $(PREFIX)/share/bash-completion/completions
ZSHCOMPDIR = $(PREFIX)/share/zsh/site-functions

# A crontab has no way to write a path with a blank.
ifneq ($(words x$(SBINDIR)x$(MANDIR)x$(BASHCOMPDIR)x$(ZSHCOMPDIR)x$(SYSCONFDIR)x),1)
$(error PREFIX, SYSCONFDIR and what follows from them must not contain blanks)
endif

# CC, CFLAGS, CPPFLAGS and LDFLAGS belong to whoever builds, and are also taken
# from the environment; they come after the flags given here.
CFLAGS ?= -O2 -g
PKG_CONFIG ?= pkg-config
LIBS = libconfuse libbsd-overlay smartcols

BIN = $(B)/oom_adjust
SRC = $(wildcard src/*.c src/kills/*.c)
OBJ = $(SRC:src/%.c=$(B)/obj/%.o)
LIBOBJ = $(filter-out $(B)/obj/main.o,$(OBJ))

WARN = -Wall -Wextra $(WERROR)
HARDEN = -fPIE -fstack-protector-strong -fstack-clash-protection
# Only a default, and only where it works: with optimization, without sanitizers.
OPTIMIZED = $(filter-out -O0,$(lastword $(filter -O%,$(CFLAGS))))
NO_FORTIFY = $(strip $(foreach w,_FORTIFY_SOURCE -fsanitize,$(findstring \
	$(w),$(CPPFLAGS) $(CFLAGS))))
FORTIFY = $(if $(OPTIMIZED),$(if $(NO_FORTIFY),,-U_FORTIFY_SOURCE \
	-D_FORTIFY_SOURCE=2))
ALL_CPPFLAGS = -D_GNU_SOURCE -DVERSION='"$(VERSION)"' \
	-DSYSCONFDIR='"$(SYSCONFDIR)"' -Isrc $(FORTIFY) \
	$(shell $(PKG_CONFIG) --cflags $(LIBS)) $(CPPFLAGS)
ALL_CFLAGS = -std=c17 -pthread $(WARN) $(HARDEN) $(ALL_CPPFLAGS) $(CFLAGS)
ALL_LDFLAGS = -pthread -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(CFLAGS) \
	$(LDFLAGS)
# Only a few small functions of libbsd are needed. Linked in from its archive,
# if there is one, they save every run from loading two libraries.
BSD = $(if $(findstring /,$(shell $(CC) -print-file-name=libbsd.a)),-l:libbsd.a,-lbsd)
LDLIBS = $(subst -lbsd,$(BSD),$(shell $(PKG_CONFIG) --libs $(LIBS)))

all: $(BIN)

$(BIN): $(OBJ)
	$(CC) $(ALL_LDFLAGS) -o $@ $(OBJ) $(LDLIBS)

$(B)/obj/%.o: src/%.c $(B)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

-include $(OBJ:.o=.d)

# Objects made with other flags are made again.
$(B)/flags: FORCE
	@mkdir -p $(B)
	@printf '%s\n' $(foreach w,$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS),'$(w)') \
	    >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

run:
	tests/packages build
	$(MAKE) all
	@# A clone may be writable by a group, which is refused.
	install -m 644 etc/oom_adjust.conf $(B)/oom_adjust.conf
	$(BIN) -v -c $(B)/oom_adjust.conf
	@echo 'The processes above have these values now. To undo: restart the'
	@echo 'service, or write "NAME 0" in place of its rule and run it again.'

check:
	tests/packages check
	$(MAKE) -j "$$(nproc)" all
	tests/run quick

check-all:
	tests/packages all
	$(MAKE) -j "$$(nproc)" all
	tests/run

# What check-all has and check lacks.
check-rest:
	tests/packages all
	$(MAKE) -j "$$(nproc)" all
	tests/run tools slow

check-ports:
	tests/packages check static ports
	tests/run ports

# build/static/oom_adjust: one file that needs no library.
STATIC = $(abspath $(B)/static)
static:
	tests/packages static
	tests/ports/libraries $(STATIC)
	PKG_CONFIG_LIBDIR=$(STATIC)/lib/pkgconfig $(MAKE) B=$(STATIC) \
	    CC=$(STATIC)/cc PKG_CONFIG='$(PKG_CONFIG) --static' \
	    LDFLAGS='-s $(LDFLAGS)' all
	@ls -l $(STATIC)/oom_adjust

bench: all static
	tests/packages all
	$(MAKE) helpers
	tests/bench/run
	tests/bench/kills

# Helpers of the tests: each file is one program. Unit tests: each is one
# cmocka program, linked with all but main.
HELPERS = $(patsubst tests/helpers/%.c,$(B)/tests/%,$(wildcard tests/helpers/*.c))
UNIT = $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/*_test.c))

helpers: $(HELPERS)
unit: $(UNIT)

$(B)/tests/%: tests/helpers/%.c $(wildcard tests/helpers/*.h)
	@mkdir -p $(@D)
	$(CC) -std=c17 $(WARN) -D_GNU_SOURCE -O2 -g -pthread -o $@ $<

$(B)/unit/%: tests/unit/%.c $(LIBOBJ)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< $(LIBOBJ) $(LDLIBS) \
	    -lcmocka -ldl

# The config reader alone, with every part of it instrumented.
$(B)/fuzz_config: tests/fuzz/fuzz_config.c src/*.[ch]
	@mkdir -p $(@D)
	clang -std=c17 $(WARN) $(ALL_CPPFLAGS) -U_FORTIFY_SOURCE -g -O1 \
	    -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
	    -o $@ $< src/config.c src/shortform.c src/rule.c src/text.c $(LDLIBS) \
	    -Wl,--wrap=getpwnam

# The reader of kernel logs, the same.
$(B)/fuzz_kills: tests/fuzz/fuzz_kills.c src/*.[ch] src/kills/*.[ch]
	@mkdir -p $(@D)
	clang -std=c17 $(WARN) $(ALL_CPPFLAGS) -U_FORTIFY_SOURCE -g -O1 \
	    -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
	    -o $@ $< src/kills/log.c src/kills/line.c src/kills/message.c \
	    src/text.c $(LDLIBS)

# The files contain the default places: replace them by those asked for.
PLACES = sed -e 's|/usr/local/sbin/oom_adjust|$(SBINDIR)/oom_adjust|g' \
	-e 's|/etc/oom_adjust|$(SYSCONFDIR)/oom_adjust|g' \
	-e 's|/etc/cron\.d|$(SYSCONFDIR)/cron.d|g' \
	-e 's|/etc/rc\.local\.d|$(SYSCONFDIR)/rc.local.d|g'

# $(call put,MODE,FILE,DIRECTORY[,NAME]): install FILE with these places.
put = install -d "$(DESTDIR)$(3)" && \
	$(PLACES) $(2) >$(B)/put && \
	install -m $(1) $(B)/put "$(DESTDIR)$(3)/$(or $(4),$(notdir $(2)))" && \
	rm -f $(B)/put

# $(call keep,MODE,FILE,DIRECTORY[,DOT]): the same, but a file that exists belongs
# to the administrator, with its mode: if it differs, it is kept and the new one
# goes beside it, with DOT before its name so that neither cron nor run-parts
# reads it.
keep = @set -e; dir="$(DESTDIR)$(3)"; file="$$dir/$(notdir $(2))"; \
	new="$$dir/$(4)$(notdir $(2)).new"; \
	install -d "$$dir"; \
	rm -f "$$new"; \
	$(PLACES) $(2) >$(B)/put; \
	if [ ! -e "$$file" ] && [ ! -L "$$file" ]; then \
		install -m $(1) $(B)/put "$$file"; \
	elif ! cmp -s $(B)/put "$$file"; then \
		install -m 644 $(B)/put "$$new"; \
		echo "$$file is kept; the new one is $$new"; \
	fi; \
	rm -f $(B)/put

install: $(BIN)
	install -d "$(DESTDIR)$(SBINDIR)"
	install -m 755 $(BIN) "$(DESTDIR)$(SBINDIR)/oom_adjust"
	$(call put,644,src/oom_adjust.8,$(MANDIR)/man8)
	$(call put,644,src/oom_adjust.conf.5,$(MANDIR)/man5)
	$(call put,644,etc/oom_adjust.bash-completion,$(BASHCOMPDIR),oom_adjust)
	$(call put,644,etc/_oom_adjust,$(ZSHCOMPDIR))
	$(call keep,644,etc/oom_adjust.conf,$(SYSCONFDIR))
	$(call keep,644,cron.d/oom_adjust,$(SYSCONFDIR)/cron.d,.)
	$(call keep,755,rc.local.d/oom_adjust,$(SYSCONFDIR)/rc.local.d,.)

# The config, its .new and its .conf.d stay.
uninstall:
	rm -f "$(DESTDIR)$(SBINDIR)/oom_adjust" \
	    "$(DESTDIR)$(MANDIR)/man8/oom_adjust.8" \
	    "$(DESTDIR)$(MANDIR)/man5/oom_adjust.conf.5" \
	    "$(DESTDIR)$(SYSCONFDIR)/cron.d/oom_adjust" \
	    "$(DESTDIR)$(SYSCONFDIR)/cron.d/.oom_adjust.new" \
	    "$(DESTDIR)$(SYSCONFDIR)/rc.local.d/oom_adjust" \
	    "$(DESTDIR)$(SYSCONFDIR)/rc.local.d/.oom_adjust.new" \
	    "$(DESTDIR)$(BASHCOMPDIR)/oom_adjust" \
	    "$(DESTDIR)$(ZSHCOMPDIR)/_oom_adjust"

# The files of the last commit, with its time: the same bytes every time.
ARCHIVE = git -c tar.umask=022 archive --format=tar \
	--prefix=oom_adjust-$(VERSION)/ HEAD
dist:
	@mkdir -p $(B)
	$(ARCHIVE) | gzip -9n >$(B)/oom_adjust-$(VERSION).tar.gz

# Built from a clean export, without the flags and variables of this make.
deb:
	tests/packages package
	rm -rf $(B)/deb
	mkdir -p $(B)/deb
	$(ARCHIVE) ':!debian' | gzip -9n \
	    >$(B)/deb/oom-adjust_$(VERSION).orig.tar.gz
	$(ARCHIVE) | tar -C $(B)/deb -xf -
	cd $(B)/deb/oom_adjust-$(VERSION) && \
	    env -u MAKEFLAGS -u MFLAGS dpkg-buildpackage -us -uc
	rm -rf $(B)/deb/oom_adjust-$(VERSION)

clean:
	rm -rf $(B)

FORCE:
.PHONY: all run check check-all check-rest check-ports static bench helpers \
	unit install uninstall dist deb clean FORCE
