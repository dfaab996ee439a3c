// SPDX-License-Identifier: Apache-2.0
// Debian's sqlite3 shell fills a table with an index and asks it, in the enclave and on Linux, on the same CPU.
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>

#include "tests/bench/node/report.hpp"
#include "tests/bench/node/run_once.hpp"
#include "tests/bench/node/sections.hpp"

namespace hobbes::bench {
namespace {

constexpr Bytes memory = mib(512);
constexpr int row_count = 200'000;
constexpr int rows_of_a_transaction = 4'000;
constexpr int question_count = 20'000;
constexpr int stride = 7919;  // a prime: rows are asked for in no order

/// INSERTs in transactions, then SELECTs of single rows by key and by index, then two that read all of them. Single
/// rows are read and not printed: the shell writes each line by itself, and it is the database that is measured.
std::string script() {
  std::ostringstream sql;
  sql << "CREATE TABLE t(a INTEGER PRIMARY KEY, b INTEGER, c TEXT);\nCREATE INDEX i ON t(b);\n";
  for (int row = 0; row < row_count; ++row) {
    if (row % rows_of_a_transaction == 0) sql << "BEGIN;\n";
    const int b = static_cast<int>(std::int64_t{row} * stride % row_count);
    sql << "INSERT INTO t VALUES(" << row << ',' << b << ",'row " << row << " of the table that is measured');\n";
    if ((row + 1) % rows_of_a_transaction == 0) sql << "COMMIT;\n";
  }
  for (int question = 0; question < question_count; ++question) {
    const int key = static_cast<int>(std::int64_t{question} * stride % row_count);
    sql << "SELECT c FROM t WHERE " << (question % 2 == 0 ? 'a' : 'b') << '=' << key << " AND length(c)=0;\n";
  }
  sql << "SELECT count(*), sum(a), max(c) FROM t;\nSELECT count(*) FROM t WHERE c LIKE '%99%';\n";
  return std::move(sql).str();
}

Result<std::string> write_script(const Node& node) {
  std::string path = node.directory() / "script.sql";
  const UniqueFd file(::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (!file) return last_errno(path);
  const std::string text = script();
  TRY(write_exactly(file.get(), std::as_bytes(std::span(text))));
  return path;
}

struct Workload {
  const char* title;
  std::string database;
};

Contestant run_in(Node& node, Place place, const std::string& shell, const std::string& script,
                  const Workload& workload) {
  return {place == Place::enclave ? "enclave" : "Linux", [&, place](Series& series) -> Status {
            std::error_code none_yet;
            std::filesystem::remove(workload.database, none_yet);
            const Ran ran = TRY(run_once(node, place, {shell, workload.database, ".read " + script}));
            if (!ran.output.starts_with(std::to_string(row_count) + "|"))
              return Error(Code::corrupt, "sqlite3: did not count " + std::to_string(row_count) + " rows");
            series.add(ran.time);
            return {};
          }};
}

}  // namespace

Status measure_sqlite(Node& node, Report& report, std::size_t rounds) {
  const MeasuredEnclave enclave = TRY(MeasuredEnclave::create(node, memory));
  const std::string shell = TRY(find_program("sqlite3"));
  const std::string script = TRY(write_script(node));
  const Workload workloads[] = {
      {"sqlite3: 200000 INSERTs and 20000 SELECTs, a database file of Linux", node.directory() / "database"},
      {"sqlite3: 200000 INSERTs and 20000 SELECTs, in memory", ":memory:"}};
  for (const Workload& workload : workloads) {
    const auto times = TRY(alternate({run_in(node, Place::enclave, shell, script, workload),
                                      run_in(node, Place::on_linux, shell, script, workload)},
                                     rounds));
    report.heading(workload.title);
    report.times(times);
    report.ratios({{"speed in the enclave / on Linux", times[1], times[0], {Target::Side::at_least, 0.9}}});
  }
  return {};
}

}  // namespace hobbes::bench
