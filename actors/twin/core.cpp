#include "actors/twin/core.hpp"

#include <algorithm>
#include <cmath>

#include "actors/twin/text.hpp"
#include "schema/device/limits.hpp"
#include "schema/error.hpp"

namespace skerry::twin {
namespace {

using ports::quality;

constexpr int64_t together_ms = 10;      ///< what is due within that is read in one request
constexpr int64_t grace_ms = 1'000;      ///< a driver keeps its deadlines; if it does not, it is given up after that
constexpr int64_t wake_ms_max = 60'000;  ///< timers are never set for hours ahead
constexpr int64_t news_read_ms = 20;     ///< a device that has news is read at most so often
constexpr int64_t news_ms = 200;         ///< state changes are told at most so often

std::string out_of_bounds(const property_spec& p, std::string_view text) {
  auto v = device::number_of(text);
  if (!v) return p.minimum || p.maximum ? "it is no number, and the model has bounds" : std::string{};
  if (p.minimum && *v < *p.minimum) return "below the model's minimum";
  if (p.maximum && *v > *p.maximum) return "above the model's maximum";
  return {};
}

bool numeric(device::value_type t) {
  return t == device::value_type::integer || t == device::value_type::real32 || t == device::value_type::real64;
}

std::string text_of(capnp::Text::Reader t) { return {t.begin(), t.size()}; }

}  // namespace

// -- what is, and what shall be ---------------------------------------------------------------------------------------

void core::start(std::shared_ptr<const device_spec> spec, const letter<schema::TwinState>* prior, const moment& now) {
  take(std::move(spec), now);
  if (prior == nullptr || text_of((**prior).getUid()) != spec_->uid) return;
  last_online_ms_ = (**prior).getLastOnlineMs();
  for (auto before : (**prior).getProperties())
    for (size_t i = 0; i < properties_.size(); ++i) {
      if (spec_->properties[i].name != text_of(before.getName())) continue;
      auto& p = properties_[i];
      p.reported = text_of(before.getReported());
      p.reported_ms = before.getReportedMs();
      p.observed = text_of(before.getObserved());
      p.observed_stamp = text_of(before.getObservedStamp());
      p.observed_ms = before.getObservedMs();
    }
}

void core::change(std::shared_ptr<const device_spec> spec, bool connected_anew, const moment& now) {
  auto same_device = spec_ && spec_->uid == spec->uid;
  auto old_spec = std::exchange(spec_, nullptr);
  auto old = std::exchange(properties_, {});
  if (connected_anew) {
    read_.open = write_.open = false;
    ++read_.number;
    ++write_.number;
    health_.reset();
    refused_.clear();
  }
  take(std::move(spec), now);
  if (!same_device) {
    last_online_ms_ = 0;
    return;
  }
  for (size_t i = 0; i < properties_.size(); ++i)
    for (size_t k = 0; k < old.size(); ++k)
      if (old_spec->properties[k].name == spec_->properties[i].name) properties_[i] = std::move(old[k]);
  for (size_t i = 0; i < properties_.size(); ++i) {
    auto& p = properties_[i];
    p.read_due = p.write_due = now.steady_ms;
    if (const auto& why = spec_->properties[i].problem; !why.empty()) {
      p.state = quality::bad;
      p.why = why;
    }
  }
}

void core::take(std::shared_ptr<const device_spec> spec, const moment& now) {
  spec_ = std::move(spec);
  properties_.resize(spec_->properties.size());
  for (size_t i = 0; i < properties_.size(); ++i) {
    auto& p = properties_[i];
    p.read_due = p.write_due = now.steady_ms;
    p.why = "not read yet";
    if (spec_->properties[i].problem.empty()) continue;
    p.state = quality::bad;
    p.why = spec_->properties[i].problem;
  }
  news_ = true;
  if (!spec_->problem.empty()) notes_.push_back({true, "DeviceUnusable", spec_->problem});
}

bool core::pending(size_t i) const {
  const auto& s = spec_->properties[i];
  const auto& p = properties_[i];
  if (!s.desired || !s.problem.empty()) return false;
  if (p.observed_ms != 0 && p.observed == *s.desired && p.observed_stamp == s.desired_stamp) return false;
  return !(p.refused && p.sent_value == *s.desired && p.sent_stamp == s.desired_stamp);
}

// -- what happened ----------------------------------------------------------------------------------------------------

void core::on_refused(const std::string& why, const moment& now) {
  refused_ = cut(why);
  notes_.push_back({true, "DeviceUnusable", refused_});
  on_health({false, refused_}, now);
}

void core::on_health(const ports::device_health& h, const moment& now) {
  auto before = std::exchange(health_, h);
  if (h.online) last_online_ms_ = now.wall_ms;
  if (before && *before == h) return;
  news_ = true;
  auto was = before && before->online;
  if (h.online && !was) {
    notes_.push_back({false, "DeviceOnline", "the device answers"});
    for (auto& p : properties_) p.write_due = std::min(p.write_due, now.steady_ms);  // what waits is tried at once
  }
  if (h.online) return;
  if (was || !before) notes_.push_back({true, "DeviceOffline", cut(h.why)});
  for (auto& p : properties_)
    if (p.state == quality::good) {
      p.state = quality::uncertain;
      p.why = "the device does not answer: " + cut(h.why);
    }
}

void core::on_news(const moment& now) {
  // A device that floods is read at most so often.
  auto due = std::max(now.steady_ms, read_.begun_ms + news_read_ms);
  for (auto& p : properties_) p.read_due = std::min(p.read_due, due);
}

void core::on_readings(uint64_t number, const std::vector<ports::point_reading>& readings, const moment& now) {
  if (!read_.open || number != read_.number) return;
  read_.open = false;
  for (const auto& r : readings)
    if (r.point < properties_.size()) read_value(r.point, r, now);
}

void core::read_value(uint32_t point, const ports::point_reading& r, const moment& now) {
  const auto& s = spec_->properties[point];
  auto& p = properties_[point];
  if (r.state == quality::bad) return turned_bad(point, cut(r.why), now);
  auto seen_ms = now.wall_ms - std::max<int64_t>(r.age_ms, 0);
  last_online_ms_ = std::max(last_online_ms_, seen_ms);
  auto text = device::to_text(s.how, r.value);
  if (!text) return turned_bad(point, cut(message_of(text.error())), now);
  p.reported = cut(std::move(*text));
  p.reported_ms = seen_ms;
  p.why = r.state == quality::good ? out_of_bounds(s, p.reported) : cut(r.why);
  p.state = p.why.empty() && r.state == quality::good ? quality::good : quality::uncertain;
  auto again = r.said != 0 && r.said == std::exchange(p.said, r.said);  // the driver has heard nothing new
  if (s.to_cloud && !again) samples_.push_back({point, {seen_ms, p.state, telemetry::value_of(p.reported)}});
}

/// One sample tells of it, and not one for each read that fails.
void core::turned_bad(uint32_t point, std::string why, const moment& now) {
  auto& p = properties_[point];
  if (p.state != quality::bad && spec_->properties[point].to_cloud)
    samples_.push_back({point, {now.wall_ms, quality::bad, {}}});
  p.state = quality::bad;
  p.why = std::move(why);
}

void core::on_written(uint64_t number, const caf::error& e, const moment& now) {
  if (!write_.open || number != write_.number) return;
  write_.open = false;
  auto point = write_.points.front();
  if (e) return write_failed(point, e, now);
  auto& p = properties_[point];
  p.observed = p.sent_value;  // what was on its way
  p.observed_stamp = p.sent_stamp;
  p.observed_ms = now.wall_ms;
  p.write_error.clear();
  p.refused = false;
  p.pause_ms = 0;
  p.read_due = now.steady_ms;  // what the device made of it
  last_online_ms_ = now.wall_ms;
}

void core::write_failed(uint32_t point, const caf::error& e, const moment& now) {
  auto& p = properties_[point];
  auto why = cut(message_of(e));
  p.refused = code_of(e) == errc::invalid;
  p.pause_ms = std::min(std::max(p.pause_ms * 2, limits::device_retry_ms_min), limits::device_retry_ms_max);
  p.write_due = now.steady_ms + p.pause_ms;
  if (p.write_error.empty() || p.refused)
    notes_.push_back(
        {true, "DesiredNotTaken",
         spec_->properties[point].name + " = " + p.sent_value + ": " + why + (p.refused ? "" : "; it is tried again")});
  p.write_error = std::move(why);
}

// -- what to do -------------------------------------------------------------------------------------------------------

actions core::step(const moment& now) {
  actions out;
  out.wake_ms = now.steady_ms + wake_ms_max;
  give_up(out, now);
  if (spec_->problem.empty() && refused_.empty()) {
    plan_write(out, now);
    plan_reads(out, now);
  }
  plan_tell(out, now);
  out.notes = std::exchange(notes_, {});
  out.samples = std::exchange(samples_, {});
  return out;
}

void core::give_up(actions& out, const moment& now) {
  if (read_.open && now.steady_ms >= read_.give_up_ms) {
    read_.open = false;
    ++read_.number;
    for (auto point : read_.points) turned_bad(point, "the driver does not answer", now);
  }
  if (write_.open && now.steady_ms >= write_.give_up_ms) {
    write_.open = false;
    ++write_.number;
    write_failed(write_.points.front(), make_error(errc::timed_out, "the driver does not answer"), now);
  }
  if (read_.open) earliest(out, read_.give_up_ms);
  if (write_.open) earliest(out, write_.give_up_ms);
}

void core::plan_write(actions& out, const moment& now) {
  for (size_t i = 0; i < properties_.size() && !write_.open; ++i) {
    if (!pending(i)) continue;
    const auto& s = spec_->properties[i];
    auto& p = properties_[i];
    auto fresh = p.sent_value != *s.desired || p.sent_stamp != s.desired_stamp;
    if (!fresh && p.write_due > now.steady_ms) {
      earliest(out, p.write_due);
      continue;
    }
    if (fresh) {
      p.pause_ms = 0;
      p.write_error.clear();
    }
    p.sent_value = *s.desired;
    p.sent_stamp = s.desired_stamp;
    auto why = s.read_only ? "the property is read-only" : numeric(s.type) ? out_of_bounds(s, *s.desired) : "";
    auto raw = why.empty() ? device::from_text(s.how, *s.desired)
                           : caf::expected<device::raw_value>{make_error(errc::invalid, why)};
    auto point = static_cast<uint32_t>(i);
    if (!raw) {
      write_failed(point, raw.error(), now);
      continue;
    }
    write_.open = true;
    write_.points = {point};
    write_.give_up_ms = now.steady_ms + limits::device_read_ms_max + grace_ms;
    ++write_.number;
    earliest(out, write_.give_up_ms);
    out.write = actions::order{point, std::move(*raw)};
  }
}

void core::plan_reads(actions& out, const moment& now) {
  if (read_.open) return;  // its answer leads here again
  int64_t next = INT64_MAX;
  for (size_t i = 0; i < properties_.size(); ++i) {
    const auto& s = spec_->properties[i];
    auto& p = properties_[i];
    if (!s.problem.empty()) continue;
    if (p.read_due <= now.steady_ms + together_ms) {
      out.read.push_back(static_cast<uint32_t>(i));
      // At whole multiples of the cycle, so that devices of one cycle wake the node together and their reports fold
      // into one write. Cycles that were missed are left out, not made up for.
      p.read_due = (std::max(now.steady_ms, p.read_due) / s.collect_ms + 1) * s.collect_ms;
    }
    next = std::min(next, p.read_due);
  }
  if (out.read.empty()) return earliest(out, next);
  read_.open = true;
  read_.points = out.read;
  read_.begun_ms = now.steady_ms;
  read_.give_up_ms = now.steady_ms + limits::device_read_ms_max + grace_ms;
  ++read_.number;
  earliest(out, read_.give_up_ms);
}

bool core::differs(size_t i) const {
  const auto& s = spec_->properties[i];
  const auto& p = properties_[i];
  if (!p.told || p.told_state != p.state || p.told_why != p.why || p.told_observed != p.observed ||
      p.told_error != p.write_error)
    return true;
  if (p.told_value == p.reported) return false;
  if (s.dead_band <= 0) return true;
  auto a = device::number_of(p.told_value), b = device::number_of(p.reported);
  return !a || !b || std::abs(*a - *b) > s.dead_band;
}

void core::plan_tell(actions& out, const moment& now) {
  auto due = INT64_MAX;
  if (news_ || !told_once_) due = told_once_ ? told_ms_ + news_ms : read_.open ? read_.give_up_ms : now.steady_ms;
  for (size_t i = 0; i < properties_.size(); ++i) {
    const auto& s = spec_->properties[i];
    if (!s.to_cloud || !differs(i)) continue;
    const auto& p = properties_[i];
    // The first values are told together, when the first read has been answered.
    if (!p.told && read_.open && p.reported_ms == 0 && s.problem.empty()) continue;
    due = std::min(due, p.told ? p.told_ms + s.report_ms : told_ms_ + news_ms);
  }
  if (health_ && health_->online) due = std::min(due, told_ms_ + spec_->alive_ms);
  if (due > now.steady_ms) return earliest(out, due);
  out.tell = true;
  mark_told(now);
  if (health_ && health_->online) earliest(out, told_ms_ + spec_->alive_ms);
}

void core::mark_told(const moment& now) {
  for (size_t i = 0; i < properties_.size(); ++i) {
    auto& p = properties_[i];
    if (differs(i)) p.told_ms = now.steady_ms;
    p.told = true;
    p.told_value = p.reported;
    p.told_why = p.why;
    p.told_state = p.state;
    p.told_observed = p.observed;
    p.told_error = p.write_error;
  }
  news_ = false;
  told_once_ = true;
  told_ms_ = now.steady_ms;
}

bool same_connection(const device_spec& a, const device_spec& b) {
  if (a.uid != b.uid || a.protocol != b.protocol || a.problem.empty() != b.problem.empty() || a.config != b.config ||
      a.properties.size() != b.properties.size())
    return false;
  for (size_t i = 0; i < a.properties.size(); ++i)
    if (a.properties[i].name != b.properties[i].name || a.properties[i].config != b.properties[i].config) return false;
  return true;
}

}  // namespace skerry::twin
