// SPDX-License-Identifier: Apache-2.0
// FakeClient: stands in for libhobbes when the shell is tested alone. It remembers each request as a line of text and
// answers with what the test put in.
#pragma once

#include <string>
#include <vector>

#include "leviathan/client/client.hpp"

namespace hobbes::shell {

struct FakeClient {
  std::vector<std::string> requests;  ///< "kill 3 15"
  std::optional<Error> failure;       ///< what every request answers, if set
  client::LaunchSpec launched;
  client::AppEnd end;
  client::SystemCallCounts calls;
  std::vector<int> signals_while_waiting;  ///< raised, one by one, while the shell waits
  client::Listing<client::EnclaveRow> enclaves;
  client::Listing<client::AppRow> apps;
  client::Listing<client::SegmentRow> segments;
  client::Listing<client::MemoryRow> memory;
  client::Listing<client::CpuRow> cpus;
  client::Listing<client::PciRow> pci_devices;
  std::vector<std::string> problems;
};

/// The one that every client::Client of the test program talks to.
FakeClient& fake_client();

/// What `hobbes words...` did.
struct Outcome {
  int status = 0;
  std::string out, err;
};
/// Runs the shell on a fresh FakeClient, prepared by `prepare`.
Outcome run_shell(const std::vector<std::string>& words, const std::function<void(FakeClient&)>& prepare = {});

}  // namespace hobbes::shell
