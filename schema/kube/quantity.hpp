#pragma once
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "schema/json.hpp"

namespace skerry::kube {

/// A Kubernetes quantity (k8s.io/apimachinery/pkg/api/resource): a decimal with nine digits behind the point; smaller
/// parts are rounded away from zero, larger numbers than 2^63 nano-units need 128 bits, which it has.
class quantity {
public:
  enum class format : uint8_t { decimal_si, binary_si, decimal_exponent };

  quantity() = default;
  static quantity from_milli(int64_t milli, format f = format::decimal_si);
  static quantity from_value(int64_t value, format f = format::decimal_si);
  /// Parses "100m", "1.5Gi", "2e3", "-1". Returns nothing if it is none.
  static std::optional<quantity> parse(std::string_view text);
  /// True if `text` is known at a glance to be canonical ("100m", "64Mi", "2"); false where only parsing would tell.
  static bool plainly_canonical(std::string_view text);
  /// Reads a JSON string or number.
  static std::optional<quantity> from_json(const json::value& v);

  /// The value in thousandths, rounded away from zero, saturated at int64: CPU in milli-cores.
  int64_t milli() const;
  /// The value in whole units, rounded away from zero, saturated: memory in bytes.
  int64_t value() const;
  bool is_zero() const { return nano_ == 0; }
  int sign() const { return nano_ < 0 ? -1 : nano_ > 0; }
  /// The canonical form: the largest suffix that leaves a whole number of at most three-digit groups ("1500m", "1Gi").
  std::string to_string() const;

  quantity& operator+=(const quantity& x);
  quantity& operator-=(const quantity& x);
  friend quantity operator+(quantity a, const quantity& b) { return a += b; }
  friend quantity operator-(quantity a, const quantity& b) { return a -= b; }
  friend bool operator==(const quantity& a, const quantity& b) { return a.nano_ == b.nano_; }
  friend std::strong_ordering operator<=>(const quantity& a, const quantity& b) { return a.nano_ <=> b.nano_; }

private:
  static std::optional<quantity> parse_plain(std::string_view text);
  __extension__ using wide = __int128;
  wide nano_ = 0;
  format format_ = format::decimal_si;
};

/// An IntOrString that may be a percentage, scaled to `total` (intstr.GetScaledValueFromIntOrPercent). Nothing if it is
/// neither an integer nor "N%".
std::optional<int64_t> int_or_percent(const json::value& v, int64_t total, bool round_up);

}  // namespace skerry::kube
