// SPDX-License-Identifier: Apache-2.0
#include "shell/fake_client.hpp"

#include <poll.h>

#include <csignal>
#include <sstream>

#include "base/parse.hpp"
#include "shell/shell.hpp"

namespace hobbes::shell {

FakeClient& fake_client() {
  static FakeClient fake;
  return fake;
}

Outcome run_shell(const std::vector<std::string>& words, const std::function<void(FakeClient&)>& prepare) {
  fake_client() = FakeClient();
  if (prepare) prepare(fake_client());
  std::ostringstream out, err;
  const int status = run(words, out, err);
  return {status, out.str(), err.str()};
}

namespace {

/// Notes a request, words separated by blanks, and answers it.
template <typename T, typename... Words>
Result<T> answer(T value, const Words&... words) {
  std::ostringstream line;
  const char* blank = "";
  ((line << blank << words, blank = " "), ...);
  fake_client().requests.push_back(line.str());
  if (fake_client().failure) return *fake_client().failure;
  return value;
}

template <typename... Words>
Status noted(const Words&... words) {
  TRY(answer(0, words...));
  return {};
}

}  // namespace
}  // namespace hobbes::shell

namespace hobbes::client {

using shell::answer;
using shell::fake_client;
using shell::noted;

struct Client::Impl {};

std::filesystem::path default_run_dir() { return "/default"; }

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Result<Client> Client::open(const std::filesystem::path& run_dir) {
  TRY(noted("open", run_dir.string()));
  return Client(std::make_unique<Impl>());
}

void Client::interrupt_with(int) {}

Result<Listing<EnclaveRow>> Client::enclaves() { return fake_client().enclaves; }
Result<Listing<AppRow>> Client::apps() { return fake_client().apps; }
Result<Listing<SegmentRow>> Client::segments() { return fake_client().segments; }
Result<Listing<MemoryRow>> Client::memory() { return fake_client().memory; }
Result<Listing<CpuRow>> Client::cpus() { return fake_client().cpus; }
Result<Listing<PciRow>> Client::pci_devices() { return fake_client().pci_devices; }
Result<std::vector<std::string>> Client::check_db() { return fake_client().problems; }

Result<std::string> Client::create_enclave(std::string_view xml, std::string_view file, std::string_view name) {
  return answer(std::string("kitten"), "create", xml, file, name);
}
Status Client::destroy_enclave(std::string_view enclave) { return noted("destroy", enclave); }
Result<std::chrono::nanoseconds> Client::ping(std::string_view enclave, Bytes size) {
  const auto nth = static_cast<long>(fake_client().requests.size());
  return answer(std::chrono::nanoseconds(1000 * nth), "ping", enclave, size.value);
}
Result<std::string> Client::dump_queue(std::string_view enclave) {
  return answer(std::string("HCQ"), "dump", enclave);
}

Result<std::string> Client::assign_memory(std::string_view enclave, Bytes size, NumaId numa, bool contiguous) {
  return answer(std::string("Assigned"), "assign_memory", enclave, size.value, numa.value, contiguous);
}
Result<std::string> Client::remove_memory(std::string_view enclave, Bytes size, NumaId numa) {
  return answer(std::string("Removed"), "remove_memory", enclave, size.value, numa.value);
}
Result<std::string> Client::assign_cpus(std::string_view enclave, std::uint64_t count, NumaId numa) {
  return answer(std::string("Assigned"), "assign_cpus", enclave, count, numa.value);
}
Result<std::string> Client::assign_cpus(std::string_view enclave, const std::vector<CpuId>& cpus) {
  return answer(std::string("Assigned"), "assign_cpus", enclave, "list", format_cpu_list(cpus));
}
Result<std::string> Client::remove_cpus(std::string_view enclave, std::uint64_t count) {
  return answer(std::string("Removed"), "remove_cpus", enclave, count);
}
Result<std::string> Client::remove_cpus(std::string_view enclave, const std::vector<CpuId>& cpus) {
  return answer(std::string("Removed"), "remove_cpus", enclave, "list", format_cpu_list(cpus));
}
Result<std::string> Client::assign_pci(std::string_view enclave, std::string_view name, std::string_view address) {
  return answer(std::string("Assigned"), "assign_pci", enclave, name, address);
}
Result<std::string> Client::remove_pci(std::string_view enclave, std::string_view name) {
  return answer(std::string("Removed"), "remove_pci", enclave, name);
}

Result<AppId> Client::launch(const LaunchSpec& spec) {
  fake_client().launched = spec;
  return answer(AppId(7), "launch", spec.enclave, spec.path);
}
Result<LaunchSpec> Client::parse_app(std::string_view xml, std::string_view file, LaunchSpec defaults) {
  defaults.path = xml;
  defaults.name = "from descriptor";
  return answer(defaults, "parse_app", file);
}
Result<AppEnd> Client::wait(AppId app, int interrupt_fd, const std::function<void()>& on_interrupt) {
  for (const int signal : fake_client().signals_while_waiting) {
    raise(signal);
    pollfd waiting{.fd = interrupt_fd, .events = POLLIN, .revents = 0};
    if (poll(&waiting, 1, 0) == 1) on_interrupt();
  }
  return answer(fake_client().end, "wait", app.value);
}
Result<AppId> Client::find_app(std::string_view app) { return answer(AppId(7), "find", app); }
Result<SystemCallCounts> Client::system_calls(AppId app) {
  return answer(fake_client().calls, "calls of application", app.value);
}
Result<SystemCallCounts> Client::system_calls(std::string_view enclave) {
  return answer(fake_client().calls, "calls of enclave", enclave);
}
Status Client::kill(AppId app, int signal) { return noted("kill", app.value, signal); }

Result<std::uint64_t> Client::cat_file(std::string_view enclave, std::string_view path, int out_fd) {
  return answer(std::uint64_t{0}, "cat_file", enclave, path, out_fd);
}
Result<std::uint64_t> Client::cat_into_file(std::string_view enclave, std::string_view path, int in_fd, bool append,
                                            std::optional<mode_t> mode) {
  return answer(std::uint64_t{0}, "cat_into_file", enclave, path, in_fd, append, mode ? static_cast<int>(*mode) : -1);
}
Status Client::console(std::string_view enclave, int in_fd, int out_fd, const ConsoleUse& use) {
  return noted("console", enclave, in_fd, out_fd, use.type ? "type" : "watch", use.follow ? "on" : "so far");
}

}  // namespace hobbes::client
