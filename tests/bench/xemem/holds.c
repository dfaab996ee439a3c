/* SPDX-License-Identifier: Apache-2.0 */
/* holds NAME BYTES [COUNT]: a process of an enclave that exports memory, in COUNT segments, until it is ended. */
#include <hobbes/xemem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char** argv) {
	const size_t bytes = argc > 2 ? strtoul(argv[2], NULL, 0) : 0;
	const int count = argc > 3 ? atoi(argv[3]) : 1;
	char* memory = xemem_alloc(bytes);
	if (memory == NULL) return perror("holds"), 1;
	memset(memory, 1, bytes);
	for (int i = 0; i < count; ++i) {
		char name[XEMEM_NAME_MAX + 1];
		snprintf(name, sizeof(name), count == 1 ? "%s" : "%s-%d", argv[1], i);
		if (xemem_make(memory, bytes, name) < 0) return perror(name), 1;
	}
	while (1) pause();
}
