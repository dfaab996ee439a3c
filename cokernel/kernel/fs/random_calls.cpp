// SPDX-License-Identifier: Apache-2.0
// getrandom.
#include "cokernel/kernel/fs/call_support.hpp"
#include "cokernel/kernel/fs/random.hpp"

namespace hobbes::lwk::fs {

Sysret sys_getrandom(Thread&, const Args& args) {
  constexpr uint64_t known_flags = 7;  // GRND_NONBLOCK, GRND_RANDOM, GRND_INSECURE
  if ((args[2] & ~known_flags) != 0) return -EINVAL;
  IoVector to(IoVector::User{args[0], args[1]});
  Sysret done = 0;
  char piece[256];
  while (to.left() > 0) {
    const uint64_t size = min<uint64_t>(to.left(), sizeof(piece));
    fill_random(piece, size);
    if (!to.put(piece, size)) return done > 0 ? done : -EFAULT;
    done += static_cast<Sysret>(size);
  }
  return done;
}

}  // namespace hobbes::lwk::fs
