// SPDX-License-Identifier: Apache-2.0
// A small deterministic fuzz of both parsers: the same inputs on every run. It is worth most under --asan.
#include <catch2/catch.hpp>

#include <array>
#include <random>

#include "leviathan/descriptor/app.hpp"
#include "leviathan/descriptor/pisces.hpp"

namespace hobbes::descriptor {
namespace {

constexpr int rounds = 20'000;
constexpr std::size_t longest = 2000;

constexpr std::string_view enclave_seed =
    "<pisces name='k' bridge='hosted'><boot_env numa='0' cpu='1'><memory size='128'>0x1000</memory></boot_env>"
    "<memory size='512' block_size='128M' numa='-1'/><cpus><core>3</core><cores numa='0'>2</cores></cpus>"
    "<host_io mode='files' root='/srv'/><files/></pisces>";
constexpr std::string_view app_seed =
    "<app path='/bin/sh'><argv>-c 'a \"b\\\\' c\"</argv><envp>A=1 B=\"2\"</envp><ranks>2</ranks>"
    "<cpu_list>0-3,8</cpu_list><heap_size>16M</heap_size><use_large_pages/></app>";
constexpr std::array<std::string_view, 14> pieces = {"<",  ">",   "/>",  "&lt;",  "&#x0;",      "<![CDATA[", "]]>",
                                                     "'",  "\"",  "<!--", "<?x?>", "<!DOCTYPE ", "-1",        "\xff"};

/// One random change: a byte, a piece of XML, a cut, a copy.
void mutate(std::string& text, std::mt19937& random) {
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % std::max<std::size_t>(n, 1)); };
  const std::size_t at = below(text.size());
  switch (below(4)) {
    case 0:
      if (!text.empty()) text[at] = static_cast<char>(below(256));
      break;
    case 1: text.insert(at, pieces[below(pieces.size())]); break;
    case 2: text.erase(at, below(12)); break;
    default: text.insert(at, text.substr(below(text.size()), below(60))); break;
  }
}

/// Parses mutations of `seed`; whatever is not accepted must be refused as invalid, with a sentence naming the file.
template <typename Parse>
void fuzz(std::string_view seed, Parse parse) {
  std::mt19937 random(1);
  std::string text(seed);
  int refused = 0;
  for (int i = 0; i < rounds; ++i) {
    if (i % 8 == 0 || text.size() > longest) text = seed;
    mutate(text, random);
    const auto parsed = parse(text, "f.xml");
    if (parsed) continue;
    ++refused;
    if (parsed.error().code() != Code::invalid || !parsed.error().text().starts_with("f.xml:")) {
      INFO(text);
      FAIL(parsed.error().text());
    }
  }
  CHECK(refused > rounds / 4);
  CHECK(refused < rounds);
}

TEST_CASE("mutated <pisces> files are accepted or refused, never worse") { fuzz(enclave_seed, parse_pisces); }

TEST_CASE("mutated <app> files are accepted or refused, never worse") { fuzz(app_seed, parse_app); }

}  // namespace
}  // namespace hobbes::descriptor
