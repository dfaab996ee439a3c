// SPDX-License-Identifier: Apache-2.0
// Fuzz target: the input is what three ranks say to the PMI server of their job. An answer is one line, its rank is one
// of the job's, and each request has at most one answer, but for the barrier's that opens for all.
//
// An input is a list of {u8 rank, u8 count, count bytes}; a rank above the job's is the end of one.
#include <algorithm>
#include <map>
#include <string>

#include "leviathan/pmi/job.hpp"
#include "tests/fuzz/driver/driver.hpp"

using namespace hobbes;
using namespace hobbes::leviathan;

namespace {

constexpr std::uint32_t ranks = 3;

void check(const std::vector<pmi::Reply>& replies) {
  for (const pmi::Reply& reply : replies) {
    fuzz::require(reply.rank < ranks, "an answer to a rank that is none");
    fuzz::require(std::ranges::count(reply.text, '\n') == 1 && reply.text.back() == '\n', "an answer that is not one line");
    fuzz::require(reply.text.starts_with("cmd="), "an answer without its name");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t length) {
  std::map<std::string, std::string> database;
  pmi::Job job("job_1", {ranks}, [&](const std::string& key) -> Result<std::optional<std::string>> {
    const auto found = database.find(key);
    return found == database.end() ? std::nullopt : std::optional(found->second);
  });
  fuzz::Reader input(data, length);
  while (input.left() > 0) {
    const auto rank = input.read<std::uint8_t>();
    const fuzz::Bytes bytes = input.bytes(input.read<std::uint8_t>());
    const std::string said(bytes.begin(), bytes.end());
    if (rank % 16 >= ranks) {
      job.closed(rank % ranks);
    } else {
      const auto requests = static_cast<std::size_t>(std::ranges::count(said, '\n'));
      (void)job.receive(rank % 16, said);
      const auto replies = job.take_replies();
      fuzz::require(replies.size() <= requests, "more answers than requests");
      check(replies);
    }
    if (job.barrier_is_full() && !job.broken()) {
      for (auto& [key, value] : job.update().values) database[key] = value;
      job.open_barrier();
      fuzz::require(!job.barrier_is_full(), "a barrier that does not close again");
      check(job.take_replies());
    }
  }
  return 0;
}
