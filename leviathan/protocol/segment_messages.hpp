// SPDX-License-Identifier: Apache-2.0
// The messages about shared segments (XEMEM), as messages.hpp has those about everything else.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.hpp"
#include "leviathan/protocol/codec.hpp"

namespace hobbes::protocol {

/// A part of a segment's memory: of the file with that number among those that travel along.
struct SegmentPiece {
  std::uint32_t file = 0;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("file", self.file);
    visit("offset", self.offset);
    visit("size", self.size);
  }
  friend bool operator==(const SegmentPiece&, const SegmentPiece&) = default;
};

/// Answer: SegmentRef. Descriptors: the files of `pieces`; if it is signalled, the file of its signal word and its
/// eventfd.
struct SegmentMake {
  static constexpr std::string_view name = "segment_make";
  std::string segment_name;        ///< empty: none
  SegmentId wanted;                ///< one of the well-known ones, or one that is reserved for the caller; 0: any
  std::uint64_t address = 0;       ///< in the exporter, for listings
  std::uint32_t mode = 0;          ///< permission bits, as a file's
  bool signalled = false;
  std::uint64_t fds_token = 0;     ///< 0: no descriptors come
  std::uint32_t files = 0;
  std::vector<SegmentPiece> pieces;
  std::vector<SegmentId> sources;  ///< segments the caller has open and whose pages these are
  bool replace = false;            ///< the caller's own segment of that name is removed in the same step
  bool tell_free = false;          ///< the event segment_free is to come

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("segment_name", self.segment_name);
    visit("wanted", self.wanted);
    visit("address", self.address);
    visit("mode", self.mode);
    visit("signalled", self.signalled);
    visit("fds_token", self.fds_token);
    visit("files", self.files);
    visit("pieces", self.pieces);
    visit("sources", self.sources);
    visit("replace", self.replace);
    visit("tell_free", self.tell_free);
  }
  friend bool operator==(const SegmentMake&, const SegmentMake&) = default;
};

/// Ids for segments that the caller makes later: each for one, until the caller's end. Answer: SegmentIds.
struct SegmentReserve {
  static constexpr std::string_view name = "segment_reserve";
  static constexpr std::uint32_t most = 64;
  std::uint32_t count = 0;  ///< 1 to `most`

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("count", self.count);
  }
  friend bool operator==(const SegmentReserve&, const SegmentReserve&) = default;
};

struct SegmentIds {
  static constexpr std::string_view name = "segment ids";
  std::vector<SegmentId> ids;  ///< ascending

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("ids", self.ids);
  }
  friend bool operator==(const SegmentIds&, const SegmentIds&) = default;
};

/// segment_remove, segment_close, segment_signal; the answer of segment_make; the event segment_free.
struct SegmentRef {
  static constexpr std::string_view name = "segment id";
  SegmentId segment;

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("segment", self.segment);
  }
  friend bool operator==(const SegmentRef&, const SegmentRef&) = default;
};

/// Answer: SegmentOpened. Until segment_close, or the caller's end, nothing of the segment is used for anything else.
struct SegmentOpen {
  static constexpr std::string_view name = "segment_open";
  SegmentId segment;
  bool writable = false;

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("segment", self.segment);
    visit("writable", self.writable);
  }
  friend bool operator==(const SegmentOpen&, const SegmentOpen&) = default;
};

/// Descriptors come over the socket under `fds_token`: the files of `pieces`, then those of signalling.
struct SegmentOpened {
  static constexpr std::string_view name = "opened segment";
  std::uint64_t fds_token = 0;  ///< 0: none come
  std::uint32_t files = 0;
  std::vector<SegmentPiece> pieces;
  bool has_word = false;        ///< the file of its signal word comes next; the word is at word_offset
  bool has_bell = false;        ///< and then its eventfd
  std::uint64_t word_offset = 0;

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("fds_token", self.fds_token);
    visit("files", self.files);
    visit("pieces", self.pieces);
    visit("has_word", self.has_word);
    visit("has_bell", self.has_bell);
    visit("word_offset", self.word_offset);
  }
  friend bool operator==(const SegmentOpened&, const SegmentOpened&) = default;
};

/// Records what the caller has mapped of a segment that it has open.
struct SegmentAttach {
  static constexpr std::string_view name = "segment_attach";
  SegmentId segment;
  std::uint64_t key = 0;  ///< the caller's own, for segment_detach
  std::uint64_t address = 0;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  bool writable = false;

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("segment", self.segment);
    visit("key", self.key);
    visit("address", self.address);
    visit("offset", self.offset);
    visit("size", self.size);
    visit("writable", self.writable);
  }
  friend bool operator==(const SegmentAttach&, const SegmentAttach&) = default;
};

struct SegmentDetach {
  static constexpr std::string_view name = "segment_detach";
  std::uint64_t key = 0;

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("key", self.key);
  }
  friend bool operator==(const SegmentDetach&, const SegmentDetach&) = default;
};

}  // namespace hobbes::protocol
