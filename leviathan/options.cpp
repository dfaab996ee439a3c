// SPDX-License-Identifier: Apache-2.0
// Options. Boost.Program_options throws; its exceptions end in parse_options().
#include "leviathan/options.hpp"

#include <algorithm>
#include <array>
#include <boost/program_options.hpp>
#include <sstream>
#include <utility>

#include "base/parse.hpp"
#include "leviathan/client/client.hpp"

namespace hobbes::leviathan {
namespace {

namespace po = boost::program_options;

constexpr std::uint64_t max_cpu_slots = 64;
constexpr Bytes block_grain = mib(2);  // a huge page

constexpr std::array bridges{std::string_view("hosted"), std::string_view("pisces")};

constexpr std::array<std::pair<std::string_view, log::Level>, 4> log_levels{{{"debug", log::Level::debug},
                                                                             {"info", log::Level::info},
                                                                             {"warning", log::Level::warning},
                                                                             {"error", log::Level::error}}};

po::options_description description() {
  po::options_description all("Options");
  const auto text = [] { return po::value<std::string>(); };
  all.add_options()
      ("cpulist", text()->value_name("LIST"), "CPUs that Linux keeps, as in 0-1,4; the others are for enclaves (default: 0)")
      ("memory", text()->value_name("SIZE"), "memory for enclaves, in MiB or with a suffix (default: a quarter of what is "
                                             "available, at most 1G)")
      ("block-size", text()->value_name("SIZE"), "what memory is given out in, a multiple of 2M (default: 128M)")
      ("run-dir", text()->value_name("DIR"), "where the database and the socket are (default: $HOBBES_RUN_DIR, /run/hobbes, "
                                             "or $XDG_RUNTIME_DIR/hobbes)")
      ("overcommit-cpus", text()->value_name("N"), "each CPU for enclaves may be given N times")
      ("group", text()->value_name("GROUP"), "who may read, by name or number (default: hobbes)")
      ("admin-group", text()->value_name("GROUP"), "who may change the node, by name or number (default: hobbes-admin)")
      ("bridge", text()->value_name("NAME"), "what boots enclaves: hosted or pisces (default: pisces with /dev/pisces)")
      ("force", "when stopped, destroy enclaves that live instead of refusing")
      ("log-level", text()->value_name("LEVEL"), "debug, info, warning or error (default: info)")
      ("version", "print the version")
      ("help", "print this text");
  return all;
}

using Given = po::variables_map;

std::optional<std::string> text_of(const Given& given, const char* option) {
  if (given.count(option) == 0) return std::nullopt;
  return given[option].as<std::string>();
}

Result<log::Level> parse_level(std::string_view text) {
  for (const auto& [word, level] : log_levels) {
    if (word == text) return level;
  }
  return Error(Code::invalid, "--log-level: '" + std::string(text) + "' is not debug, info, warning or error");
}

Result<Bytes> parse_block_size(std::string_view text) {
  const Bytes size = TRY(parse_size(text, "--block-size"));
  if (size.value != 0 && size.value % block_grain.value == 0) return size;
  return Error(Code::invalid, "--block-size: '" + std::string(text) + "' is not a multiple of 2 MiB");
}

Result<std::optional<Group>> group_in(const Given& given, const char* option) {
  const auto text = text_of(given, option);
  if (!text) return std::optional<Group>();
  auto group = parse_group(*text);
  if (!group) return Error(Code::invalid, "--" + std::string(option) + ": " + group.error().text());
  return std::optional(*std::move(group));
}

Result<std::string> parse_bridge(std::string name) {
  if (std::ranges::count(bridges, name) != 0) return name;
  return Error(Code::invalid, "--bridge: '" + name + "' is not known here; there are: hosted, pisces");
}

Result<Options> interpret(const Given& given) {
  Options options;
  if (const auto text = text_of(given, "cpulist")) options.linux_cpus = TRY(parse_cpu_list(*text, "--cpulist"));
  if (const auto text = text_of(given, "memory")) options.memory = TRY(parse_size(*text, "--memory"));
  if (const auto text = text_of(given, "block-size")) options.block_size = TRY(parse_block_size(*text));
  if (const auto text = text_of(given, "overcommit-cpus")) {
    options.cpu_slots = static_cast<std::uint32_t>(TRY(parse_u64(*text, "--overcommit-cpus", 1, max_cpu_slots)));
    options.overcommit = true;
  }
  options.readers = TRY(group_in(given, "group"));
  options.admins = TRY(group_in(given, "admin-group"));
  if (const auto text = text_of(given, "bridge")) options.bridge = TRY(parse_bridge(*text));
  if (const auto text = text_of(given, "log-level")) options.log_level = TRY(parse_level(*text));
  options.run_dir = text_of(given, "run-dir").value_or(client::default_run_dir().string());
  if (options.run_dir.empty()) return Error(Code::invalid, "--run-dir: is empty");
  options.force = given.count("force") != 0;
  return options;
}

}  // namespace

Result<CommandLine> parse_options(int argc, const char* const* argv) {
  Given given;
  try {
    // Abbreviations are not taken: a script must not change its meaning when an option is added.
    const auto style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
    const auto known = description();  // what was parsed refers to it
    const auto parsed = po::command_line_parser(argc, argv).options(known).style(style).run();
    for (const auto& option : parsed.options) {
      if (option.string_key.empty()) return Error(Code::invalid, "'" + option.value.front() + "': is not an option");
    }
    po::store(parsed, given);
  } catch (const po::error& error) {
    return Error(Code::invalid, error.what());
  }
  CommandLine line;
  if (given.count("help") != 0) {
    line.action = CommandLine::Action::help;
  } else if (given.count("version") != 0) {
    line.action = CommandLine::Action::version;
  } else {
    line.options = TRY(interpret(given));
  }
  return line;
}

std::string help_text() {
  std::ostringstream text;
  text << "Usage: leviathan [options]\nManages this node: runs in the foreground, logs to stderr, stops on SIGTERM.\n\n"
       << description();
  return std::move(text).str();
}

}  // namespace hobbes::leviathan
