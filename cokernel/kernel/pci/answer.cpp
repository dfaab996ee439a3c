// SPDX-License-Identifier: Apache-2.0
// All numbers are big endian, and nothing is aligned: bytes it is.
#include "cokernel/kernel/pci/answer.hpp"

#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk::pci {
namespace {

constexpr uint64_t mac_size = 6, ip_size = 4;
enum Ethernet : uint64_t { to_mac = 0, from_mac = 6, ether_type = 12, ethernet_header = 14 };
constexpr uint32_t type_ip = 0x0800, type_arp = 0x0806;

enum Arp : uint64_t { arp_kind = 0, arp_operation = 6, sender_mac = 8, sender_ip = 14, target_mac = 18, target_ip = 24, arp_size = 28 };
constexpr uint8_t arp_ethernet_ip[] = {0, 1, 8, 0, 6, 4};
constexpr uint32_t arp_request = 1, arp_reply = 2;

enum Ip : uint64_t { ip_version_length = 0, ip_total = 2, ip_fragment = 6, ip_protocol = 9, ip_from = 12, ip_to = 16, ip_header = 20 };
constexpr uint32_t fragment_bits = 0x3fff, protocol_icmp = 1;

enum Icmp : uint64_t { icmp_type = 0, icmp_code = 1, icmp_checksum = 2, icmp_header = 8 };
constexpr uint8_t echo_request = 8, echo_reply = 0;

uint32_t word(const uint8_t* at) { return static_cast<uint32_t>(at[0] << 8 | at[1]); }
void put_word(uint8_t* at, uint32_t value) {
  at[0] = static_cast<uint8_t>(value >> 8);
  at[1] = static_cast<uint8_t>(value);
}

/// RFC 1071. Of bytes that contain their own checksum: 0.
uint32_t checksum(const uint8_t* bytes, uint64_t size) {
  uint64_t sum = 0;
  for (uint64_t i = 0; i + 1 < size; i += 2) sum += word(bytes + i);
  if (size % 2 != 0) sum += static_cast<uint32_t>(bytes[size - 1] << 8);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint32_t>(~sum & 0xffff);
}

void send_back(uint8_t* frame, const NetAddress& self) {
  memcpy(frame + to_mac, frame + from_mac, mac_size);
  memcpy(frame + from_mac, self.mac, mac_size);
}

bool answer_arp(uint8_t* arp, uint64_t size, const NetAddress& self) {
  if (size < arp_size || memcmp(arp + arp_kind, arp_ethernet_ip, sizeof(arp_ethernet_ip)) != 0) return false;
  if (word(arp + arp_operation) != arp_request || memcmp(arp + target_ip, self.ip, ip_size) != 0) return false;
  put_word(arp + arp_operation, arp_reply);
  memcpy(arp + target_mac, arp + sender_mac, mac_size + ip_size);
  memcpy(arp + sender_mac, self.mac, mac_size);
  memcpy(arp + sender_ip, self.ip, ip_size);
  return true;
}

bool answer_icmp(uint8_t* icmp, uint64_t size) {
  if (size < icmp_header || icmp[icmp_type] != echo_request || icmp[icmp_code] != 0) return false;
  if (checksum(icmp, size) != 0) return false;
  icmp[icmp_type] = echo_reply;
  put_word(icmp + icmp_checksum, 0);
  put_word(icmp + icmp_checksum, checksum(icmp, size));
  return true;
}

bool answer_ip(uint8_t* ip, uint64_t size, const NetAddress& self) {
  if (size < ip_header || ip[ip_version_length] >> 4 != 4) return false;
  const uint64_t header = (ip[ip_version_length] & 0xf) * 4, total = word(ip + ip_total);
  if (header < ip_header || total < header || total > size || checksum(ip, header) != 0) return false;
  if ((word(ip + ip_fragment) & fragment_bits) != 0 || ip[ip_protocol] != protocol_icmp) return false;
  if (memcmp(ip + ip_to, self.ip, ip_size) != 0 || !answer_icmp(ip + header, total - header)) return false;
  memcpy(ip + ip_to, ip + ip_from, ip_size);  // an exchange: the header's checksum stays right
  memcpy(ip + ip_from, self.ip, ip_size);
  return true;
}

}  // namespace

bool answer(uint8_t* frame, uint64_t size, const NetAddress& self) {
  if (size < ethernet_header) return false;
  uint8_t* const content = frame + ethernet_header;
  const uint64_t length = size - ethernet_header;
  bool answered = false;
  if (word(frame + ether_type) == type_arp) answered = answer_arp(content, length, self);
  else if (word(frame + ether_type) == type_ip && memcmp(frame + to_mac, self.mac, mac_size) == 0)
    answered = answer_ip(content, length, self);
  if (answered) send_back(frame, self);
  return answered;
}

bool parse_ip(const char* text, uint8_t ip[4]) {
  for (uint64_t part = 0; part < ip_size; ++part) {
    uint32_t value = 0, digits = 0;
    for (; *text >= '0' && *text <= '9' && digits < 3; ++text, ++digits) value = value * 10 + static_cast<uint32_t>(*text - '0');
    if (digits == 0 || value > 255) return false;
    ip[part] = static_cast<uint8_t>(value);
    const bool last = part == ip_size - 1;
    if (last ? *text != '\0' && *text != ' ' : *text++ != '.') return false;
  }
  return true;
}

}  // namespace hobbes::lwk::pci
