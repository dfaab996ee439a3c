/* SPDX-License-Identifier: Apache-2.0 */
/* A heat solver that others look at while it runs: the plate is SIZE x SIZE points, two edges are hot, one point in
 * the middle wanders.
 *
 *   heat SIZE STEPS EVERY COUPLING
 *
 * Every EVERY steps the plate goes to the analysis: not at all (`none`), as a version of the XASM segment "plate"
 * (`xasm`), into the file /tmp/... given as `file:PATH`, or to standard output (`pipe`). At its end it prints on
 * standard error how long a step took, and how long the solver was held up when it published. */
#define _GNU_SOURCE
#include <hobbes/xasm.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static size_t size;

static double now(void) {
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void die(const char* what) {
	perror(what);
	exit(1);
}

/* One step of Jacobi's method: each point becomes the mean of its neighbours. */
static void step(const double* restrict from, double* restrict to) {
	for (size_t row = 1; row + 1 < size; ++row) {
		const double* above = from + (row - 1) * size;
		const double* here = above + size;
		const double* below = here + size;
		for (size_t column = 1; column + 1 < size; ++column)
			to[row * size + column] = 0.25 * (above[column] + below[column] + here[column - 1] + here[column + 1]);
	}
}

static void heat(double* plate, int steps) {
	for (size_t i = 0; i < size; ++i) plate[i] = plate[i * size] = 1.0;
	const double angle = steps * 0.01;
	const double middle = (double)size / 2;
	const size_t row = (size_t)(middle + middle / 2 * sin(angle)), column = (size_t)(middle + middle / 2 * cos(angle));
	for (size_t i = 0; i < 8; ++i) plate[(row + i / 4) * size + column + i % 4] = 4.0;
}

static void write_all(int fd, const void* data, size_t bytes) {
	for (const char* at = data; bytes > 0;) {
		const ssize_t written = write(fd, at, bytes);
		if (written < 0) die("heat: write");
		at += written;
		bytes -= (size_t)written;
	}
}

/* The reader finds a whole file or none. */
static void write_file(const char* path, const void* data, size_t bytes) {
	char temporary[4096];
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	const int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd < 0) die(temporary);
	write_all(fd, data, bytes);
	close(fd);
	if (rename(temporary, path) != 0) die(path);
}

static void publish(const char* coupling, void* plate, size_t bytes) {
	if (strcmp(coupling, "pipe") == 0) write_all(1, plate, bytes);
	else if (strncmp(coupling, "file:", 5) == 0) write_file(coupling + 5, plate, bytes);
	else if (strcmp(coupling, "xasm") == 0 && xasm_snapshot(plate, bytes, "plate", 0644) < 0) die("heat: xasm_snapshot");
}

int main(int argc, char** argv) {
	if (argc != 5) return fputs("usage: heat SIZE STEPS EVERY none|xasm|pipe|file:PATH\n", stderr), 2;
	size = strtoul(argv[1], NULL, 10);
	const int steps = atoi(argv[2]), every = atoi(argv[3]);
	if (size < 64 || size % 64 != 0 || every < 2 || every % 2 != 0 || steps % every != 0)
		return fputs("heat: SIZE is a multiple of 64, EVERY is even, STEPS a multiple of it\n", stderr), 2;
	const size_t bytes = size * size * sizeof(double);
	double* plate = xemem_alloc(bytes);
	double* other = xemem_alloc(bytes);
	if (plate == NULL || other == NULL) die("heat: memory");
	double held_up = 0, longest = 0;
	const double start = now();
	for (int done = 0; done < steps; done += 2) {
		if (done % every == 0) {
			const double before = now();
			publish(argv[4], plate, bytes);
			const double took = now() - before;
			held_up += took;
			longest = took > longest ? took : longest;
		}
		heat(plate, done);
		step(plate, other);
		heat(other, done + 1);
		step(other, plate);
	}
	const double took = now() - start;
	fprintf(stderr, "steps %d us_per_step %.2f published %d us_held_up %.1f us_longest %.1f\n", steps, took / steps * 1e6,
	        steps / every, held_up / (steps / every) * 1e6, longest * 1e6);
	return 0;
}
