// SPDX-License-Identifier: Apache-2.0
// The host's calls about extended attributes.
#pragma once

#include "cokernel/kernel/fs/attributes.hpp"
#include "cokernel/kernel/fs/host_io.hpp"

namespace hobbes::lwk::fs {

/// The forms of these calls: setxattr's number and what follows from it, and fsetxattr's.
enum class AttributeTarget : uint32_t { path = 188, descriptor = 190 };

/// Makes the call that the request means, on a descriptor or on a path's address; `room` is where the slot's data are
/// free.
[[nodiscard]] Sysret forward_attribute(HostCall& call, AttributeTarget form, int64_t target, uint8_t* room,
                                       const AttributeRequest& request);

}  // namespace hobbes::lwk::fs
