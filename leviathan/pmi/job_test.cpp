// SPDX-License-Identifier: Apache-2.0
// A job's conversation with its ranks, as text: "<rank>: <answer>" for each.
#include "leviathan/pmi/job.hpp"

#include <catch2/catch.hpp>
#include <map>

using namespace hobbes;
using namespace hobbes::leviathan::pmi;

namespace {

struct Talk {
  explicit Talk(const std::vector<std::uint32_t>& parts = {2})
      : job("job_7", parts, [this](const std::string& key) -> Result<std::optional<std::string>> {
          const auto found = database.find(key);
          return found == database.end() ? std::nullopt : std::optional(found->second);
        }) {}

  std::string say(std::uint32_t rank, const std::string& line) {
    REQUIRE(job.receive(rank, line + "\n"));
    return answers();
  }
  std::string answers() {
    std::string text;
    for (const Reply& reply : job.take_replies()) text += std::to_string(reply.rank) + ": " + reply.text;
    return text;
  }
  /// As the server does when all have come.
  std::string open() {
    for (const auto& [key, value] : job.update().values) database[key] = value;
    job.open_barrier();
    return answers();
  }

  std::map<std::string, std::string> database;
  Job job;
};

}  // namespace

TEST_CASE("a rank learns what it asks for", "[pmi]") {
  Talk talk({2, 2, 3});
  CHECK(talk.say(1, "cmd=init pmi_version=1 pmi_subversion=1") ==
        "1: cmd=response_to_init pmi_version=1 pmi_subversion=1 rc=0\n");
  CHECK(talk.say(1, "cmd=get_maxes") == "1: cmd=maxes kvsname_max=64 keylen_max=64 vallen_max=1024\n");
  CHECK(talk.say(1, "cmd=get_appnum") == "1: cmd=appnum appnum=0\n");
  CHECK(talk.say(1, "cmd=get_universe_size") == "1: cmd=universe_size size=7 rc=0\n");
  CHECK(talk.say(1, "cmd=get_my_kvsname") == "1: cmd=my_kvsname kvsname=job_7\n");
  CHECK(talk.say(1, "cmd=get kvsname=job_7 key=PMI_process_mapping") ==
        "1: cmd=get_result rc=0 msg=success value=(vector,(0,2,2),(2,1,3))\n");
  CHECK(talk.say(1, "cmd=finalize") == "1: cmd=finalize_ack\n");
}

TEST_CASE("what was put is behind the barrier in the database", "[pmi]") {
  Talk talk;
  CHECK(talk.say(0, "cmd=put kvsname=job_7 key=a value=1") == "0: cmd=put_result rc=0 msg=success\n");
  CHECK(talk.say(1, "cmd=get kvsname=job_7 key=a") == "1: cmd=get_result rc=0 msg=success value=1\n");
  CHECK(talk.say(0, "cmd=barrier_in").empty());
  CHECK_FALSE(talk.job.barrier_is_full());
  CHECK(talk.say(1, "cmd=barrier_in").empty());
  REQUIRE(talk.job.barrier_is_full());
  CHECK(talk.job.update().generation == 1);
  CHECK(talk.open() == "0: cmd=barrier_out\n1: cmd=barrier_out\n");
  CHECK(talk.database["a"] == "1");
  CHECK(talk.job.update().values.empty());
  CHECK(talk.say(1, "cmd=get kvsname=job_7 key=a") == "1: cmd=get_result rc=0 msg=success value=1\n");
  CHECK(talk.say(1, "cmd=get kvsname=job_7 key=b") == "1: cmd=get_result rc=-1 msg=key_b_not_found\n");
}

TEST_CASE("who comes to the barrier twice counts once", "[pmi]") {
  Talk talk;
  talk.say(0, "cmd=barrier_in");
  talk.say(0, "cmd=barrier_in");
  CHECK_FALSE(talk.job.barrier_is_full());
}

TEST_CASE("what cannot be is refused, and the job goes on", "[pmi]") {
  Talk talk;
  CHECK(talk.say(0, "cmd=init pmi_version=2 pmi_subversion=0") ==
        "0: cmd=response_to_init rc=-1 msg=this_is_PMI_version_1\n");
  CHECK(talk.say(0, "cmd=put kvsname=job_8 key=a value=1") ==
        "0: cmd=put_result rc=-1 msg=this_job's_key-value_space_is_job_7\n");
  CHECK(talk.say(0, "cmd=put kvsname=job_7 key=" + std::string(64, 'k') + " value=1") ==
        "0: cmd=put_result rc=-1 msg=a_key_has_1_to_63_characters\n");
  CHECK(talk.say(0, "cmd=put kvsname=job_7 key=a value=" + std::string(1024, 'v')) ==
        "0: cmd=put_result rc=-1 msg=a_value_has_at_most_1023_characters\n");
  CHECK(talk.say(0, "mcmd=spawn\nnprocs=2\nendcmd") == "0: cmd=spawn_result rc=-1 msg=a_job_here_does_not_grow\n");
  CHECK(talk.say(0, "cmd=lookup_name service=x") ==
        "0: cmd=lookup_result info=names_are_not_published_here rc=-1\n");
  CHECK(talk.say(0, "cmd=dance") == "0: cmd=unknown_command rc=-1 msg='dance'_is_not_known\n");
  CHECK_FALSE(talk.job.broken());
}

TEST_CASE("ranks that never speak PMI end as they like", "[pmi]") {
  Talk talk;
  talk.job.closed(1);
  talk.job.closed(0);
  CHECK_FALSE(talk.job.broken());
}

TEST_CASE("a rank that takes leave may go before the others", "[pmi]") {
  Talk talk;
  talk.say(0, "cmd=init pmi_version=1 pmi_subversion=1");
  talk.say(0, "cmd=finalize");
  talk.job.closed(0);
  CHECK_FALSE(talk.job.broken());
}

TEST_CASE("a job is broken", "[pmi]") {
  Talk talk;
  talk.say(0, "cmd=init pmi_version=1 pmi_subversion=1");
  SECTION("by a rank that ends without taking leave") {
    talk.job.closed(0);
    CHECK(talk.job.broken() == "rank 0 ended without taking leave (MPI_Finalize)");
  }
  SECTION("by a rank that others wait for, before they do") {
    talk.job.closed(1);
    talk.say(0, "cmd=barrier_in");
    CHECK(talk.job.broken() == "rank 1 has ended, and others wait for it at a barrier");
  }
  SECTION("by a rank that others wait for, meanwhile") {
    talk.say(0, "cmd=barrier_in");
    talk.job.closed(1);
    CHECK(talk.job.broken() == "rank 1 has ended, and others wait for it at a barrier");
  }
  SECTION("by a rank that gives it up") {
    talk.say(0, "cmd=abort exitcode=5");
    CHECK(talk.job.broken() == "rank 0 aborted the job with code 5");
  }
}

TEST_CASE("a rank that talks nonsense is not heard any more", "[pmi]") {
  Talk talk;
  CHECK_FALSE(talk.job.receive(0, "hello\n"));
  CHECK(talk.job.receive(0, "cmd=get_maxes\n"));
  CHECK(talk.answers().empty());
}
