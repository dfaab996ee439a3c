// SPDX-License-Identifier: Apache-2.0
// Lent files: descriptors that proxies send (abi/hosted.h), mapped by Linux like anybody's.
#include "cokernel/arch/hosted/lending.hpp"

#include "cokernel/arch/hosted/linux.hpp"
#include "cokernel/arch/hosted/messages.hpp"
#include "cokernel/kernel/lock.hpp"
#include "cokernel/kernel/port.hpp"
#include "kernel-bridge/abi/hosted.h"

namespace hobbes::lwk {
namespace {

/// What came in while somebody looked for his own.
struct Arrival {
  uint64_t number = 0;
  int file = -1;
};

constexpr uint32_t most_arrivals = 64;
Mutex lock;
Arrival arrivals[most_arrivals];
uint32_t next_arrival = 0;

void close_file(int file) {
  if (file >= 0) linux::call(linux::nr_close, static_cast<uint64_t>(file));
}

int take_arrival(uint64_t number) {
  for (Arrival& arrival : arrivals) {
    if (arrival.file < 0 || arrival.number != number) continue;
    const int file = arrival.file;
    arrival.file = -1;
    return file;
  }
  return -EIO;
}

/// The oldest gives way: nobody came for it, because its proxy died before it could answer.
void keep_arrival(const Arrival& arrival) {
  Arrival& place = arrivals[next_arrival++ % most_arrivals];
  close_file(place.file);
  place = arrival;
}

}  // namespace

namespace hosted {

int lender() { return boot_params().lending_fd + 1; }

}  // namespace hosted

namespace port {

bool borrows_files() { return boot_params().lending_fd > 0; }

int take_lent(uint64_t number) {
  Guard guard(lock);
  if (const int file = take_arrival(number); file >= 0) return file;
  while (true) {
    hobbes_hosted_lent message{};
    int file = -1;
    const int64_t got = hosted::receive_message(boot_params().lending_fd, &message, sizeof(message),
                                                hosted::receive_at_once, file);
    if (got < 0) return -EIO;
    if (got != static_cast<int64_t>(sizeof(message)) || file < 0) close_file(file);
    else if (message.number == number) return file;
    else keep_arrival({message.number, file});
  }
}

void give_back(int file) { close_file(file); }

int map_lent(UserAddr address, int file, uint64_t offset, uint64_t size, uint32_t protection) {
  // Not populated: these pages are Linux's, and a program may map far more of a file than it looks at.
  const int64_t at = linux::call(linux::nr_mmap, address, size, protection, linux::map_shared | linux::map_fixed,
                                 static_cast<uint64_t>(file), offset);
  return at < 0 ? static_cast<int>(at) : 0;
}

int store_lent(UserAddr address, uint64_t size) {
  constexpr uint64_t synchronous = 4;
  return static_cast<int>(linux::call(linux::nr_msync, address, size, synchronous));
}

}  // namespace port
}  // namespace hobbes::lwk
