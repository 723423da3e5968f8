/* SPDX-License-Identifier: ISC */
/*
 * The reader of kernel logs, fed any bytes: as text, as records of /dev/kmsg,
 * and in pieces of any size, which must make no difference.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kills/kill.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What came out: how many kills, and a hash of them. */
struct sum {
	size_t kills;
	uint64_t hash;
};

static void
check(bool right)
{
	if (!right)
		abort();
}

static void
add_text(struct sum *sum, const char *text, size_t size)
{
	check(memchr(text, '\0', size) != NULL);
	for (; *text != '\0'; text++)
		sum->hash = sum->hash * 31 + (unsigned char)*text;
}

static void
add_kill(const struct kill *kill, void *arg)
{
	struct sum *sum = arg;
	size_t i;

	sum->kills++;
	add_text(sum, kill->comm, sizeof(kill->comm));
	add_text(sum, kill->time, sizeof(kill->time));
	check(kill->killer < KILLERS && kill->scale <= SCALE_OOM_SCORE_ADJ);
	check(kill->pid >= 0 && kill->when.date >= -1 && kill->when.boot >= -1);
	check(!kill->has_adj || kill->scale == SCALE_UNKNOWN ||
	    kill->killer == KILLER_LOWMEMORYKILLER ||
	    (kill->adj >= -1000 && kill->adj <= 1000));
	for (i = 0; i < BIGGEST && kill->biggest[i].processes > 0; i++) {
		add_text(sum, kill->biggest[i].comm, NAME_SIZE);
		check(
		    i == 0 || kill->biggest[i].rss <= kill->biggest[i - 1].rss);
	}
	sum->hash = sum->hash * 31 + (uint64_t)kill->pid + kill->rss +
	    kill->uid + (uint64_t)kill->adj + kill->killer;
}

static struct sum
read_all(const uint8_t *data, size_t size, size_t piece, bool kmsg)
{
	struct sum sum = { 0 };
	struct log *log = log_new(4096, add_kill, &sum);
	size_t len, done;

	check(log != NULL);
	log_start(log, kmsg);
	for (done = 0; done < size; done += len) {
		char *room = log_room(log, &len);

		if (len > piece)
			len = piece;
		if (len > size - done)
			len = size - done;
		memcpy(room, data + done, len);
		log_filled(log, len);
	}
	log_filled(log, 0);
	log_free(log);
	/* Each begins with a word of its own. */
	check(sum.kills <= size / strlen("Killed"));
	return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sum whole = read_all(data, size, size + 1, false), pieces;

	read_all(data, size, size + 1, true);
	if (size == 0)
		return 0;
	pieces = read_all(data, size, data[size - 1] % 64 + 1, false);
	check(whole.kills == pieces.kills && whole.hash == pieces.hash);
	return 0;
}
