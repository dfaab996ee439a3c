// SPDX-License-Identifier: Apache-2.0
// memcpy and memset are `rep movsb/stosb`: fast on every CPU with ERMS, and they leave the vector registers, which belong
// to the application, alone.
#include "cokernel/kernel/string.hpp"

#include <stdint.h>

namespace {

/// Whole pages, as a rule: by words, which emulated machines copy faster than bytes, and no other does slower.
constexpr bool is_large(size_t size) { return size >= 4096 && size % sizeof(uint64_t) == 0; }

}  // namespace

extern "C" {

void* memcpy(void* to, const void* from, size_t size) {
  void* cursor = to;
  if (is_large(size)) {
    size /= sizeof(uint64_t);
    asm volatile("rep movsq" : "+D"(cursor), "+S"(from), "+c"(size) : : "memory");
  } else {
    asm volatile("rep movsb" : "+D"(cursor), "+S"(from), "+c"(size) : : "memory");
  }
  return to;
}

void* memmove(void* to, const void* from, size_t size) {
  auto* out = static_cast<char*>(to);
  auto* in = static_cast<const char*>(from);
  if (out <= in || out >= in + size) return memcpy(to, from, size);
  while (size-- > 0) out[size] = in[size];
  return to;
}

void* memset(void* to, int byte, size_t size) {
  void* cursor = to;
  if (is_large(size)) {
    size /= sizeof(uint64_t);
    const uint64_t bytes = 0x0101010101010101 * static_cast<uint8_t>(byte);
    asm volatile("rep stosq" : "+D"(cursor), "+c"(size) : "a"(bytes) : "memory");
  } else {
    asm volatile("rep stosb" : "+D"(cursor), "+c"(size) : "a"(byte) : "memory");
  }
  return to;
}

int memcmp(const void* a, const void* b, size_t size) {
  auto* left = static_cast<const unsigned char*>(a);
  auto* right = static_cast<const unsigned char*>(b);
  for (size_t i = 0; i < size; ++i)
    if (left[i] != right[i]) return left[i] - right[i];
  return 0;
}

size_t strlen(const char* text) {
  size_t length = 0;
  while (text[length] != '\0') ++length;
  return length;
}

int strcmp(const char* a, const char* b) {
  while (*a != '\0' && *a == *b) ++a, ++b;
  return static_cast<unsigned char>(*a) - static_cast<unsigned char>(*b);
}

int strncmp(const char* a, const char* b, size_t size) {
  for (; size > 0; ++a, ++b, --size)
    if (*a != *b || *a == '\0') return static_cast<unsigned char>(*a) - static_cast<unsigned char>(*b);
  return 0;
}

char* strrchr(const char* text, int character) {
  const char* found = nullptr;
  do {
    if (*text == static_cast<char>(character)) found = text;
  } while (*text++ != '\0');
  return const_cast<char*>(found);
}

char* strchr(const char* text, int character) {
  for (;; ++text) {
    if (*text == static_cast<char>(character)) return const_cast<char*>(text);
    if (*text == '\0') return nullptr;
  }
}

}  // extern "C"
