// SPDX-License-Identifier: Apache-2.0
#include "leviathan/protocol/hello.hpp"

#include "cmdqueue/fd_passing.hpp"
#include "cmdqueue/wire_status.hpp"

namespace hobbes::protocol {
namespace {

Status check_magic(std::uint32_t magic) {
  if (magic != hello_magic) return Error(Code::invalid, "the peer does not speak leviathan's protocol");
  return {};
}

Status check_version(std::string_view peer, std::uint32_t peers) {
  if (peers == version) return {};
  return Error(Code::unsupported, std::string(peer) + " speaks version " + std::to_string(peers) +
                                      " of the protocol, this program version " + std::to_string(version) +
                                      ": install both from one release");
}

}  // namespace

Status check_hello(std::span<const std::byte> packet) {
  const Hello hello = TRY(decode<Hello>(packet));
  TRY(check_magic(hello.magic));
  return check_version("the client", hello.version);
}

Payload welcome(const Status& judgement) {
  if (judgement) return encode(Welcome{});
  const Error& error = judgement.error();
  return encode(Welcome{.status = cmdqueue::to_wire(error.code()), .sys_errno = error.sys_errno(), .text = error.text()});
}

Status greet(int socket) {
  const Payload hello = encode(Hello{});
  TRY(cmdqueue::send_fds(socket, hello, {}));
  const cmdqueue::FdMessage packet = TRY(cmdqueue::receive_fds(socket, max_packet));
  const Welcome answer = TRY(decode<Welcome>(packet.bytes));
  TRY(check_magic(answer.magic));
  if (answer.status != HOBBES_STATUS_OK) return cmdqueue::from_wire(answer.status, answer.sys_errno, answer.text);
  return check_version("leviathan", answer.version);
}

}  // namespace hobbes::protocol
