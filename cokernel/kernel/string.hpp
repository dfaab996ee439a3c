// SPDX-License-Identifier: Apache-2.0
// The few string functions a freestanding compiler expects and the kernel uses.
#pragma once

#include <stddef.h>

extern "C" {
void* memcpy(void* to, const void* from, size_t size);
void* memmove(void* to, const void* from, size_t size);
void* memset(void* to, int byte, size_t size);
int memcmp(const void* a, const void* b, size_t size);
size_t strlen(const char* text);
int strcmp(const char* a, const char* b);
int strncmp(const char* a, const char* b, size_t size);
char* strrchr(const char* text, int character);
char* strchr(const char* text, int character);
}

namespace hobbes::lwk {

/// Copies at most size - 1 characters and always terminates; returns strlen(from).
inline size_t copy_string(char* to, const char* from, size_t size) {
  const size_t length = strlen(from);
  if (size == 0) return length;
  const size_t kept = length < size ? length : size - 1;
  memcpy(to, from, kept);
  to[kept] = '\0';
  return length;
}

}  // namespace hobbes::lwk
