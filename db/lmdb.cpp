// SPDX-License-Identifier: Apache-2.0
#include "db/lmdb.hpp"

#include <string>

namespace hobbes::db {
namespace {

Code code_of(int rc) {
  switch (rc) {
    case MDB_NOTFOUND: return Code::not_found;
    case MDB_KEYEXIST: return Code::exists;
    case MDB_MAP_FULL:
    case MDB_TXN_FULL:
    case MDB_READERS_FULL:
    case MDB_DBS_FULL: return Code::exhausted;
    case MDB_BAD_VALSIZE: return Code::invalid;
    case MDB_VERSION_MISMATCH: return Code::unsupported;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_INCOMPATIBLE: return Code::corrupt;
    default: return Code::io;
  }
}

}  // namespace

Error lmdb_error(int rc, std::string_view what, std::source_location where) {
  if (rc > 0) return errno_error(rc, what, where);  // LMDB's own codes are negative
  return {code_of(rc), std::string(what) + ": " + mdb_strerror(rc), 0, where};
}

}  // namespace hobbes::db
