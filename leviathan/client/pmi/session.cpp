// SPDX-License-Identifier: Apache-2.0
#include "leviathan/client/pmi/session.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

namespace hobbes::client::pmi {
namespace {

constexpr std::size_t most_at_once = 4096;

std::optional<int> number_in(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return std::nullopt;
  char* end = nullptr;
  const long number = std::strtol(text, &end, 10);
  constexpr long most = 1 << 24;
  if (end == text || *end != '\0' || number < 0 || number > most) return std::nullopt;
  return static_cast<int>(number);
}

}  // namespace

std::optional<std::string> value_of(const std::string& answer, const std::string& name) {
  const std::size_t found = answer.find(" " + name + "=");
  if (found == std::string::npos) return std::nullopt;
  const std::size_t start = found + name.size() + 2;
  return answer.substr(start, answer.find(' ', start) - start);
}

bool Session::open() {
  fd_ = number_in("PMI_FD").value_or(-1);
  rank_ = alone() ? 0 : number_in("PMI_RANK").value_or(0);
  size_ = alone() ? 1 : number_in("PMI_SIZE").value_or(1);
  open_ = alone() || ask("cmd=init pmi_version=1 pmi_subversion=1\n", "response_to_init");
  return open_;
}

void Session::close() {
  if (!alone()) ::close(fd_);
  fd_ = -1;
  open_ = false;
}

std::optional<std::string> Session::ask(const std::string& request, const std::string& answer) {
  if (!send(request)) return std::nullopt;
  auto line = receive();
  if (!line || !(*line + " ").starts_with("cmd=" + answer + " ")) return std::nullopt;
  if (const auto rc = value_of(*line, "rc"); rc && *rc != "0") return std::nullopt;
  return line;
}

void Session::tell(const std::string& request) { static_cast<void>(send(request)); }

bool Session::send(const std::string& line) {
  for (std::size_t done = 0; done < line.size();) {
    const ssize_t sent = ::send(fd_, line.data() + done, line.size() - done, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    done += static_cast<std::size_t>(sent);
  }
  return true;
}

/// Nothing follows an answer before the next request.
std::optional<std::string> Session::receive() {
  std::string line;
  while (line.empty() || line.back() != '\n') {
    std::array<char, most_at_once> piece;
    const ssize_t got = ::read(fd_, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return std::nullopt;
    line.append(piece.data(), static_cast<std::size_t>(got));
  }
  line.pop_back();
  return line;
}

}  // namespace hobbes::client::pmi
