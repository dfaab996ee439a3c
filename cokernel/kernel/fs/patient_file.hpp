// SPDX-License-Identifier: Apache-2.0
// PatientFile: a descriptor of the host whose readers may be more than the channel has slots: one that waits holds none.
// It looks again and again instead, ever less often.
#pragma once

#include "cokernel/kernel/fs/host_file.hpp"

namespace hobbes::lwk::fs {

class PatientFile : public HostFile {
 public:
  PatientFile(hobbes_hio_channel& channel, int fd, uint32_t flags) : HostFile(channel, fd, true, flags) {}
  Sysret read(IoVector& to) override;
};

}  // namespace hobbes::lwk::fs
