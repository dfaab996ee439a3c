// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/xemem_messages.hpp"

#include "cokernel/kernel/app.hpp"
#include "cokernel/kernel/control.hpp"
#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/process.hpp"
#include "cokernel/kernel/string.hpp"
#include "cokernel/kernel/wait_queue.hpp"
#include "kernel-bridge/abi/ring.hpp"

namespace hobbes::lwk {
namespace {

static_assert(sizeof(Extent) == sizeof(hobbes_xemem_extent));

/// Somebody who waits for an answer.
struct Question : ListNode, Immovable {
  uint64_t id = 0;
  XememAnswer* answer = nullptr;
  AnswerListener* listener = nullptr;
  uint32_t answered = 0;  // atomic
  WaitQueue done;
};

Mutex lock;
List<Question> questions;  ///< under lock
uint64_t last_id = 0;      ///< under lock

Question* find_question(uint64_t id) {
  for (Question& question : questions)
    if (question.id == id) return &question;
  return nullptr;
}

}  // namespace

XememAnswer::~XememAnswer() { release(extents); }

Extent* XememAnswer::take_extents() {
  Extent* taken = extents;
  extents = nullptr;
  return taken;
}

XememRequest::XememRequest(uint32_t op, uint64_t app_id, int pid) {
  head.version = HOBBES_XEMEM_VERSION;
  head.op = op;
  head.app_id = app_id;
  head.pid = pid;
}

XememRequest::XememRequest(uint32_t op, const Process& process)
    : XememRequest(op, process.app != nullptr ? process.app->id : 0, process.pid) {}

void XememRequest::set_extents(const Extent* extents, uint32_t count) {
  extents_ = extents;
  head.extent_count = count;
}

void XememRequest::send() {
  const abi::ConstPiece pieces[] = {{&head, sizeof(head)},
                                    {name, align_up(head.name_size, 8)},
                                    {extents_, head.extent_count * sizeof(Extent)}};
  report_event(HOBBES_EVENT_XEMEM, pieces, sizeof(pieces) / sizeof(pieces[0]));
}

void XememRequest::tell() { send(); }

int XememRequest::ask(XememAnswer& answer, AnswerListener* listener) {
  Question question;
  question.answer = &answer;
  question.listener = listener;
  {
    Guard guard(lock);
    question.id = head.request_id = ++last_id;
    questions.push_back(question);
  }
  send();
  {
    const Waiter waiter(question.done);
    // acquire: the answer is there; partner: give_xemem_answer
    sleep_until_done([&] { return __atomic_load_n(&question.answered, __ATOMIC_ACQUIRE) != 0; });
  }
  Guard guard(lock);  // whoever answers has let go of the question
  question.unlink();
  return answer.head.result;
}

bool give_xemem_answer(const char* payload, uint64_t size) {
  hobbes_xemem_answer head;
  if (size < sizeof(head)) return false;
  memcpy(&head, payload, sizeof(head));
  if (head.version != HOBBES_XEMEM_VERSION || head.extent_count > (size - sizeof(head)) / sizeof(Extent)) return false;
  const DeferredWakes wakes;
  Guard guard(lock);
  Question* question = find_question(head.request_id);
  if (question == nullptr || question->answered != 0) return false;
  XememAnswer& answer = *question->answer;
  answer.head = head;
  if (head.extent_count > 0) {
    answer.extents = static_cast<Extent*>(allocate(head.extent_count * sizeof(Extent)));
    if (answer.extents == nullptr) answer.head.result = -ENOMEM;
    else memcpy(answer.extents, payload + sizeof(head), head.extent_count * sizeof(Extent));
  }
  const bool taken = answer.head.result == head.result;
  if (question->listener != nullptr && head.result == 0) question->listener->hear(head);
  __atomic_store_n(&question->answered, 1, __ATOMIC_RELEASE);  // partner: ask
  question->done.wake_all();
  return taken;  // what could not be kept is undone by leviathan
}

}  // namespace hobbes::lwk
