/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at the plate of heat.c while that runs: a histogram and a picture of every plate that comes.
 *
 *   analyse SIZE DIRECTORY xasm|pipe|file:PATH
 *
 * Ends when no new plate has come for three seconds, or the pipe ends; prints how many it has seen. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <hobbes/xasm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "examples/insitu/picture.h"

enum { bins = 20, patience_ms = 3000 };

static size_t size, bytes;
static const char* directory;

static void die(const char* what) {
	perror(what);
	exit(1);
}

static FILE* create(const char* name, int number) {
	char path[4096];
	snprintf(path, sizeof(path), "%s/%s-%04d.%s", directory, name, number, strcmp(name, "plate") == 0 ? "png" : "txt");
	FILE* file = fopen(path, "w");
	if (file == NULL) die(path);
	return file;
}

static void look_at(const double* plate, int number) {
	unsigned long count[bins] = {0};
	unsigned char* pixels = malloc(size * size);
	if (pixels == NULL) die("analyse");
	for (size_t i = 0; i < size * size; ++i) {
		const double value = plate[i] < 0 ? 0 : plate[i] > 1 ? 1 : plate[i];
		++count[(int)(value * (bins - 1))];
		pixels[i] = (unsigned char)(value * 255);
	}
	FILE* histogram = create("histogram", number);
	for (int i = 0; i < bins; ++i) fprintf(histogram, "%.2f %lu\n", (double)i / (bins - 1), count[i]);
	fclose(histogram);
	FILE* picture = create("plate", number);
	write_png(picture, pixels, size, size);
	fclose(picture);
	free(pixels);
}

static int from_xasm(void) {
	int seen = 0;
	for (xemem_segid_t version = 0; (version = xasm_wait("plate", version, patience_ms)) > 0; ++seen) {
		const xemem_apid_t apid = xemem_get(version, XEMEM_RDONLY);
		const double* plate = apid < 0 ? XEMEM_FAILED : xemem_attach((struct xemem_addr){apid, 0}, bytes, NULL);
		if (plate != XEMEM_FAILED) { /* else it has been replaced meanwhile: the next one */
			look_at(plate, seen);
			xemem_detach((void*)plate);
		}
		if (apid > 0) xemem_release(apid);
	}
	return seen;
}

static int read_all(int fd, void* into) {
	for (size_t got = 0; got < bytes;) {
		const ssize_t some = read(fd, (char*)into + got, bytes - got);
		if (some <= 0) return 0;
		got += (size_t)some;
	}
	return 1;
}

static int from_pipe(double* plate) {
	int seen = 0;
	for (; read_all(0, plate); ++seen) look_at(plate, seen);
	return seen;
}

static int from_file(double* plate, const char* path) {
	enum { step_ms = 5 };
	int seen = 0;
	ino_t last = 0;
	for (int waited = 0; waited < patience_ms; waited += step_ms) {
		const int fd = open(path, O_RDONLY);
		struct stat status;
		if (fd >= 0 && fstat(fd, &status) == 0 && status.st_ino != last && read_all(fd, plate)) {
			last = status.st_ino;
			look_at(plate, seen++);
			waited = 0;
		}
		if (fd >= 0) close(fd);
		usleep(step_ms * 1000);
	}
	return seen;
}

int main(int argc, char** argv) {
	if (argc != 4) return fputs("usage: analyse SIZE DIRECTORY xasm|pipe|file:PATH\n", stderr), 2;
	size = strtoul(argv[1], NULL, 10);
	bytes = size * size * sizeof(double);
	directory = argv[2];
	double* plate = malloc(bytes);
	if (plate == NULL) die("analyse");
	const int seen = strcmp(argv[3], "xasm") == 0   ? from_xasm()
	                 : strcmp(argv[3], "pipe") == 0 ? from_pipe(plate)
	                                                : from_file(plate, argv[3] + strlen("file:"));
	printf("analysed %d\n", seen);
	free(plate);
	return seen > 0 ? 0 : 1;
}
