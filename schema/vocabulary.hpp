#pragma once
#include <capnp/dynamic.h>

#include <caf/mailbox_element.hpp>
#include <caf/make_message.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <typeinfo>
#include <unordered_map>
#include <vector>

#include "schema/letter.hpp"

namespace skerry {

/// How messages of a type cross a link (schema/delivery.capnp).
struct delivery {
  enum class kind : uint8_t { fleeting, latest, durable };
  enum class queue : uint8_t { state, fact, bulk };
  static constexpr uint32_t default_ttl_ms = 10'000;

  kind how = kind::fleeting;
  queue priority = queue::state;
  uint32_t ttl_ms = default_ttl_ms;  ///< of fleeting ones, and of requests of any kind while a link is cut
  std::string key_field;             ///< of latest ones; empty: one for each destination
};

/// Told when a mailbox lets go of a message that came over a link: so that what waits in mailboxes is bounded.
class mailbox_account {
public:
  virtual ~mailbox_account() = default;
  virtual void released(size_t bytes) noexcept = 0;
};
using mailbox_account_ptr = std::shared_ptr<mailbox_account>;

/// A type of message that may cross links: `letter<T>` of a Cap'n Proto struct T.
class message_type {
public:
  virtual ~message_type() = default;

  uint64_t id() const { return id_; }                ///< Cap'n Proto's id of the struct
  const std::string& name() const { return name_; }  ///< of the struct, such as "Probe"
  const capnp::StructSchema& schema() const { return schema_; }
  const skerry::delivery& delivery() const { return delivery_; }
  const std::type_info& letter_type() const { return letter_type_; }

  /// A message that holds one `letter<T>` with these bytes, which may be hostile: they are checked whole, against the
  /// types of the schema, so that no reader of them throws. Errors: errc::corrupt, errc::too_large.
  virtual caf::expected<caf::message> make(std::span<const std::byte> bytes) const = 0;
  /// The same as an element for a mailbox; `account` (may be null) hears when the mailbox lets it go.
  virtual caf::expected<caf::mailbox_element_ptr> make_element(std::span<const std::byte> bytes,
                                                               caf::strong_actor_ptr sender, caf::message_id mid,
                                                               mailbox_account_ptr account) const = 0;
  /// The bytes of the letter in a message of this type, valid while the message lives.
  virtual std::span<const std::byte> bytes_of(const caf::type_erased_tuple& content) const = 0;
  /// Shares the letter of a message of this type: a message that holds it and nothing else.
  virtual caf::message share(const caf::type_erased_tuple& content) const = 0;
  /// The root of the letter in a message of this type, for Cap'n Proto's reflection.
  virtual capnp::DynamicStruct::Reader read(const caf::type_erased_tuple& content) const = 0;
  /// The value of the key field as bytes; empty if there is no key field.
  std::string key_of(const caf::type_erased_tuple& content) const;

protected:
  message_type(capnp::StructSchema schema, const std::type_info& letter_type);

private:
  uint64_t id_;
  std::string name_;
  capnp::StructSchema schema_;
  const std::type_info& letter_type_;
  skerry::delivery delivery_;
  std::optional<capnp::StructSchema::Field> key_;
};

/// Reads the annotations of a message struct.
delivery delivery_of(const capnp::StructSchema& schema);

/// errc::corrupt if these bytes are no message of this struct that every reader can read to its end without following
/// more than 8 times its size; errc::too_large over limits::letter_bytes_max.
caf::error check_bytes(std::span<const std::byte> bytes, capnp::StructSchema schema);

namespace detail {

/// A letter in a mailbox that tells its account when it is let go.
template <class T>
class letter_element final : public caf::mailbox_element,
                             public caf::detail::tuple_vals_impl<caf::type_erased_tuple, letter<T>> {
  using values = caf::detail::tuple_vals_impl<caf::type_erased_tuple, letter<T>>;

public:
  letter_element(caf::strong_actor_ptr&& sender, caf::message_id mid, letter<T> what, mailbox_account_ptr account)
      : caf::mailbox_element(std::move(sender), mid, {}), values(std::move(what)), account_(std::move(account)) {
    bytes_ = std::get<0>(this->data()).bytes().size();
  }
  ~letter_element() override {
    if (account_) account_->released(bytes_);
  }
  caf::type_erased_tuple& content() override { return *this; }
  const caf::type_erased_tuple& content() const override { return *this; }
  caf::message move_content_to_message() override { return caf::make_message(std::get<0>(this->data())); }
  caf::message copy_content_to_message() const override { return caf::make_message(std::get<0>(this->data())); }

private:
  mailbox_account_ptr account_;
  size_t bytes_ = 0;
};

template <class T>
class typed_message final : public message_type {
public:
  typed_message() : message_type(capnp::Schema::from<T>(), typeid(letter<T>)) {}

  caf::expected<caf::message> make(std::span<const std::byte> bytes) const override {
    auto l = take(bytes);
    if (!l) return std::move(l.error());
    return caf::make_message(std::move(*l));
  }
  caf::expected<caf::mailbox_element_ptr> make_element(std::span<const std::byte> bytes, caf::strong_actor_ptr sender,
                                                       caf::message_id mid,
                                                       mailbox_account_ptr account) const override {
    auto l = take(bytes);
    if (!l) return std::move(l.error());
    return caf::mailbox_element_ptr{new letter_element<T>(std::move(sender), mid, std::move(*l), std::move(account))};
  }
  std::span<const std::byte> bytes_of(const caf::type_erased_tuple& content) const override {
    return content.template get_as<letter<T>>(0).bytes();
  }
  caf::message share(const caf::type_erased_tuple& content) const override {
    return caf::make_message(content.template get_as<letter<T>>(0));
  }
  capnp::DynamicStruct::Reader read(const caf::type_erased_tuple& content) const override {
    return *content.template get_as<letter<T>>(0);
  }

private:
  /// Checks the bytes with bounded effort, then keeps them for readers that need no bound any more.
  static caf::expected<letter<T>> take(std::span<const std::byte> bytes) {
    if (auto e = check_bytes(bytes, capnp::Schema::from<T>())) return e;
    return letter<T>::from_bytes(bytes);
  }
};

}  // namespace detail

/// All messages of an island that may cross its links: built by main before the island starts, read by all threads
/// after that. A type that is not in it can neither be sent over a link nor be received.
class vocabulary {
public:
  /// Adds `letter<T>`; adding it twice does nothing.
  template <class T>
  void add() {
    insert(std::make_unique<detail::typed_message<T>>());
  }
  /// The type with this Cap'n Proto id, or null.
  const message_type* find(uint64_t id) const;
  /// The type with this name, such as "Probe", or null.
  const message_type* find(std::string_view name) const;
  /// The type of a message: one letter of a type of this vocabulary; null for all else.
  const message_type* of(const caf::type_erased_tuple& content) const;
  /// All of them, by name.
  std::vector<const message_type*> all() const;

private:
  void insert(std::unique_ptr<message_type> t);

  std::vector<std::unique_ptr<message_type>> types_;
  std::unordered_map<uint64_t, const message_type*> by_id_;
  std::unordered_map<const std::type_info*, const message_type*> by_type_;
  std::map<std::string, const message_type*, std::less<>> by_name_;
};

/// Adds what every island speaks.
void add_standard(vocabulary& words);

}  // namespace skerry
