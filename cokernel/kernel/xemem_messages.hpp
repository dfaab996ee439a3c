// SPDX-License-Identifier: Apache-2.0
// Questions to leviathan about XEMEM, and its answers.
#pragma once

#include "cokernel/kernel/region.hpp"
#include "kernel-bridge/abi/xemem.h"

namespace hobbes::lwk {

struct Process;

struct XememAnswer : Immovable {
  ~XememAnswer();
  /// They are the caller's now.
  [[nodiscard]] Extent* take_extents();

  hobbes_xemem_answer head{};
  Extent* extents = nullptr;  ///< from the kernel heap
};

/// Somebody who hears of an answer before anybody else can act on it: on the control task.
struct AnswerListener {
  virtual ~AnswerListener() = default;
  virtual void hear(const hobbes_xemem_answer& answer) = 0;
};

class XememRequest : Immovable {
 public:
  XememRequest(uint32_t op, uint64_t app_id, int pid);
  XememRequest(uint32_t op, const Process& process);

  void set_extents(const Extent* extents, uint32_t count);
  /// Waits for the answer: 0 or -errno.
  [[nodiscard]] int ask(XememAnswer& answer, AnswerListener* listener = nullptr);
  template <typename Hear>
  [[nodiscard]] int ask(XememAnswer& answer, Hear hear) {
    struct Told final : AnswerListener {
      explicit Told(Hear& its_hear) : tell_it(its_hear) {}
      void hear(const hobbes_xemem_answer& answered) override { tell_it(answered); }
      Hear& tell_it;
    } listener(hear);
    return ask(answer, static_cast<AnswerListener*>(&listener));
  }
  /// Wants no answer. Any locks may be held.
  void tell();

  hobbes_xemem_request head{};
  char name[HOBBES_XEMEM_NAME_MAX + 2] = {};

 private:
  void send();

  const Extent* extents_ = nullptr;
};

/// An answer of leviathan's, for whoever waits for it. False: nobody does, or it is none.
[[nodiscard]] bool give_xemem_answer(const char* payload, uint64_t size);

}  // namespace hobbes::lwk
