// SPDX-License-Identifier: Apache-2.0
// In place of peer_whitedb.cpp where its library was not there when this was built.
#include "tests/bench/db/contestant.hpp"

namespace hobbes::bench {

Result<Contestant> make_whitedb(const Dataset&) { return Error(Code::unsupported, "built without libwgdb-dev"); }

}  // namespace hobbes::bench
