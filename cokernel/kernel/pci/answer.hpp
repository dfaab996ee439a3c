// SPDX-License-Identifier: Apache-2.0
// What a network card answers that has an address and nothing else: who has it (ARP, RFC 826), and are you there
// (ICMP echo, RFC 792).
#pragma once

#include "cokernel/kernel/types.hpp"

namespace hobbes::lwk::pci {

struct NetAddress {
  uint8_t mac[6];
  uint8_t ip[4];
};

/// Turns an Ethernet frame (without its check sequence) into the answer to it, of the same size. False: it is none for
/// us, or asks for nothing.
[[nodiscard]] bool answer(uint8_t* frame, uint64_t size, const NetAddress& self);

/// "10.9.0.2", up to the end of the text or a space. False: it is no address.
[[nodiscard]] bool parse_ip(const char* text, uint8_t ip[4]);

}  // namespace hobbes::lwk::pci
