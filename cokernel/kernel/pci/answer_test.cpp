// SPDX-License-Identifier: Apache-2.0
// A card answers what is asked of its address, and nothing else. The questions are frames as Linux sends them.
#include "cokernel/kernel/pci/answer.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace hobbes::lwk::pci;

namespace {

using Frame = std::vector<uint8_t>;

const NetAddress self = {{0x52, 0x54, 0, 0x12, 0x34, 0x57}, {10, 9, 0, 2}};

Frame from_hex(const std::string& hex) {
  Frame bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    bytes.push_back(static_cast<uint8_t>(std::stoul(hex.substr(i, 2), nullptr, 16)));
  return bytes;
}

std::string hex(const Frame& frame) {
  std::string text;
  for (const uint8_t byte : frame) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 0xf];
  }
  return text;
}

const std::string our_mac = "525400123457", peer_mac = "525400123456", our_ip = "0a090002", peer_ip = "0a090001";

Frame who_has(const std::string& ip) {
  return from_hex("ffffffffffff" + peer_mac + "0806" + "0001080006040001" + peer_mac + peer_ip + "000000000000" + ip);
}

/// With right checksums.
Frame ping(const std::string& data = "deadbeef") {
  return from_hex(our_mac + peer_mac + "0800" + "4500002000004000400126c9" + peer_ip + our_ip + "08005a5f00010002" + data);
}

bool asks(Frame frame) { return answer(frame.data(), frame.size(), self); }

}  // namespace

TEST_CASE("who has its address is told its MAC", "[pci]") {
  Frame frame = who_has(our_ip);
  REQUIRE(answer(frame.data(), frame.size(), self));
  CHECK(hex(frame) == peer_mac + our_mac + "0806" + "0001080006040002" + our_mac + our_ip + peer_mac + peer_ip);
  CHECK_FALSE(asks(who_has("0a090003")));
  CHECK_FALSE(asks(frame));  // an answer is no question
}

TEST_CASE("an echo request comes back with its data", "[pci]") {
  Frame frame = ping();
  REQUIRE(answer(frame.data(), frame.size(), self));
  CHECK(hex(frame) ==
        peer_mac + our_mac + "0800" + "4500002000004000400126c9" + our_ip + peer_ip + "0000625f00010002" + "deadbeef");
}

TEST_CASE("padding behind the packet stays what it was", "[pci]") {
  Frame frame = ping();
  frame.resize(60, 0x77);
  REQUIRE(answer(frame.data(), frame.size(), self));
  CHECK(frame.back() == 0x77);
  CHECK(frame[34] == 0);
}

TEST_CASE("what is broken, or for somebody else, is not answered", "[pci]") {
  const auto changed = [](std::size_t at, uint8_t to) {
    Frame frame = ping();
    frame[at] = to;
    return frame;
  };
  CHECK_FALSE(asks(changed(5, 0x99)));    // another MAC
  CHECK_FALSE(asks(changed(14, 0x65)));   // IPv6
  CHECK_FALSE(asks(changed(14, 0x4f)));   // a header longer than the packet
  CHECK_FALSE(asks(changed(17, 0x30)));   // a packet longer than the frame
  CHECK_FALSE(asks(changed(17, 0x10)));   // shorter than its header
  CHECK_FALSE(asks(changed(25, 0)));      // the header's checksum
  CHECK_FALSE(asks(changed(33, 3)));      // another address
  CHECK_FALSE(asks(changed(34, 13)));     // another question
  CHECK_FALSE(asks(changed(45, 0)));      // the data's checksum
}

TEST_CASE("a frame that is cut off anywhere is not answered", "[pci]") {
  for (const Frame& whole : {ping(), who_has(our_ip)})
    for (std::size_t size = 0; size < whole.size(); ++size) {
      Frame frame(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      INFO(size);
      CHECK_FALSE(answer(frame.data(), frame.size(), self));
    }
}

TEST_CASE("an address has four numbers", "[pci]") {
  uint8_t ip[4] = {};
  CHECK(parse_ip("10.9.0.255", ip));
  CHECK(std::vector<int>(ip, ip + 4) == std::vector<int>{10, 9, 0, 255});
  CHECK(parse_ip("1.2.3.4 quiet", ip));
  for (const char* wrong : {"", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1..3.4", "1.2.3.4x", "a.2.3.4", "1.2.3.1000"})
    CHECK_FALSE(parse_ip(wrong, ip));
}
