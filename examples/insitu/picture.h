/* SPDX-License-Identifier: Apache-2.0 */
/* A grey picture as PNG, its data stored without compression. */
#pragma once

#include <stddef.h>
#include <stdio.h>

void write_png(FILE* to, const unsigned char* pixels, size_t width, size_t height);
