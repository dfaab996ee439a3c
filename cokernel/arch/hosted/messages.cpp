// SPDX-License-Identifier: Apache-2.0
#include "cokernel/arch/hosted/messages.hpp"

#include "cokernel/arch/hosted/linux.hpp"

namespace hobbes::lwk::hosted {

int64_t receive_message(int socket, void* bytes, uint64_t size, uint64_t flags, int& descriptor) {
  constexpr uint64_t close_on_exec = 0x40000000;
  struct {
    linux::ControlHeader header;
    int descriptor;
  } control{};
  constexpr uint64_t room = sizeof(linux::ControlHeader) + sizeof(int);  // for one, not for two
  const linux::IoVector vector{linux::address(bytes), size};
  linux::MessageHeader message = linux::message_of(vector, &control, room);
  int64_t got = 0;
  do {
    got = linux::call(linux::nr_recvmsg, static_cast<uint64_t>(socket), linux::address(&message), flags | close_on_exec);
  } while (got == -EINTR);
  const bool brought = got >= 0 && message.control_length >= room && control.header.level == linux::level_socket &&
                       control.header.type == linux::type_rights;
  descriptor = brought ? control.descriptor : -1;
  return got;
}

}  // namespace hobbes::lwk::hosted
