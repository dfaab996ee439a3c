// SPDX-License-Identifier: Apache-2.0
// PidWatch: tells the event loop of a process' end.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>

#include "base/unique_fd.hpp"

namespace hobbes::leviathan::apps {

/// The loop's thread. Dropping it ends the watch.
class PidWatch {
 public:
  /// `ended` is called once, on the loop's thread; it may drop the watch.
  PidWatch(boost::asio::io_context& loop, UniqueFd pidfd, std::function<void()> ended);
  PidWatch(const PidWatch&) = delete;
  PidWatch& operator=(const PidWatch&) = delete;
  ~PidWatch();

  [[nodiscard]] int pidfd() const { return descriptor_->native_handle(); }

 private:
  std::shared_ptr<boost::asio::posix::stream_descriptor> descriptor_;
  std::shared_ptr<std::function<void()>> ended_;  ///< empty: nobody wants to know any more
};

}  // namespace hobbes::leviathan::apps
