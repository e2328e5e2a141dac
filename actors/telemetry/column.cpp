#include "actors/telemetry/column.hpp"

#include <bit>
#include <cmath>
#include <unordered_map>

#include "actors/telemetry/bytes.hpp"
#include "schema/device/limits.hpp"
#include "schema/error.hpp"

namespace skerry::telemetry {
namespace {

using ports::quality;

/// How the values of a column stand: 0 integers, 1 to 9 decimal numbers with so many digits behind the point, then:
constexpr uint8_t integers = 0, decimals_max = 9, reals = 10, texts = 11;
constexpr uint8_t with_qualities = 0x80;          ///< a bit beside the form
constexpr double exact_max = 9007199254740992.0;  // 2^53: integers up to there are doubles
constexpr double power[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};

bool has_value(const sample& s) { return s.state != quality::bad; }

double real_of(const sample& s) {
  if (const auto* i = std::get_if<int64_t>(&s.value)) return static_cast<double>(*i);
  return std::get<double>(s.value);
}

bool decimal(double v, int digits) {
  auto scaled = std::round(v * power[digits]);
  return std::abs(scaled) < exact_max && std::bit_cast<uint64_t>(scaled / power[digits]) == std::bit_cast<uint64_t>(v);
}

uint8_t form_of(const std::vector<sample>& samples) {
  bool real = false, wide = false;
  for (const auto& s : samples) {
    if (!has_value(s)) continue;
    if (const auto* i = std::get_if<int64_t>(&s.value))
      wide = wide || std::abs(static_cast<double>(*i)) >= exact_max;
    else if (std::holds_alternative<double>(s.value))
      real = true;
    else
      return texts;
  }
  if (!real) return integers;
  if (wide) return texts;  // no number holds them all
  int digits = 1;
  for (const auto& s : samples)
    while (has_value(s) && digits <= decimals_max && !decimal(real_of(s), digits)) ++digits;
  return digits <= decimals_max ? static_cast<uint8_t>(digits) : reals;
}

void put_times(std::string& out, const std::vector<sample>& samples) {
  uint64_t last = 0, step = 0;
  for (const auto& s : samples) {
    auto t = static_cast<uint64_t>(s.time_ms);
    put_number(out, zigzag(static_cast<int64_t>(t - last - step)));
    step = &s == samples.data() ? 0 : t - last;
    last = t;
  }
}

void put_qualities(std::string& out, const std::vector<sample>& samples) {
  for (size_t i = 0; i < samples.size();) {
    auto k = i;
    while (k < samples.size() && samples[k].state == samples[i].state) ++k;
    put_number(out, (k - i) << 2 | static_cast<uint64_t>(samples[i].state));
    i = k;
  }
}

/// A number by the bytes that differ: how many zero bytes stand below, how many follow, and these.
void put_real(std::string& out, uint64_t differs) {
  if (differs == 0) return void(out += '\0');
  auto low = static_cast<unsigned>(std::countr_zero(differs)) / 8;
  auto count = 8 - static_cast<unsigned>(std::countl_zero(differs)) / 8 - low;
  out += static_cast<char>(low << 4 | count);
  for (unsigned i = 0; i < count; ++i) out += static_cast<char>(differs >> ((low + i) * 8));
}

std::optional<uint64_t> real(byte_reader& in) {
  auto head = in.take(1);
  if (!head) return std::nullopt;
  auto low = static_cast<uint8_t>(head->front()) >> 4, count = head->front() & 0xf;
  if (low + count > 8) return std::nullopt;
  auto bytes = in.take(static_cast<uint64_t>(count));
  if (!bytes) return std::nullopt;
  uint64_t out = 0;
  for (int i = 0; i < count; ++i)
    out |= static_cast<uint64_t>(static_cast<uint8_t>((*bytes)[static_cast<size_t>(i)])) << ((low + i) * 8);
  return out;
}

void put_values(std::string& out, const std::vector<sample>& samples, uint8_t how) {
  int64_t last = 0;
  uint64_t bits = 0;
  std::unordered_map<std::string, uint64_t> known;
  for (const auto& s : samples) {
    if (!has_value(s)) continue;
    if (how == texts) {
      auto [i, fresh] = known.emplace(text_of(s), known.size());
      put_number(out, i->second);
      if (fresh) put_text(out, i->first);
    } else if (how == reals) {
      auto b = std::bit_cast<uint64_t>(real_of(s));
      put_real(out, b ^ std::exchange(bits, b));
    } else {
      auto v = how == integers ? std::get<int64_t>(s.value) : std::llround(real_of(s) * power[how]);
      put_number(out, zigzag(static_cast<int64_t>(static_cast<uint64_t>(v) - static_cast<uint64_t>(last))));
      last = v;
    }
  }
}

bool read_times(byte_reader& in, std::vector<sample>& out) {
  uint64_t last = 0, step = 0;
  for (auto& s : out) {
    auto n = in.number();
    if (!n) return false;
    auto t = last + step + static_cast<uint64_t>(unzigzag(*n));
    s.time_ms = static_cast<int64_t>(t);
    if (s.time_ms < 0) return false;
    step = &s == out.data() ? 0 : t - last;
    last = t;
  }
  return true;
}

bool read_qualities(byte_reader& in, std::vector<sample>& out) {
  for (size_t i = 0; i < out.size();) {
    auto n = in.number();
    if (!n || *n >> 2 == 0 || *n >> 2 > out.size() - i || (*n & 3) > static_cast<uint64_t>(quality::bad)) return false;
    for (auto end = i + (*n >> 2); i < end; ++i) out[i].state = static_cast<quality>(*n & 3);
  }
  return true;
}

bool read_texts(byte_reader& in, std::vector<sample>& out) {
  std::vector<std::string_view> known;
  size_t total = 0;
  for (auto& s : out) {
    if (s.state == quality::bad) continue;
    auto n = in.number();
    if (!n || *n > known.size()) return false;
    if (*n == known.size()) {
      auto text = in.text();
      if (!text) return false;
      known.push_back(*text);
    }
    total += known[*n].size();
    if (total > limits::column_text_bytes_max) return false;
    s.value = value_of(known[*n]);
  }
  return true;
}

bool read_values(byte_reader& in, std::vector<sample>& out, uint8_t how) {
  if (how == texts) return read_texts(in, out);
  uint64_t last = 0;
  for (auto& s : out) {
    if (s.state == quality::bad) continue;
    auto n = how == reals ? real(in) : in.number();
    if (!n) return false;
    last = how == reals ? last ^ *n : last + static_cast<uint64_t>(unzigzag(*n));
    if (how == integers)
      s.value = static_cast<int64_t>(last);
    else if (how == reals)
      s.value = std::bit_cast<double>(last);
    else
      s.value = static_cast<double>(static_cast<int64_t>(last)) / power[how];
    if (const auto* d = std::get_if<double>(&s.value); d != nullptr && !std::isfinite(*d)) return false;
  }
  return true;
}

}  // namespace

std::string pack(const std::vector<sample>& samples) {
  std::string out;
  auto how = form_of(samples);
  auto plain = true;
  for (const auto& s : samples) plain = plain && s.state == quality::good;
  put_number(out, samples.size());
  out += static_cast<char>(plain ? how : how | with_qualities);
  put_times(out, samples);
  if (!plain) put_qualities(out, samples);
  put_values(out, samples, how);
  return out;
}

caf::expected<std::vector<sample>> unpack(std::string_view column) {
  auto corrupt = [](const char* what) {
    return make_error(errc::corrupt, std::string{"a column of samples: "} + what);
  };
  byte_reader in{column};
  auto count = in.number();
  // Each sample has at least one byte, so that a short column cannot claim much memory.
  if (!count || *count > limits::column_samples_max || *count > in.left()) return corrupt("its count is wrong");
  auto head = in.take(1);
  if (!head) return corrupt("it has no form");
  auto how = static_cast<uint8_t>(head->front() & ~with_qualities);
  if (how > texts) return corrupt("its form is not known");
  std::vector<sample> out(*count);
  if (!read_times(in, out)) return corrupt("its times are wrong");
  if ((head->front() & with_qualities) != 0 && !read_qualities(in, out)) return corrupt("its qualities are wrong");
  if (!read_values(in, out, how)) return corrupt("its values are wrong");
  if (!in.done()) return corrupt("bytes are left over");
  return out;
}

uint64_t count_of(std::string_view column) { return byte_reader{column}.number().value_or(0); }

}  // namespace skerry::telemetry
