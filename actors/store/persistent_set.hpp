#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace skerry::store {

/// An ordered set whose copies share structure: a copy is one counted pointer; a change copies only the path from the
/// root to what it touches, and nothing that no other copy can see. A weight-balanced tree (Adams; the parameters of
/// Hirai and Yamamoto 2011). Copies may be read, and dropped, on any thread; one copy is changed by one thread.
///
/// `Order` has static three-way comparisons `compare(const T&, const Key&)` (< 0, 0, > 0) for T itself and for each
/// type of key that is looked up.
template <class T, class Order>
class persistent_set {
public:
  persistent_set() = default;
  persistent_set(const persistent_set& x) : root_(share(x.root_)) {}
  persistent_set(persistent_set&& x) noexcept : root_(std::exchange(x.root_, nullptr)) {}
  persistent_set& operator=(persistent_set x) noexcept {
    std::swap(root_, x.root_);
    return *this;
  }
  ~persistent_set() { release(root_); }

  size_t size() const { return count(root_); }
  bool empty() const { return root_ == nullptr; }

  /// The element equal to a key, or nullptr; valid until this copy changes.
  template <class Key>
  const T* find(const Key& key) const {
    const auto* p = root_;
    while (p != nullptr) {
      auto order = Order::compare(p->value, key);
      if (order == 0) return &p->value;
      p = order > 0 ? p->left : p->right;
    }
    return nullptr;
  }

  /// Adds an element, or replaces the one equal to it. True if it was added.
  bool insert(T value) { return insert(root_, std::move(value)); }

  /// Removes the element equal to a key. False if there is none.
  template <class Key>
  bool erase(const Key& key) {
    if (find(key) == nullptr) return false;  // or the path would be copied in vain
    erase(root_, key);
    return true;
  }

  /// Visits all elements greater than `key` (or not less, if `inclusive`) in order until `visit` returns false.
  template <class Key, class F>
  void visit_from(const Key& key, bool inclusive, F&& visit) const {
    visit_from(root_, key, inclusive, visit);
  }
  template <class F>
  void visit_all(F&& visit) const {
    visit_all(root_, visit);
  }

  /// True if the tree is ordered, balanced and counts right: for tests.
  bool sound() const { return sound(root_); }

private:
  struct node {
    std::atomic<uint32_t> refs{1};
    uint32_t size = 1;
    node* left = nullptr;
    node* right = nullptr;
    T value;
    explicit node(T v) : value(std::move(v)) {}
  };

  static uint32_t count(const node* p) { return p != nullptr ? p->size : 0; }

  static node* share(node* p) {
    if (p != nullptr) p->refs.fetch_add(1, std::memory_order_relaxed);
    return p;
  }

  static void release(node* p) {
    while (p != nullptr && p->refs.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      release(p->left);
      auto* next = p->right;
      delete p;
      p = next;
    }
  }

  /// Makes `p` one that only we can see. All nodes above it are ours already, so that a count of one means just that.
  static node* own(node* p) {
    if (p->refs.load(std::memory_order_acquire) == 1) return p;
    auto* mine = new node(p->value);
    mine->size = p->size;
    mine->left = share(p->left);
    mine->right = share(p->right);
    release(p);
    return mine;
  }

  static void recount(node* p) { p->size = 1 + count(p->left) + count(p->right); }

  static node* rotate_left(node* p) {
    auto* up = p->right = own(p->right);
    p->right = up->left;
    up->left = p;
    recount(p);
    recount(up);
    return up;
  }

  static node* rotate_right(node* p) {
    auto* up = p->left = own(p->left);
    p->left = up->right;
    up->right = p;
    recount(p);
    recount(up);
    return up;
  }

  static constexpr uint32_t delta = 3, ratio = 2;

  /// Counts and balances a node of ours after one change below it.
  static node* balance(node* p) {
    recount(p);
    auto left = count(p->left), right = count(p->right);
    if (left + right <= 1) return p;
    if (right > delta * left) {
      p->right = own(p->right);
      if (count(p->right->left) >= ratio * count(p->right->right)) p->right = rotate_right(p->right);
      return rotate_left(p);
    }
    if (left > delta * right) {
      p->left = own(p->left);
      if (count(p->left->right) >= ratio * count(p->left->left)) p->left = rotate_left(p->left);
      return rotate_right(p);
    }
    return p;
  }

  static bool insert(node*& p, T&& value) {
    if (p == nullptr) {
      p = new node(std::move(value));
      return true;
    }
    p = own(p);
    auto order = Order::compare(p->value, value);
    if (order == 0) {
      p->value = std::move(value);
      return false;
    }
    bool added = insert(order > 0 ? p->left : p->right, std::move(value));
    if (added) p = balance(p);
    return added;
  }

  /// Frees a node of ours that has given its children away.
  static void drop(node* p) {
    p->left = p->right = nullptr;
    release(p);
  }

  static T pop_first(node*& p) {
    p = own(p);
    if (p->left == nullptr) {
      auto* gone = p;
      p = p->right;
      T value = std::move(gone->value);
      drop(gone);
      return value;
    }
    T value = pop_first(p->left);
    p = balance(p);
    return value;
  }

  template <class Key>
  static void erase(node*& p, const Key& key) {
    p = own(p);
    auto order = Order::compare(p->value, key);
    if (order != 0) {
      erase(order > 0 ? p->left : p->right, key);
      p = balance(p);
    } else if (p->left == nullptr || p->right == nullptr) {
      auto* gone = p;
      p = p->left != nullptr ? p->left : p->right;
      drop(gone);
    } else {
      p->value = pop_first(p->right);
      p = balance(p);
    }
  }

  template <class F>
  static bool visit_all(const node* p, F& visit) {
    for (; p != nullptr; p = p->right)
      if (!visit_all(p->left, visit) || !visit(p->value)) return false;
    return true;
  }

  template <class Key, class F>
  static bool visit_from(const node* p, const Key& key, bool inclusive, F& visit) {
    while (p != nullptr) {
      auto order = Order::compare(p->value, key);
      if (order > 0 || (inclusive && order == 0))
        return visit_from(p->left, key, inclusive, visit) && visit(p->value) && visit_all(p->right, visit);
      p = p->right;
    }
    return true;
  }

  static bool sound(const node* p) {
    if (p == nullptr) return true;
    auto left = count(p->left), right = count(p->right);
    if (p->size != 1 + left + right) return false;
    if (left + right > 1 && (left > delta * right || right > delta * left)) return false;
    if (p->left != nullptr && Order::compare(p->left->value, p->value) >= 0) return false;
    if (p->right != nullptr && Order::compare(p->right->value, p->value) <= 0) return false;
    return sound(p->left) && sound(p->right);
  }

  node* root_ = nullptr;
};

}  // namespace skerry::store
