#include "drivers/device/bluetooth/att.hpp"

#include <algorithm>
#include <iterator>

namespace skerry::drivers::bluetooth::att {

bytes pdu(uint8_t op, std::initializer_list<uint16_t> words, view rest) {
  bytes out{op};
  for (auto w : words) put(out, w);
  out.insert(out.end(), rest.begin(), rest.end());
  return out;
}

std::string text_of(uint8_t code) {
  static constexpr const char* names[] = {"no error",
                                          "invalid handle",
                                          "it may not be read",
                                          "it may not be written",
                                          "invalid PDU",
                                          "insufficient authentication",
                                          "request not supported",
                                          "invalid offset",
                                          "insufficient authorization",
                                          "its queue is full",
                                          "no such attribute",
                                          "the attribute is not long",
                                          "the encryption key is too short",
                                          "a value of this length is not allowed",
                                          "unlikely error",
                                          "insufficient encryption",
                                          "unsupported group type",
                                          "insufficient resources",
                                          "out of sync",
                                          "the value is not allowed"};
  char hex[] = {'(', '0', 'x', "0123456789abcdef"[code >> 4], "0123456789abcdef"[code & 15], ')', 0};
  std::string name = code < std::size(names)        ? names[code]
                     : code >= 0x80 && code <= 0x9f ? "an error of the application"
                     : code == 0xfc                 ? "write request rejected"
                     : code == 0xfd                 ? "notifications are not configured"
                     : code == 0xfe                 ? "a procedure is under way"
                     : code == 0xff                 ? "the value is out of range"
                                                    : "unknown error";
  return name + " " + hex;
}

bool wants_security(uint8_t code) {
  return code == insufficient_authentication || code == insufficient_encryption || code == insufficient_key_size;
}

std::optional<bytes> answer_to(view p) {
  if (p.empty()) return {};
  auto op = p[0];
  if (op == mtu_request) return pdu(mtu_response, {mtu_wanted});
  // Commands (bit 6), responses (odd) and the confirmation are no requests.
  if ((op & 0x40) != 0 || (op & 1) != 0 || op == confirmation) return {};
  auto handle = p.size() >= 3 ? word(p, 1) : uint16_t{0};
  uint8_t why = not_supported;
  if (op == information_request || op == by_type_request || op == by_group_request || op == 0x06) why = not_found;
  if (op == read_request || op == blob_request || op == write_request || op == prepare_request) why = invalid_handle;
  if (p.size() < 3) why = 0x04;
  bytes out{error_response, op};
  put(out, handle);
  out.push_back(why);
  return out;
}

std::vector<entry> entries_of(view p, uint16_t from) {
  std::vector<entry> out;
  if (p.size() < 4) return out;
  auto group = p[0] == by_group_response;
  size_t length = p[1];
  if (p[0] == information_response) length = p[1] == 1 ? 4 : p[1] == 2 ? 18 : 0;
  size_t head = group ? 4 : 2;
  if (length <= head || (p.size() - 2) % length != 0) return {};
  uint32_t least = from;
  for (size_t at = 2; at + length <= p.size(); at += length) {
    entry e{word(p, at), group ? word(p, at + 2) : word(p, at), p.subspan(at + head, length - head)};
    if (e.handle == 0 || e.handle < least || e.end < e.handle) return {};
    least = e.end + 1U;
    out.push_back(e);
  }
  return out;
}

std::optional<device::gatt_uuid> uuid_in(view value) {
  if (value.size() == 2) return device::uuid_of_short(word(value, 0));
  if (value.size() != 16) return {};
  device::gatt_uuid out{};
  std::copy(value.begin(), value.end(), out.begin());
  return out;
}

}  // namespace skerry::drivers::bluetooth::att
