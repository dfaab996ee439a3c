/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of all kinds is exported while other threads, and the kernel on their behalf, write it: no write may be lost.
 * */
#define _GNU_SOURCE
#include <errno.h>
#include <hobbes/xemem.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "require.h"

enum { page = 4096, writers = 3, rounds = 40, range = 64 * page };

static int done;
static uint64_t in_image[range / 8] __attribute__((aligned(4096)));
static uint64_t* volatile target; /* what is scribbled at: NULL, nothing */
static uint64_t counted[writers];

/* Each writer has words of its own, and counts them up. */
static void* scribble(void* argument) {
	const size_t self = (size_t)argument;
	while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE)) {
		uint64_t* words = target;
		if (words == NULL) continue;
		for (size_t i = self; i < range / 8; i += writers * 61) ++((volatile uint64_t*)words)[i];
		++counted[self];
	}
	return NULL;
}

static int line[2];
/* What comes through a pipe is read into the exported memory: the kernel writes. */
static void* feed(void* argument) {
	(void)argument;
	for (uint64_t n = 1; !__atomic_load_n(&done, __ATOMIC_ACQUIRE); ++n)
		if (write(line[1], &n, sizeof(n)) != sizeof(n)) break;
	close(line[1]);
	return NULL;
}
static void* receive(void* into) {
	uint64_t expected = 1;
	volatile uint64_t* word = into;
	while (1) {
		const ssize_t got = read(line[0], (void*)word, sizeof(*word));
		if (got == 0) return NULL;
		REQUIRE(got == sizeof(*word) && *word == expected);
		++expected;
	}
}

static void one_round(uint64_t* words) {
	memset(words, 0, range);
	uint64_t before[writers];
	pthread_t threads[writers];
	done = 0;
	target = words;
	for (size_t i = 0; i < writers; ++i) {
		counted[i] = before[i] = 0;
		REQUIRE(pthread_create(&threads[i], NULL, scribble, (void*)i) == 0);
	}
	usleep(2000);
	const xemem_segid_t segid = xemem_make(words, range, NULL);
	REQUIRE(segid > 0);
	const xemem_apid_t apid = xemem_get(segid, XEMEM_RDONLY);
	const uint64_t* seen = xemem_attach((struct xemem_addr){apid, 0}, range, NULL);
	REQUIRE(seen != XEMEM_FAILED);
	usleep(2000);
	__atomic_store_n(&done, 1, __ATOMIC_RELEASE);
	for (size_t i = 0; i < writers; ++i) REQUIRE(pthread_join(threads[i], NULL) == 0);
	for (size_t i = 0; i < writers; ++i)
		for (size_t word = i; word < range / 8; word += writers * 61) {
			REQUIRE(words[word] == counted[i]);
			REQUIRE(seen[word] == counted[i]);
		}
	REQUIRE(xemem_detach((void*)seen) == 0 && xemem_release(apid) == 0 && xemem_remove(segid) == 0);
}

static void* on_own_stack(void* unused) {
	(void)unused;
	char room[2 * range];
	uint64_t* words = (uint64_t*)(((uintptr_t)room + page - 1) / page * page);
	for (int i = 0; i < 4; ++i) one_round(words);
	/* All of the stack that is in use here, the page we run on included. */
	char* here = (char*)((uintptr_t)__builtin_frame_address(0) / page * page);
	const xemem_segid_t segid = xemem_make(here - page, 2 * page, NULL);
	REQUIRE(segid > 0);
	/* A child must not run on our stack. */
	volatile int mine = 1;
	const pid_t child = fork();
	REQUIRE(child >= 0);
	if (child == 0) {
		mine = 2;
		_exit(mine == 2 ? 0 : 1);
	}
	int status = 0;
	REQUIRE(waitpid(child, &status, 0) == child && status == 0);
	REQUIRE(mine == 1 && xemem_remove(segid) == 0);
	return NULL;
}

static void check_fork(void) {
	uint64_t* words = malloc(range + page);
	uint64_t* first = (uint64_t*)(((uintptr_t)words + page - 1) / page * page);
	first[0] = 1;
	const xemem_segid_t segid = xemem_make(first, range, "scribble-fork");
	REQUIRE(segid > 0);
	const pid_t child = fork();
	REQUIRE(child >= 0);
	if (child == 0) {
		if (first[0] != 1) _exit(1);
		first[0] = 2;
		free(malloc(1000)); /* its heap is its own */
		_exit(first[0] == 2 && xemem_lookup_segid("scribble-fork") == segid ? 0 : 2);
	}
	int status = 0;
	REQUIRE(waitpid(child, &status, 0) == child);
	REQUIRE(status == 0 && first[0] == 1 && xemem_remove(segid) == 0);
	free(words);
}

int main(void) {
	for (int i = 0; i < rounds; ++i) {
		uint64_t* words = mmap(NULL, range, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		REQUIRE(words != MAP_FAILED);
		one_round(words);
		REQUIRE(munmap(words, range) == 0);
	}
	one_round(in_image);
	one_round(in_image); /* exported again, in place already */
	char* heap = malloc(range + page);
	one_round((uint64_t*)(((uintptr_t)heap + page - 1) / page * page));

	pthread_t thread;
	REQUIRE(pthread_create(&thread, NULL, on_own_stack, NULL) == 0 && pthread_join(thread, NULL) == 0);
	check_fork();

	uint64_t* into = mmap(NULL, range, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	REQUIRE(pipe(line) == 0);
	done = 0;
	pthread_t feeder, receiver;
	REQUIRE(pthread_create(&feeder, NULL, feed, NULL) == 0 && pthread_create(&receiver, NULL, receive, into) == 0);
	for (int i = 0; i < rounds; ++i) {
		const xemem_segid_t segid = xemem_make(into + i % 64 * (page / 8), page, NULL);
		REQUIRE(segid > 0 && xemem_remove(segid) == 0);
	}
	__atomic_store_n(&done, 1, __ATOMIC_RELEASE);
	REQUIRE(pthread_join(feeder, NULL) == 0 && pthread_join(receiver, NULL) == 0);
	puts("nothing was lost");
	return 0;
}
