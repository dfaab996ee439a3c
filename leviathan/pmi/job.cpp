// SPDX-License-Identifier: Apache-2.0
#include "leviathan/pmi/job.hpp"

#include <algorithm>
#include <array>

namespace hobbes::leviathan::pmi {
namespace {

/// Which ranks share a machine: MPICH reads it under this name. "(first system, how many, ranks on each)" for each run of
/// alike systems.
constexpr const char* mapping_key = "PMI_process_mapping";
std::string mapping_of(const std::vector<std::uint32_t>& parts) {
  std::string text = "(vector";
  for (std::size_t first = 0; first < parts.size();) {
    std::size_t next = first;
    while (next < parts.size() && parts[next] == parts[first]) ++next;
    text += ",(" + std::to_string(first) + "," + std::to_string(next - first) + "," + std::to_string(parts[first]) + ")";
    first = next;
  }
  return text + ")";
}

std::uint32_t sum(const std::vector<std::uint32_t>& parts) {
  std::uint32_t all = 0;
  for (const std::uint32_t part : parts) all += part;
  return all;
}

std::string label(std::uint32_t rank) { return "rank " + std::to_string(rank); }

}  // namespace

Job::Job(std::string space, const std::vector<std::uint32_t>& parts, Lookup lookup)
    : space_(std::move(space)), lookup_(std::move(lookup)), ranks_(sum(parts)) {
  on_the_way_[mapping_key] = mapping_of(parts);
}

Status Job::receive(std::uint32_t rank, std::string_view bytes) {
  Rank& from = ranks_[rank];
  if (!from.heard) return {};
  const Status read = from.reader.add(bytes);
  while (const auto request = from.reader.take()) handle(rank, *request);
  from.heard = read.has_value();
  return read;
}

Job::Handler Job::handler_of(std::string_view command) {
  static constexpr std::array<std::pair<std::string_view, Handler>, 14> handlers = {{
      {"init", &Job::init},
      {"get_maxes", &Job::get_maxes},
      {"get_appnum", &Job::get_appnum},
      {"get_universe_size", &Job::get_universe_size},
      {"get_my_kvsname", &Job::get_my_kvsname},
      {"put", &Job::put},
      {"get", &Job::get},
      {"barrier_in", &Job::barrier_in},
      {"finalize", &Job::finalize},
      {"abort", &Job::abort},
      {"spawn", &Job::spawn},
      {"publish_name", &Job::publish_name},
      {"unpublish_name", &Job::unpublish_name},
      {"lookup_name", &Job::lookup_name},
  }};
  const auto found = std::ranges::find(handlers, command, &std::pair<std::string_view, Handler>::first);
  return found == handlers.end() ? nullptr : found->second;
}

void Job::handle(std::uint32_t rank, const Request& request) {
  if (const Handler handler = handler_of(request.command)) return (this->*handler)(rank, request);
  refuse(rank, "unknown_command", "'" + request.command.substr(0, max_key) + "' is not known");
}

void Job::refuse(std::uint32_t rank, std::string_view command, const std::string& why) {
  say(rank, answer(command, {{"rc", "-1"}, {"msg", why}}));
}

void Job::init(std::uint32_t rank, const Request& request) {
  if (request["pmi_version"] != "1") return refuse(rank, "response_to_init", "this is PMI version 1");
  ranks_[rank].phase = Phase::joined;
  say(rank, answer("response_to_init", {{"pmi_version", "1"}, {"pmi_subversion", "1"}, {"rc", "0"}}));
}

void Job::get_maxes(std::uint32_t rank, const Request&) {
  say(rank, answer("maxes", {{"kvsname_max", std::to_string(max_space)},
                             {"keylen_max", std::to_string(max_key)},
                             {"vallen_max", std::to_string(max_value)}}));
}

void Job::get_appnum(std::uint32_t rank, const Request&) { say(rank, answer("appnum", {{"appnum", "0"}})); }

void Job::get_universe_size(std::uint32_t rank, const Request&) {
  say(rank, answer("universe_size", {{"size", std::to_string(size())}, {"rc", "0"}}));
}

void Job::get_my_kvsname(std::uint32_t rank, const Request&) { say(rank, answer("my_kvsname", {{"kvsname", space_}})); }

std::string Job::refusal(const Request& request) const {
  if (request["kvsname"] != space_) return "this job's key-value space is " + space_;
  if (request["key"].empty() || request["key"].size() >= max_key) return "a key has 1 to 63 characters";
  if (request["value"].size() >= max_value) return "a value has at most 1023 characters";
  return {};
}

void Job::put(std::uint32_t rank, const Request& request) {
  if (const std::string why = refusal(request); !why.empty()) return refuse(rank, "put_result", why);
  on_the_way_[std::string(request["key"])] = request["value"];
  say(rank, answer("put_result", {{"rc", "0"}, {"msg", "success"}}));
}

Result<std::optional<std::string>> Job::find(const std::string& key) const {
  const auto found = on_the_way_.find(key);
  if (found != on_the_way_.end()) return std::optional(found->second);
  return lookup_(key);
}

void Job::get(std::uint32_t rank, const Request& request) {
  if (const std::string why = refusal(request); !why.empty()) return refuse(rank, "get_result", why);
  const std::string key(request["key"]);
  const auto value = find(key);
  if (!value) return refuse(rank, "get_result", value.error().text());
  if (!*value) return refuse(rank, "get_result", "key " + key + " not found");
  say(rank, answer("get_result", {{"rc", "0"}, {"msg", "success"}, {"value", **value}}));
}

void Job::barrier_in(std::uint32_t rank, const Request&) {
  Rank& from = ranks_[rank];
  if (!from.waits) ++waiting_;
  from.waits = true;
  check_barrier();
}

Update Job::update() const {
  return {.generation = generation_ + 1, .values = {on_the_way_.begin(), on_the_way_.end()}};
}

void Job::open_barrier() {
  ++generation_;
  on_the_way_.clear();
  waiting_ = 0;
  for (std::uint32_t rank = 0; rank < size(); ++rank) {
    ranks_[rank].waits = false;
    say(rank, answer("barrier_out"));
  }
}

void Job::finalize(std::uint32_t rank, const Request&) {
  ranks_[rank].phase = Phase::finished;
  say(rank, answer("finalize_ack"));
}

void Job::abort(std::uint32_t rank, const Request& request) {
  const std::string_view code = request["exitcode"];
  give_up(label(rank) + " aborted the job" + (code.empty() ? "" : " with code " + std::string(code)));
}

void Job::spawn(std::uint32_t rank, const Request&) { refuse(rank, "spawn_result", "a job here does not grow"); }

void Job::publish_name(std::uint32_t rank, const Request&) {
  say(rank, answer("publish_result", {{"info", "names are not published here"}, {"rc", "-1"}}));
}
void Job::unpublish_name(std::uint32_t rank, const Request&) {
  say(rank, answer("unpublish_result", {{"info", "names are not published here"}, {"rc", "-1"}}));
}
void Job::lookup_name(std::uint32_t rank, const Request&) {
  say(rank, answer("lookup_result", {{"info", "names are not published here"}, {"rc", "-1"}}));
}

void Job::give_up(std::string why) {
  if (!broken_) broken_ = std::move(why);
}

void Job::closed(std::uint32_t rank) {
  Rank& from = ranks_[rank];
  if (from.phase == Phase::joined) give_up(label(rank) + " ended without taking leave (MPI_Finalize)");
  from.phase = Phase::gone;
  from.heard = false;
  check_barrier();
}

/// One who has ended never comes to it.
void Job::check_barrier() {
  if (waiting_ == 0 || broken_) return;
  const auto gone = std::ranges::find_if(ranks_, [](const Rank& rank) { return rank.phase == Phase::gone; });
  if (gone == ranks_.end()) return;
  const auto rank = static_cast<std::uint32_t>(gone - ranks_.begin());
  give_up(label(rank) + " has ended, and others wait for it at a barrier");
}

std::vector<Reply> Job::take_replies() { return std::exchange(replies_, {}); }

}  // namespace hobbes::leviathan::pmi
