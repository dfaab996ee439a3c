/* SPDX-License-Identifier: Apache-2.0 */
/* A process that shares memory, on Linux (with libhobbes) or in an enclave (with liblwk):
 *
 *   xemem self                     all of the API with itself
 *   xemem export NAME BYTES        exports a pattern; waits for a signal; the attacher must have left its mark
 *   xemem attach NAME BYTES        finds the pattern, leaves the mark, signals
 *   xemem hold NAME BYTES          exports, says so, and stays until it is ended
 *   xemem keep NAME BYTES SECONDS  attaches, and checks for so long that the pattern stays
 */
#define _GNU_SOURCE
#include <errno.h>
#include <hobbes/xemem.h>
#include <hobbes/xpmem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "require.h"

#define FAILS(call, error) REQUIRE((errno = 0, (call) == -1 && errno == (error)))
#define MAP_FAILS(call, error) REQUIRE((errno = 0, (call) == XEMEM_FAILED && errno == (error)))

enum { page = 4096, patience_ms = 20000 };
static const uint64_t mark = 0x6d61726b6d61726b;

static void fill(uint64_t* words, size_t bytes) {
	for (size_t i = 0; i < bytes / 8; ++i) words[i] = i * 0x9e3779b97f4a7c15 + 1;
}

static size_t first_difference(const uint64_t* words, size_t from, size_t bytes) {
	for (size_t i = from / 8; i < bytes / 8; ++i)
		if (words[i] != i * 0x9e3779b97f4a7c15 + 1) return i * 8;
	return bytes;
}

static char* pages(size_t bytes) {
	char* memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	REQUIRE(memory != MAP_FAILED);
	return memory;
}

static void check_bad_input(void) {
	char* memory = pages(4 * page);
	char name[XEMEM_NAME_MAX + 2];
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	FAILS(xemem_make(memory, 2 * page, name), ENAMETOOLONG);
	name[XEMEM_NAME_MAX] = '\0';
	xemem_segid_t segid = xemem_make(memory, 2 * page, name);
	REQUIRE(segid >= 32);
	FAILS(xemem_make(memory, 2 * page, name), EEXIST);
	REQUIRE(xemem_lookup_segid(name) == segid);
	FAILS(xemem_make(memory + 1, page, NULL), EINVAL);
	FAILS(xemem_make(memory, page - 1, NULL), EINVAL);
	FAILS(xemem_make(memory, 0, NULL), EINVAL);
	FAILS(xemem_make(memory, (size_t)-page, NULL), EINVAL);
	REQUIRE(munmap(memory + 3 * page, page) == 0);
	FAILS(xemem_make(memory + 2 * page, 2 * page, NULL), EFAULT);
	FAILS(xemem_make_segid(memory, page, NULL, 32), EINVAL);
	FAILS(xemem_make_segid(memory, page, NULL, 0), EINVAL);
	REQUIRE(xemem_make_segid(memory, page, NULL, 17) == 0);
	FAILS(xemem_make_segid(memory, page, NULL, 17), EEXIST);
	REQUIRE(xemem_remove(17) == 0);

	FAILS(xemem_get(segid, 7), EINVAL);
	FAILS(xemem_get(-1, XEMEM_RDONLY), ENOENT);
	FAILS(xemem_get(1 << 30, XEMEM_RDONLY), ENOENT);
	xemem_apid_t apid = xemem_get(segid, XEMEM_RDWR);
	REQUIRE(apid > 0);
	MAP_FAILS(xemem_attach((struct xemem_addr){apid + 1000, 0}, page, NULL), EINVAL);
	MAP_FAILS(xemem_attach((struct xemem_addr){apid, 1}, page, NULL), EINVAL);
	MAP_FAILS(xemem_attach((struct xemem_addr){apid, -page}, page, NULL), EINVAL);
	MAP_FAILS(xemem_attach((struct xemem_addr){apid, 0}, 0, NULL), EINVAL);
	MAP_FAILS(xemem_attach((struct xemem_addr){apid, 0}, 3 * page, NULL), EINVAL);
	MAP_FAILS(xemem_attach((struct xemem_addr){apid, page}, 2 * page, NULL), EINVAL);
	MAP_FAILS(xemem_attach((struct xemem_addr){apid, page}, (size_t)-page, NULL), EINVAL);
	MAP_FAILS(xemem_attach((struct xemem_addr){apid, 0}, page, memory + 8), EINVAL);
	MAP_FAILS(xemem_attach((struct xemem_addr){apid, 0}, page, memory), EEXIST);
	FAILS(xemem_detach(memory), EINVAL);
	FAILS(xemem_signal(apid), EINVAL);
	FAILS(xemem_signal_segid(segid), EINVAL);
	FAILS(xemem_ack(12345), EBADF);
	FAILS(xemem_lookup_segid("nobody has made this"), ENOENT);
	FAILS(xemem_wait_name("nobody has made this", 20), ETIMEDOUT);
	REQUIRE(xemem_remove(segid) == 0);
	FAILS(xemem_remove(segid), ENOENT);
	FAILS(xemem_signal(apid), EPIPE);
	FAILS(xemem_signal_segid(segid), ENOENT);
	MAP_FAILS(xemem_attach((struct xemem_addr){apid, 0}, page, NULL), ENOENT);
	REQUIRE(xemem_release(apid) == 0);
	FAILS(xemem_release(apid), EINVAL);
	FAILS(xpmem_make(memory, page, 2, (void*)0600), EINVAL);
	segid = xpmem_make(memory, page, XPMEM_PERMIT_MODE, (void*)0600);
	REQUIRE(segid > 0 && xpmem_remove(segid) == 0);
	if (geteuid() != 0) {
		segid = xemem_make_mode(memory, page, NULL, 0400);
		FAILS(xemem_get(segid, XEMEM_RDWR), EACCES);
		REQUIRE((apid = xemem_get(segid, XEMEM_RDONLY)) > 0 && xemem_release(apid) == 0);
		REQUIRE(xemem_remove(segid) == 0);
	}
}

static void check_sharing(char* memory, size_t bytes) {
	uint64_t* words = (uint64_t*)memory;
	fill(words, bytes);
	xemem_segid_t segid = xemem_make(memory, bytes, "xemem-self");
	REQUIRE(segid > 0 && first_difference(words, 0, bytes) == bytes);
	xemem_apid_t apid = xemem_get(xemem_lookup_segid("xemem-self"), XEMEM_RDWR);
	uint64_t* seen = xemem_attach((struct xemem_addr){apid, 0}, bytes, NULL);
	REQUIRE(seen != XEMEM_FAILED && first_difference(seen, 0, bytes) == bytes);
	seen[3] = mark;
	REQUIRE(words[3] == mark);
	words[bytes / 8 - 1] = mark;
	REQUIRE(seen[bytes / 8 - 1] == mark);
	fill(words, bytes);

	/* A part, for reading alone, where we want it. */
	xemem_apid_t reader = xemem_get(segid, XEMEM_RDONLY);
	char* place = pages(page);
	REQUIRE(munmap(place, page) == 0);
	uint64_t* part = xemem_attach((struct xemem_addr){reader, bytes - page}, page, place);
	REQUIRE((char*)part == place && part[0] == words[(bytes - page) / 8]);
	FAILS(mprotect(part, page, PROT_READ | PROT_WRITE), EACCES);

	/* Again, a part of it, and the attachment itself. */
	xemem_segid_t again = xemem_make(memory + page, bytes - page, NULL);
	xemem_segid_t passed_on = xemem_make(seen, bytes, "xemem-passed-on");
	REQUIRE(again > 0 && passed_on > 0 && again != segid);
	xemem_apid_t far = xemem_get(passed_on, XEMEM_RDWR);
	uint64_t* third = xemem_attach((struct xemem_addr){far, page}, page, NULL);
	REQUIRE(third != XEMEM_FAILED && third[0] == words[page / 8]);
	third[0] = mark;
	REQUIRE(words[page / 8] == mark && seen[page / 8] == mark);
	fill(words, bytes);

	int count = 0, found = 0;
	struct xemem_segment* list = xemem_get_segment_list(&count);
	for (int i = 0; i < count; ++i)
		if (list[i].segid == segid)
			found = strcmp(list[i].name, "xemem-self") == 0 && list[i].size == bytes;
	free(list);
	REQUIRE(found);

	REQUIRE(xemem_remove(segid) == 0 && xemem_release(apid) == 0);
	REQUIRE(first_difference(seen, 0, bytes) == bytes); /* existing attachments keep their pages */
	REQUIRE(xemem_detach(seen) == 0 && xemem_detach(part) == 0);
	REQUIRE(third[1] == words[page / 8 + 1]);
	REQUIRE(xemem_detach(third) == 0);
	REQUIRE(xemem_remove(again) == 0 && xemem_remove(passed_on) == 0);
	REQUIRE(xemem_release(reader) == 0 && xemem_release(far) == 0);
	REQUIRE(first_difference(words, 0, bytes) == bytes);
}

static void check_signals(void) {
	int fd = -1;
	xemem_segid_t segid = xemem_make_signalled(NULL, 0, "xemem-signals", &fd);
	REQUIRE(segid > 0 && fd >= 0);
	xemem_apid_t apid = xemem_get(segid, XEMEM_RDWR);
	FAILS(xemem_ack(fd), EAGAIN);
	for (int i = 0; i < 3; ++i) REQUIRE(xemem_signal(apid) == 0);
	REQUIRE(xemem_signal_segid(segid) == 0);
	REQUIRE(xemem_ack(fd) == 0 && xemem_ack(fd) == 0 && xemem_ack(fd) == 0);
	REQUIRE(xemem_wait_signal(fd, patience_ms) == 0); /* the fourth; from now on they are counted in memory */
	FAILS(xemem_wait_signal(fd, 10), ETIMEDOUT);
	for (int i = 0; i < 5; ++i) REQUIRE(xemem_signal(apid) == 0);
	REQUIRE(xemem_wait_signal(fd, 0) == 0);
	REQUIRE(xemem_ack(fd) == 0); /* and back */
	REQUIRE(xemem_ack_all(fd) == 0);
	FAILS(xemem_ack(fd), EAGAIN);
	REQUIRE(xemem_release(apid) == 0 && xemem_remove(segid) == 0);
	FAILS(xemem_ack(fd), EBADF);
}

static char in_image[8 * page] __attribute__((aligned(4096)));

static void self(void) {
	check_bad_input();
	check_sharing(pages(64 * page), 64 * page);
	check_sharing(pages(6 << 20), 6 << 20);
	check_sharing(in_image, sizeof(in_image));
	char* allocated = xemem_alloc(4 << 20);
	REQUIRE(allocated != NULL);
	check_sharing(allocated, 4 << 20);
	REQUIRE(xemem_free(allocated) == 0);
	FAILS(xemem_free(allocated), EINVAL);
	check_signals();
	puts("all of it");
}

static void export(const char* name, size_t bytes) {
	uint64_t* words = (uint64_t*)pages(bytes);
	int fd = -1;
	fill(words, bytes);
	xemem_segid_t segid = xemem_make_signalled(words, bytes, name, &fd);
	REQUIRE(segid > 0);
	REQUIRE(xemem_wait_signal(fd, patience_ms) == 0);
	REQUIRE(words[0] == mark && words[bytes / 8 - 1] == mark);
	REQUIRE(xemem_remove(segid) == 0);
	puts("marked");
}

static uint64_t* attach(const char* name, size_t bytes, int flags, xemem_apid_t* apid) {
	xemem_segid_t segid = xemem_wait_name(name, patience_ms);
	REQUIRE(segid > 0);
	*apid = xemem_get(segid, flags);
	REQUIRE(*apid > 0);
	uint64_t* words = xemem_attach((struct xemem_addr){*apid, 0}, bytes, NULL);
	REQUIRE(words != XEMEM_FAILED);
	REQUIRE(first_difference(words, 0, bytes) == bytes);
	return words;
}

static void attach_and_mark(const char* name, size_t bytes) {
	xemem_apid_t apid;
	uint64_t* words = attach(name, bytes, XEMEM_RDWR, &apid);
	words[0] = words[bytes / 8 - 1] = mark;
	REQUIRE(xemem_signal(apid) == 0);
	REQUIRE(xemem_detach(words) == 0 && xemem_release(apid) == 0);
	puts("attached");
}

static void hold(const char* name, size_t bytes) {
	uint64_t* words = (uint64_t*)pages(bytes);
	fill(words, bytes);
	REQUIRE(xemem_make(words, bytes, name) > 0);
	puts("holds");
	fflush(stdout);
	while (1) pause();
}

static void keep(const char* name, size_t bytes, int seconds) {
	xemem_apid_t apid;
	const uint64_t* words = attach(name, bytes, XEMEM_RDONLY, &apid);
	puts("keeps");
	fflush(stdout);
	for (time_t end = time(NULL) + seconds; time(NULL) < end; usleep(10000))
		REQUIRE(first_difference(words, 0, bytes) == bytes);
	puts("kept");
}

int main(int argc, char** argv) {
	const char* what = argc > 1 ? argv[1] : "";
	const size_t bytes = argc > 3 ? strtoul(argv[3], NULL, 0) : 0;
	if (argc == 2 && strcmp(what, "self") == 0) self();
	else if (argc == 4 && strcmp(what, "export") == 0) export(argv[2], bytes);
	else if (argc == 4 && strcmp(what, "attach") == 0) attach_and_mark(argv[2], bytes);
	else if (argc == 4 && strcmp(what, "hold") == 0) hold(argv[2], bytes);
	else if (argc == 5 && strcmp(what, "keep") == 0) keep(argv[2], bytes, atoi(argv[4]));
	else return fputs("usage: xemem self | export | attach | hold | keep ...\n", stderr), 2;
	return 0;
}
