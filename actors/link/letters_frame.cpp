#include "actors/link/letters_frame.hpp"

#include <caf/atom.hpp>
#include <cstring>

namespace skerry::link {
namespace {

constexpr auto ours = caf::atom("skerry");
constexpr size_t envelope_words = 12;  ///< struct, pointers and rounding, more than enough

/// The bytes of a frame, length first, from what was built.
ports::bytes flatten(capnp::MallocMessageBuilder& b) {
  auto segments = b.getSegmentsForOutput();
  size_t table = (segments.size() + 2) / 2 * 8, words = 0;
  for (auto s : segments) words += s.size();
  auto size = table + words * sizeof(capnp::word);
  ports::bytes out(4 + size);
  auto put = [&, at = out.data()](uint32_t v) mutable {
    for (int i = 0; i < 4; ++i) *at++ = static_cast<std::byte>(v >> (8 * i));
  };
  put(static_cast<uint32_t>(size));
  put(static_cast<uint32_t>(segments.size() - 1));
  for (auto s : segments) put(static_cast<uint32_t>(s.size()));
  auto* at = out.data() + 4 + table;
  for (auto s : segments) {
    std::memcpy(at, s.begin(), s.size() * sizeof(capnp::word));
    at += s.size() * sizeof(capnp::word);
  }
  return out;
}

schema::Envelope::Delivery delivery_of(const outgoing& o) {
  if (o.type == nullptr || o.kind != envelope_kind::letter || o.receipt == 0)
    return schema::Envelope::Delivery::FLEETING;
  return o.type->delivery().how == delivery::kind::durable ? schema::Envelope::Delivery::DURABLE
                                                           : schema::Envelope::Delivery::LATEST;
}

void write_letter(schema::Envelope::Builder e, const outgoing& o, names_out& names, int64_t now_ms) {
  e.setKind(static_cast<schema::Envelope::Kind>(o.kind));
  e.setDelivery(delivery_of(o));
  if (o.deadline_ms > now_ms) e.setTtlMs(static_cast<uint32_t>(o.deadline_ms - now_ms));
  if (auto* p = proxy_of(o.to))
    e.setTo(names.of(*p));
  else if (!o.to_path.empty())
    e.setTo(names.of_path(o.to_path));
  if (!o.from_path.empty())
    e.setFrom(names.of_path(o.from_path));
  else if (o.what)
    e.setFrom(names.of_actor(o.what->sender));
  e.setCall(o.call);
  e.setReceipt(o.receipt);
  if (o.type != nullptr) {
    e.setType(o.type->id());
    auto body = o.type->bytes_of(o.what->content());
    e.setBody({reinterpret_cast<const kj::byte*>(body.data()), body.size()});
  }
  if (o.failure) write_failure(e.initFailure(), o.failure);
}

}  // namespace

ports::bytes encode_letters(std::span<outgoing* const> letters, names_out& names, bool restart, int64_t now_ms) {
  size_t words = 16;
  for (auto* o : letters) words += envelope_words + o->bytes / sizeof(capnp::word) + 1;
  capnp::MallocMessageBuilder b{static_cast<unsigned>(words)};
  auto root = b.initRoot<schema::Frame>().initLetters();
  root.setRestart(restart);
  auto list = root.initLetters(static_cast<unsigned>(letters.size()));
  for (unsigned i = 0; i < letters.size(); ++i) write_letter(list[i], *letters[i], names, now_ms);
  auto fresh = names.take_fresh();
  if (!fresh.empty()) {
    auto out = root.initNames(static_cast<unsigned>(fresh.size()));
    for (unsigned i = 0; i < fresh.size(); ++i) {
      out[i].setNumber(fresh[i].number);
      out[i].setPath(fresh[i].path);
    }
  }
  return flatten(b);
}

ports::bytes encode_settled(const settlement& s) {
  capnp::MallocMessageBuilder b{64};
  auto root = b.initRoot<schema::Frame>().initSettled();
  root.setReleasedBytes(s.released);
  if (!s.states.empty()) root.setStates({s.states.data(), s.states.size()});
  if (!s.refused.empty()) root.setRefused({s.refused.data(), s.refused.size()});
  if (!s.facts.empty()) {
    auto list = root.initFacts(static_cast<unsigned>(s.facts.size()));
    for (unsigned i = 0; i < s.facts.size(); ++i) {
      list[i].setPath(s.facts[i].first);
      list[i].setSequence(s.facts[i].second);
    }
  }
  return flatten(b);
}

void write_failure(schema::Failure::Builder to, const caf::error& e) {
  auto skerry = e.category() == ours;
  to.setCategory(static_cast<uint64_t>(e.category()));
  to.setCode(e.code());
  to.setMessage(skerry ? message_of(e) : caf::to_string(e.context()));
}

caf::error read_failure(schema::Failure::Reader from) {
  auto text = from.getMessage();
  std::string message{text.begin(), text.size()};
  auto category = static_cast<caf::atom_value>(from.getCategory());
  if (category == ours) {
    auto code =
        from.getCode() <= static_cast<uint8_t>(errc::internal) ? static_cast<errc>(from.getCode()) : errc::internal;
    return make_error(code == errc::none ? errc::internal : code, std::move(message));
  }
  if (from.getCode() == 0) return {};
  return caf::error{from.getCode(), category, caf::make_message(std::move(message))};
}

}  // namespace skerry::link
