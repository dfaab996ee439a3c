// SPDX-License-Identifier: Apache-2.0
// OASIS, Virtual I/O Device 1.1: 5.1. Every frame has a header of twelve bytes in front, zero: nothing is offloaded.
#include "cokernel/kernel/pci/virtio_net.hpp"

#include "cokernel/kernel/pci/answer.hpp"
#include "cokernel/kernel/pci/virtio.hpp"
#include "cokernel/kernel/port.hpp"
#include "cokernel/kernel/print.hpp"
#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk::pci {
namespace {

constexpr uint64_t feature_mac = 1 << 5, feature_status = 1 << 16;
enum Config : uint32_t { config_mac = 0, config_status = 6, config_size = 8 };
constexpr uint16_t status_link_up = 1;
constexpr uint16_t receive_queue = 0, transmit_queue = 1;
constexpr uint32_t header_size = 12;

/// What the command line says behind "net.<name>=".
bool find_ip(const char* name, uint8_t ip[4]) {
  char key[HOBBES_PCI_NAME_SIZE + sizeof("net.=")];
  const size_t length = format(key, sizeof(key), "net.%s=", name);
  for (const char* word = boot_params().cmd_line; word != nullptr; word = strchr(word, ' ')) {
    if (*word == ' ') ++word;
    if (strncmp(word, key, length) == 0) return parse_ip(word + length, ip);
  }
  return false;
}

class Card : Immovable {
 public:
  explicit Card(PciDevice& pci) : pci_(pci), device_(pci) {}

  int start() {
    int error = device_.open(feature_mac | feature_status);
    if (error == 0 && !device_.config().has(0, config_size)) error = -ENODEV;
    if (error == 0) error = receive_.create(true);
    if (error == 0) error = transmit_.create(false);
    if (error == 0) error = device_.connect(receive_queue, receive_);
    if (error == 0) error = device_.connect(transmit_queue, transmit_);
    if (error != 0) return error;
    for (uint32_t i = 0; i < sizeof(self_.mac); ++i) self_.mac[i] = device_.config().read<uint8_t>(config_mac + i);
    answers_ = find_ip(pci_.name, self_.ip);
    transmit_.ask_for_no_interrupts();
    for (uint16_t i = 0; i < VirtQueue::length; ++i) free_[free_count_++] = i;
    for (uint16_t i = 0; i < VirtQueue::length; ++i) receive_.post(i, VirtQueue::buffer_size);
    device_.start();
    device_.notify(receive_queue);
    print("%s: virtio-net, interrupts %s\n", pci_.name, pci_.forwarded ? "forwarded by the host" : "by MSI-X");
    if (answers_)
      print("%s: answers for %u.%u.%u.%u\n", pci_.name, uint64_t{self_.ip[0]}, uint64_t{self_.ip[1]},
            uint64_t{self_.ip[2]}, uint64_t{self_.ip[3]});
    look_at_link();
    return 0;
  }

  void serve() {
    if (pci_.forwarded) (void)device_.take_reason();
    look_at_link();
    uint16_t index = 0;
    uint32_t size = 0;
    bool posted = false;
    for (; receive_.take(index, size); posted = true) {
      answer_frame(receive_.buffer(index), size);
      receive_.post(index, VirtQueue::buffer_size);
    }
    if (posted) device_.notify(receive_queue);
    pci_.acknowledge();
  }

 private:
  void look_at_link() {
    const bool up = (device_.config().read<uint16_t>(config_status) & status_link_up) != 0;
    if (up != link_up_) print("%s: link %s\n", pci_.name, up ? "up" : "down");
    link_up_ = up;
  }

  /// Where all buffers are on their way the answer is dropped, as networks do.
  void answer_frame(const uint8_t* buffer, uint32_t size) {
    uint16_t index = 0;
    uint32_t ignored = 0;
    while (transmit_.take(index, ignored))
      if (free_count_ < VirtQueue::length) free_[free_count_++] = index;
    if (!answers_ || size <= header_size || free_count_ == 0) return;
    index = free_[free_count_ - 1];
    uint8_t* const out = transmit_.buffer(index);
    memset(out, 0, header_size);
    memcpy(out + header_size, buffer + header_size, size - header_size);
    if (!answer(out + header_size, size - header_size, self_)) return;
    --free_count_;
    transmit_.post(index, size);
    device_.notify(transmit_queue);
  }

  PciDevice& pci_;
  VirtQueue receive_, transmit_;
  VirtioDevice device_;  // behind the queues: it is at rest before their memory goes
  NetAddress self_{};
  bool answers_ = false, link_up_ = false;
  uint16_t free_[VirtQueue::length];
  uint32_t free_count_ = 0;
};

}  // namespace

int run_virtio_net(PciDevice& device) {
  Card card(device);
  if (const int error = card.start(); error != 0) return error;
  device.serves();
  uint32_t served = 0;
  while (true) {
    // acquire: partner is the interrupt handler's, and remove_device()'s, advance.
    const uint32_t seen = __atomic_load_n(device.interrupts, __ATOMIC_ACQUIRE);
    if (device.is_leaving()) return 0;
    if (seen != served) card.serve();
    served = seen;
    port::wait(device.interrupts, seen, never);
  }
}

}  // namespace hobbes::lwk::pci
