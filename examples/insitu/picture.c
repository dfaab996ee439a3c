/* SPDX-License-Identifier: Apache-2.0 */
#include "examples/insitu/picture.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static uint32_t crc(const unsigned char* data, size_t size) {
	static uint32_t table[256];
	if (table[1] == 0)
		for (uint32_t i = 0; i < 256; ++i) {
			uint32_t value = i;
			for (int bit = 0; bit < 8; ++bit) value = (value & 1) != 0 ? 0xedb88320u ^ value >> 1 : value >> 1;
			table[i] = value;
		}
	uint32_t value = ~0u;
	for (size_t i = 0; i < size; ++i) value = table[(value ^ data[i]) & 0xff] ^ value >> 8;
	return ~value;
}

static unsigned char* put(unsigned char* at, uint32_t value) {
	for (int shift = 24; shift >= 0; shift -= 8) *at++ = (unsigned char)(value >> shift);
	return at;
}

/* `chunk` is its four letters and `size` bytes of data. */
static void write_chunk(FILE* to, const unsigned char* chunk, size_t size) {
	unsigned char word[4];
	put(word, (uint32_t)size);
	fwrite(word, 1, 4, to);
	fwrite(chunk, 1, size + 4, to);
	put(word, crc(chunk, size + 4));
	fwrite(word, 1, 4, to);
}

/* Each row, with the filter "none" before it, is a stored block of the zlib stream. */
void write_png(FILE* to, const unsigned char* pixels, size_t width, size_t height) {
	const size_t row = width + 1;
	unsigned char* data = malloc(4 + 2 + height * (row + 5) + 4);
	if (data == NULL || row > 0xffff) {
		free(data);
		return;
	}
	memcpy(data, "IDAT\x78\x01", 6);
	unsigned char* at = data + 6;
	uint32_t low = 1, high = 0;
	for (size_t y = 0; y < height; ++y) {
		*at++ = y + 1 == height;
		*at++ = (unsigned char)row;
		*at++ = (unsigned char)(row >> 8);
		*at++ = (unsigned char)~row;
		*at++ = (unsigned char)(~row >> 8);
		*at = 0;
		memcpy(at + 1, pixels + y * width, width);
		for (size_t i = 0; i < row; ++i) {
			low = (low + *at++) % 65521;
			high = (high + low) % 65521;
		}
	}
	at = put(at, high << 16 | low);

	unsigned char header[4 + 13] = "IHDR";
	put(put(header + 4, (uint32_t)width), (uint32_t)height);
	header[12] = 8; /* bits, grey */
	fwrite("\x89PNG\r\n\x1a\n", 1, 8, to);
	write_chunk(to, header, 13);
	write_chunk(to, data, (size_t)(at - data) - 4);
	write_chunk(to, (const unsigned char*)"IEND", 0);
	free(data);
}
