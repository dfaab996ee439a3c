// SPDX-License-Identifier: Apache-2.0
// What of the host a client reaches through an enclave: as much as its <host_io> says. For the pretended kernel, files
// below /host are Linux's.
#include "leviathan/files/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/test_dir.hpp"
#include "leviathan/client/client.hpp"
#include "leviathan/server/served_node.hpp"

using namespace hobbes;
using namespace hobbes::leviathan;

namespace {

namespace fs = std::filesystem;

/// A client of an enclave "a" whose <host_io> is that, and a directory of the host: root/host/file, and a secret above.
struct Reached {
  explicit Reached(const std::string& mode)
      : client(*client::Client::open(served.node.path())) {
    fs::create_directories(dir.path() / "root/host");
    std::ofstream(dir.path() / "secret") << "secret";
    std::ofstream(dir.path() / "root/host/file") << "inside";
    fs::create_symlink("../../secret", dir.path() / "root/host/up");
    fs::create_symlink("/host/file", dir.path() / "root/host/absolute");
    REQUIRE(client.create_enclave("<pisces name='a'><host_io mode='" + mode + "' root='" + (dir.path() / "root").string() +
                                      "'/></pisces>",
                                  "a.xml", ""));
  }
  /// What cat_file gives, or its errno.
  std::string read(const std::string& path) {
    const fs::path copy = dir.path() / "copy";
    const UniqueFd out(::open(copy.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    const auto size = client.cat_file("a", path, out.get());
    return size ? text_of(copy) : std::to_string(size.error().sys_errno());
  }
  Result<std::uint64_t> write(const std::string& path, std::optional<mode_t> mode = {}) {
    const UniqueFd in(::open((dir.path() / "secret").c_str(), O_RDONLY | O_CLOEXEC));
    return client.cat_into_file("a", path, in.get(), false, mode);
  }
  static std::string text_of(const fs::path& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  TestDir dir;
  ServedNode served;
  client::Client client;
};

}  // namespace

TEST_CASE("below a root, the host's files are those of the root", "[files]") {
  Reached reached("files");
  CHECK(reached.read("/host/file") == "inside");
  CHECK(reached.read("/host/absolute") == "inside");
  CHECK(reached.read("/host/../../host/file") == "inside");
  CHECK(reached.read("/host/up") == std::to_string(ENOENT));
  CHECK(reached.read("/host/../../secret") == std::to_string(ENOENT));
}

TEST_CASE("what is written below a root stays there and gets the mode that was asked for", "[files]") {
  Reached reached("all");
  REQUIRE(reached.write("/host/new", 0640));
  const fs::path made = reached.dir.path() / "root/host/new";
  CHECK(Reached::text_of(made) == "secret");
  struct stat status {};
  REQUIRE(::stat(made.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0640);
  REQUIRE(reached.write("/host/new", 0711));
  REQUIRE(::stat(made.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0711);
}

TEST_CASE("with mode none there are no files of the host", "[files]") {
  Reached reached("none");
  CHECK(reached.read("/host/file") == std::to_string(EACCES));
  const auto refused = reached.write("/host/file");
  REQUIRE(!refused);
  CHECK_THAT(refused.error().text(), Catch::Contains("reaches no files of the host"));
  CHECK(Reached::text_of(reached.dir.path() / "root/host/file") == "inside");
  REQUIRE(reached.write("/enclaves-own"));
  CHECK(reached.read("/enclaves-own") == "secret");
}
