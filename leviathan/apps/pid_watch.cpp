// SPDX-License-Identifier: Apache-2.0
#include "leviathan/apps/pid_watch.hpp"

namespace hobbes::leviathan::apps {

using boost::asio::posix::stream_descriptor;
using boost::system::error_code;

PidWatch::PidWatch(boost::asio::io_context& loop, UniqueFd pidfd, std::function<void()> ended)
    : descriptor_(std::make_shared<stream_descriptor>(loop, pidfd.release())),
      ended_(std::make_shared<std::function<void()>>(std::move(ended))) {
  descriptor_->async_wait(stream_descriptor::wait_read, [descriptor = descriptor_, call = ended_](error_code failed) {
    if (!failed && *call) std::exchange(*call, {})();
  });
}

PidWatch::~PidWatch() {
  *ended_ = {};
  error_code ignored;  // it goes either way
  descriptor_->close(ignored);
}

}  // namespace hobbes::leviathan::apps
