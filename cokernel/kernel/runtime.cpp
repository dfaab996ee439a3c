// SPDX-License-Identifier: Apache-2.0
// What the C++ ABI (Itanium) asks of a runtime. The kernel's static objects are never destroyed.
#include "cokernel/kernel/print.hpp"

extern "C" {

void* __dso_handle = nullptr;

int __cxa_atexit(void (*)(void*), void*, void*) { return 0; }

void __cxa_pure_virtual() { hobbes::lwk::panic("a pure virtual function was called"); }

}  // extern "C"
