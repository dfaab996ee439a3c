// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <iterator>
#include <sstream>

#include "base/parse.hpp"
#include "shell/commands/application_end.hpp"
#include "shell/commands/handlers.hpp"
#include "shell/read_file.hpp"

namespace hobbes::shell {
namespace {

mode_t current_umask() {
  const mode_t mask = umask(0);  // it can only be read by setting it
  umask(mask);
  return mask;
}

Result<std::string> current_directory() {
  std::error_code failure;
  auto path = std::filesystem::current_path(failure);
  if (failure) return errno_error(failure.value(), "current directory");
  return path.string();
}

/// Sets NAME=VALUE, replacing an earlier value of NAME.
void set_variable(std::vector<std::string>& environment, const std::string& variable) {
  const std::string_view name = std::string_view(variable).substr(0, variable.find('=') + 1);
  std::erase_if(environment, [&](const std::string& old) { return old.starts_with(name); });
  environment.push_back(variable);
}

/// The words of --envp, separated by blanks as in the original.
std::vector<std::string> variables_of(const Arguments& arguments) {
  std::istringstream words(arguments.text("envp"));
  return {std::istream_iterator<std::string>(words), {}};
}

/// What the program inherits from whoever typed the command.
Result<client::LaunchSpec> inherited(const Arguments& arguments) {
  client::LaunchSpec spec;
  spec.enclave = arguments.text("enclave");
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable)
    spec.env.emplace_back(*variable);
  spec.cwd = TRY(current_directory());
  spec.umask = current_umask();
  return spec;
}

/// Options win over the descriptor.
void apply_options(client::LaunchSpec& spec, const Arguments& arguments) {
  if (arguments.has("name")) spec.name = arguments.text("name");
  if (arguments.has("cpulist")) spec.cpu_list = arguments.text("cpulist");
  if (const auto ranks = arguments.number("np")) spec.ranks = static_cast<std::uint32_t>(*ranks);
  if (arguments.has("oversubscribe")) spec.oversubscribe = true;
  if (const auto heap = arguments.size("heap_size")) spec.heap_size = *heap;
  if (const auto stack = arguments.size("stack_size")) spec.stack_size = *stack;
  if (arguments.has("use-large-pages")) spec.large_pages = true;
  if (arguments.has("use-smartmap")) spec.smartmap = true;
  if (arguments.has("hpmmap")) spec.hpmmap = true;
  if (arguments.has("no-rewrite")) spec.rewrite = false;
  spec.detach = arguments.has("detach");
  for (const auto& variable : variables_of(arguments)) set_variable(spec.env, variable);
}

/// The descriptor that an mpiexec which started this shell as one of its ranks serves PMI on; -1: there is none.
int inherited_pmi_fd() {
  const char* text = std::getenv("PMI_FD");
  const auto fd = text == nullptr ? Result<std::uint64_t>(Error(Code::not_found, "PMI_FD")) : parse_u64(text, "PMI_FD", 0, INT_MAX);
  return fd && fcntl(static_cast<int>(*fd), F_GETFD) >= 0 ? static_cast<int>(*fd) : -1;
}

Result<client::LaunchSpec> make_spec(const Arguments& arguments) {
  auto spec = TRY(inherited(arguments));
  if (arguments.has("file")) {
    const std::string file = arguments.text("file");
    spec = TRY(client::Client::parse_app(TRY(read_descriptor(file)), file, std::move(spec)));
  } else {
    spec.path = arguments.program().front();
    spec.args = arguments.program();
  }
  apply_options(spec, arguments);
  if (spec.ranks == 1) spec.pmi_fd = inherited_pmi_fd();  // several are a job of their own
  return spec;
}

/// What a signal to the shell means for the application in front of it: the same signal; a second Ctrl-C kills.
class Forwarding {
 public:
  Forwarding(client::Client& client, AppId app) : client_(client), app_(app) {}

  void operator()(int signal) {
    const bool impatient = signal == SIGINT && interrupted_;
    interrupted_ = interrupted_ || signal == SIGINT;
    // An application that has just ended cannot be signalled, and its end is on its way.
    (void)client_.kill(app_, impatient ? SIGKILL : signal);
  }

 private:
  client::Client& client_;
  AppId app_;
  bool interrupted_ = false;
};

}  // namespace

Status check_launch(const Arguments& arguments) {
  if (arguments.has("file") && !arguments.program().empty())
    return Error(Code::invalid, "a descriptor and a program: give one of them");
  if (!arguments.has("file") && arguments.program().empty())
    return Error(Code::invalid, "a program, or a descriptor after -f, is missing");
  for (const auto& variable : variables_of(arguments))
    if (const auto equals = variable.find('='); equals == 0 || equals == variable.npos)
      return Error(Code::invalid, "--envp: '" + variable + "' is not NAME=VALUE");
  return {};
}

Result<int> launch_app(Shell& shell, const Arguments& arguments) {
  const auto spec = TRY(make_spec(arguments));
  client::Client& client = *TRY(shell.connect());
  if (spec.detach) {
    const AppId app = TRY(client.launch(spec));
    shell.out << "Launched application " << app.value << '\n';
    return exit_done;
  }
  client.interrupt_with(-1);  // signals are the program's
  auto signals = TRY(CaughtSignals::create());  // before the launch: nothing may end the shell between it and the wait
  const AppId app = TRY(client.launch(spec));
  return exit_status(TRY(wait_for_end(client, app, signals, Forwarding(client, app))), spec.path, shell.err);
}

}  // namespace hobbes::shell
