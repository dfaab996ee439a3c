// SPDX-License-Identifier: Apache-2.0
// How a connection begins, and how descriptors travel beside its queue.
//
// leviathan listens on a SOCK_SEQPACKET Unix socket. The client sends Hello; leviathan answers Welcome: refused, or
// accepted, followed by the queue (cmdqueue::offer_queue on the same socket). From then on requests go over the queue;
// the socket carries FdDelivery packets from the client, each before the request that names its token, and tells each
// side of the other's death.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "leviathan/protocol/codec.hpp"

namespace hobbes::protocol {

inline constexpr std::uint32_t hello_magic = 0x53424248;  // "HBBS"
/// Raised when an older peer would misunderstand a message. Client and daemon must have the same.
inline constexpr std::uint32_t version = 1;
/// The largest packet on the socket.
inline constexpr std::size_t max_packet = 4096;

struct Hello {
  static constexpr std::string_view name = "hello";
  std::uint32_t magic = hello_magic;
  std::uint32_t version = protocol::version;

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("magic", self.magic);
    visit("version", self.version);
  }
};

struct Welcome {
  static constexpr std::string_view name = "welcome";
  std::uint32_t magic = hello_magic;
  std::uint32_t version = protocol::version;
  std::int32_t status = 0;  ///< HOBBES_STATUS_*
  std::int32_t sys_errno = 0;
  std::string text;         ///< why it was refused

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("magic", self.magic);
    visit("version", self.version);
    visit("status", self.status);
    visit("sys_errno", self.sys_errno);
    visit("text", self.text);
  }
};

/// The descriptors that come with the packet are kept for the request that names `token`.
struct FdDelivery {
  static constexpr std::string_view name = "descriptors";
  std::uint64_t token = 0;  ///< chosen by the client, not 0, never reused

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("token", self.token);
  }
};

/// Server: whether these bytes are a Hello this program can serve; the error is for the Welcome.
[[nodiscard]] Status check_hello(std::span<const std::byte> packet);
/// Server: the Welcome that tells `judgement`.
[[nodiscard]] Payload welcome(const Status& judgement);
/// Client: sends a Hello and waits for the Welcome. The errors are the server's, or Code::unsupported for a leviathan of
/// another version, or Code::unavailable if it hung up.
[[nodiscard]] Status greet(int socket);

}  // namespace hobbes::protocol
