// SPDX-License-Identifier: Apache-2.0
// List: intrusive doubly linked list. A ListNode is in at most one list; lists do not own.
#pragma once

#include "cokernel/kernel/types.hpp"

namespace hobbes::lwk {

struct ListNode {
  ListNode* next = nullptr;
  ListNode* previous = nullptr;

  [[nodiscard]] bool linked() const { return next != nullptr; }
  void unlink() {
    if (!linked()) return;
    next->previous = previous;
    previous->next = next;
    next = previous = nullptr;
  }
};

/// `T` derives from `Node` (a ListNode, or a type of its own derived from it when T is in several lists).
template <typename T, typename Node = ListNode>
class List : Immovable {
 public:
  List() { head_.next = head_.previous = &head_; }

  [[nodiscard]] bool empty() const { return head_.next == &head_; }
  [[nodiscard]] T* front() const { return empty() ? nullptr : object(head_.next); }
  void push_back(T& item) { insert(head_.previous, static_cast<Node&>(item)); }
  void push_front(T& item) { insert(&head_, static_cast<Node&>(item)); }
  void insert_before(T& position, T& item) { insert(static_cast<Node&>(position).previous, static_cast<Node&>(item)); }
  T* pop_front() {
    T* first = front();
    if (first != nullptr) static_cast<Node*>(first)->unlink();
    return first;
  }
  [[nodiscard]] T* next(const T& item) const {
    ListNode* after = static_cast<const Node&>(item).next;
    return after == &head_ ? nullptr : object(after);
  }
  [[nodiscard]] T* previous(const T& item) const {
    ListNode* before = static_cast<const Node&>(item).previous;
    return before == &head_ ? nullptr : object(before);
  }

  class Iterator {
   public:
    Iterator(ListNode* at) : at_(at), after_(at->next) {}
    T& operator*() const { return *object(at_); }
    Iterator& operator++() {
      at_ = after_;
      after_ = at_->next;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return at_ != other.at_; }

   private:
    ListNode* at_;
    ListNode* after_;  // the item may be unlinked while it is visited
  };
  [[nodiscard]] Iterator begin() { return Iterator(head_.next); }
  [[nodiscard]] Iterator end() { return Iterator(&head_); }

 private:
  static T* object(ListNode* node) { return static_cast<T*>(static_cast<Node*>(node)); }
  static void insert(ListNode* after, ListNode& item) {
    item.previous = after;
    item.next = after->next;
    after->next->previous = &item;
    after->next = &item;
  }

  ListNode head_;
};

}  // namespace hobbes::lwk
