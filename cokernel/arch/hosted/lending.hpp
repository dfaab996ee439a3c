// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace hobbes::lwk::hosted {

/// The end of the line for lent files on which they are sent: for proxies, by way of a new leviathan.
[[nodiscard]] int lender();

}  // namespace hobbes::lwk::hosted
