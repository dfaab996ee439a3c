// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/db/dataset.hpp"

#include <cstdlib>
#include <utility>

#include "db/codec.hpp"

namespace hobbes::bench {

Dataset make_dataset(std::filesystem::path directory, std::size_t enclaves) {
  Dataset data;
  data.directory = std::move(directory);
  for (std::size_t i = 1; i <= enclaves; ++i) {
    db::Enclave enclave;
    enclave.id = EnclaveId(i);
    enclave.name = "enclave-" + std::to_string(i);
    enclave.type = db::EnclaveType::pisces;
    enclave.state = db::EnclaveState::running;
    enclave.bridge = "hosted";
    enclave.bridge_state = "pid=" + std::to_string(4000 + i) + " start=123456 socket=enclave";
    enclave.owner_uid = 1000;
    enclave.owner_gid = 1000;
    enclave.created = enclave.changed = db::Timestamp(1'700'000'000'000'000'000);
    enclave.descriptor =
        "<pisces bridge=\"hosted\"><memory><size>128</size></memory><cpus><cores>1</cores></cpus></pisces>";
    data.values.push_back(db::encode(enclave));
    data.enclaves.push_back(std::move(enclave));
  }
  return data;
}

Result<ScratchDirectory> ScratchDirectory::create() {
  std::string path = "/dev/shm/bench_db.XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) return last_errno("make a directory in /dev/shm");
  return ScratchDirectory(path);
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;  // nothing can be done about files that stay in /dev/shm
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace hobbes::bench
