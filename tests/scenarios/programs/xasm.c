/* SPDX-License-Identifier: Apache-2.0 */
/* A producer whose versions must stay as they were, whatever it writes afterwards, and a consumer that looks.
 *
 *   xasm produce NAME BYTES VERSIONS
 *   xasm consume NAME BYTES          until the producer has gone; prints how many versions it saw
 */
#define _GNU_SOURCE
#include <errno.h>
#include <hobbes/xasm.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "require.h"

enum { page = 4096, scribblers = 2, kept = 3, patience_ms = 2000 };

static uint64_t* words;
static size_t count;
static int scribbling; /* atomic */

static void* scribble(void* argument) {
	uint64_t state = (uintptr_t)argument + 1;
	while (__atomic_load_n(&scribbling, __ATOMIC_ACQUIRE)) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		__atomic_store_n(&words[(state >> 20) % count], state, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void produce(const char* name, size_t bytes, int versions) {
	words = xemem_alloc(bytes);
	REQUIRE(words != NULL);
	REQUIRE(xasm_snapshot(words, bytes - 1, name, 0644) == -1 && errno == EINVAL);
	REQUIRE(xasm_snapshot(words, bytes, NULL, 0644) == -1 && errno == EINVAL);
	char* const page_of_name = xemem_alloc(page);
	REQUIRE(xemem_make(page_of_name, page, "xasm-taken") > 0);
	REQUIRE(xasm_snapshot(words, bytes, "xasm-taken", 0644) > 0); /* its own: replaced */
	xemem_segid_t last = 0;
	for (int version = 1; version <= versions; ++version) {
		for (size_t i = 0; i < count; ++i) words[i] = (uint64_t)version;
		const xemem_segid_t made = xasm_snapshot(words, bytes, name, 0644);
		REQUIRE(made > last);
		REQUIRE(last == 0 || xemem_get(last, XEMEM_RDONLY) == -1); /* replaced */
		last = made;
		const xemem_apid_t own = xemem_get(made, XEMEM_RDONLY);
		REQUIRE(own > 0 && xemem_release(own) == 0);
		pthread_t threads[scribblers];
		__atomic_store_n(&scribbling, 1, __ATOMIC_RELEASE);
		for (size_t i = 0; i < scribblers; ++i) REQUIRE(pthread_create(&threads[i], NULL, scribble, (void*)i) == 0);
		usleep(30000);
		__atomic_store_n(&scribbling, 0, __ATOMIC_RELEASE);
		for (size_t i = 0; i < scribblers; ++i) REQUIRE(pthread_join(threads[i], NULL) == 0);
	}
	/* Ordinary memory is exported with the other threads stopped: the one that publishes, too. */
	char* const ordinary = aligned_alloc(page, page);
	memset(ordinary, 1, page);
	const xemem_segid_t shared = xemem_make(ordinary, page, NULL);
	REQUIRE(shared > 0 && xemem_remove(shared) == 0);
	REQUIRE(xemem_remove(last) == 0);
	puts("produced");
}

static void check_version(const uint64_t* version, uint64_t expected) {
	for (size_t i = 0; i < count; ++i) REQUIRE(version[i] == expected);
}

static void consume(const char* name, size_t bytes) {
	const uint64_t* held[kept] = {NULL};
	uint64_t content[kept] = {0};
	int seen = 0;
	for (xemem_segid_t last = 0; (last = xasm_wait(name, last, patience_ms)) > 0;) {
		const xemem_apid_t apid = xemem_get(last, XEMEM_RDONLY);
		const uint64_t* version = apid < 0 ? XEMEM_FAILED : xemem_attach((struct xemem_addr){apid, 0}, bytes, NULL);
		if (apid > 0) REQUIRE(xemem_release(apid) == 0);
		if (version == XEMEM_FAILED) continue; /* replaced meanwhile */
		const int place = seen++ % kept;
		if (held[place] != NULL) REQUIRE(xemem_detach((void*)held[place]) == 0);
		held[place] = version;
		content[place] = version[0];
		for (int i = 0; i < kept; ++i)
			if (held[i] != NULL) check_version(held[i], content[i]);
	}
	for (int i = 0; i < kept; ++i)
		if (held[i] != NULL) check_version(held[i], content[i]); /* the producer has gone */
	printf("consumed %s\n", seen > 2 ? "some" : "too few");
}

int main(int argc, char** argv) {
	const size_t bytes = argc > 3 ? strtoul(argv[3], NULL, 0) : 0;
	count = bytes / sizeof(uint64_t);
	if (argc == 5 && strcmp(argv[1], "produce") == 0) produce(argv[2], bytes, atoi(argv[4]));
	else if (argc == 4 && strcmp(argv[1], "consume") == 0) consume(argv[2], bytes);
	else return fputs("usage: xasm produce | consume ...\n", stderr), 2;
	return 0;
}
