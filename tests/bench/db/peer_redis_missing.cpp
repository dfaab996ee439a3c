// SPDX-License-Identifier: Apache-2.0
// In place of peer_redis.cpp where its library was not there when this was built.
#include "tests/bench/db/contestant.hpp"

namespace hobbes::bench {

Result<Contestant> make_redis(const Dataset&) { return Error(Code::unsupported, "built without libhiredis-dev"); }

}  // namespace hobbes::bench
