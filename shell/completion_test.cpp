// SPDX-License-Identifier: Apache-2.0
#include "shell/completion.hpp"

#include <catch2/catch.hpp>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/test_dir.hpp"
#include "shell/fake_client.hpp"
#include "shell/shell.hpp"

namespace hobbes::shell {
namespace {

using Words = std::vector<std::string>;

/// A shell whose node has two enclaves and an application.
struct Typist {
  Typist() {
    fake_client() = FakeClient();
    for (const auto* name : {"master", "kitten", "kit"}) {
      client::EnclaveRow row;
      row.name = name;
      fake_client().enclaves.rows.push_back(row);
    }
    client::AppRow app;
    app.name = "solver";
    fake_client().apps.rows.push_back(app);
  }
  Completion at(std::string_view line) { return complete(shell, line); }
  Words candidates(std::string_view line) { return at(line).candidates; }
  std::string inserted(std::string_view line) { return at(line).insertion(); }

  std::ostringstream out, err;
  Shell shell{out, err};
};

TEST_CASE("commands complete") {
  Typist typist;
  CHECK(typist.candidates("list_") == Words{"list_apps", "list_cpus", "list_enclaves", "list_memory", "list_pci",
                                            "list_segments"});
  CHECK(typist.inserted("lis") == "t_");
  CHECK(typist.inserted("list_e") == "nclaves ");
  CHECK(typist.inserted("  exi") == "t ");
  CHECK(typist.inserted("help lau") == "nch_app ");
  CHECK(typist.candidates("frob") == Words{});
  CHECK(typist.candidates("frobnicate ") == Words{});
  CHECK(typist.candidates("").size() > 20);
}

TEST_CASE("names of enclaves and applications complete where they belong") {
  Typist typist;
  CHECK(typist.candidates("destroy_enclave ") == Words{"kit", "kitten", "master"});
  CHECK(typist.inserted("destroy_enclave k") == "it");
  CHECK(typist.inserted("destroy_enclave kitt") == "en ");
  CHECK(typist.candidates("destroy_enclave kitten ") == Words{});
  CHECK(typist.inserted("assign_memory -n 0 ma") == "ster ");
  CHECK(typist.inserted("kill_app -s KILL s") == "olver ");
  CHECK(typist.inserted("launch_app -d kitt") == "en ");
}

TEST_CASE("options complete, and so do values of theirs") {
  Typist typist;
  CHECK(typist.inserted("ping_enclave --c") == "ount ");
  CHECK(typist.inserted("launch_app kitten --heap") == "_size ");
  CHECK(typist.candidates("kill_app --signal U") == Words{"URG", "USR1", "USR2"});
  CHECK(typist.candidates("ping_enclave --count ") == Words{});
  const auto help = typist.candidates("list_apps -");
  CHECK(std::ranges::count(help, "--json") == 1);
  CHECK(std::ranges::count(help, "--help") == 1);
}

TEST_CASE("files complete: descriptors, programs and their arguments, quoted for the line") {
  Typist typist;
  const TestDir dir;
  const std::string at = dir.path().string() + "/";
  std::filesystem::create_directory(at + "sub");
  for (const auto* name : {"my file.xml", ".hidden", "prog"}) std::ofstream(at + name) << "x";
  CHECK(typist.candidates("create_enclave " + at) == Words{at + "my file.xml", at + "prog", at + "sub/"});
  CHECK(typist.candidates("create_enclave " + at + ".h") == Words{at + ".hidden"});
  CHECK(typist.inserted("create_enclave " + at + "m") == "y\\ file.xml ");
  CHECK(typist.inserted("create_enclave " + at + "my\\ f") == "ile.xml ");
  CHECK(typist.inserted("create_enclave " + at + "s") == "ub/");
  CHECK(typist.inserted("launch_app kitten " + at + "p") == "rog ");
  CHECK(typist.inserted("launch_app kitten prog --opt " + at + "p") == "rog ");
  CHECK(typist.inserted("launch_app kitten -f " + at + "p") == "rog ");
  CHECK(typist.candidates("create_enclave /nonexistent/") == Words{});
}

TEST_CASE("nothing is offered within quotes and comments, nor while there is no node") {
  Typist typist;
  CHECK(typist.candidates("destroy_enclave 'k") == Words{});
  CHECK(typist.candidates("# l") == Words{});
  fake_client().failure = Error(Code::unavailable, "leviathan is not running");
  Shell apart(typist.out, typist.err);
  CHECK(complete(apart, "destroy_enclave ").candidates == Words{});
  CHECK(typist.err.str() == "");
}

}  // namespace
}  // namespace hobbes::shell
