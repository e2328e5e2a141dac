#include "drivers/device/mqtt/client.hpp"

/// What devices said, as a twin reads it.
namespace skerry::drivers::mqtt {

using ports::quality;

std::vector<ports::point_reading> client::read(station& s, const std::vector<uint32_t>& points) {
  std::vector<ports::point_reading> out;
  std::lock_guard lock{mutex_};
  s.news_told = false;
  for (auto i : points) {
    if (i >= s.points.size()) continue;
    for (const auto& said : std::exchange(s.points[i].unread, {})) {
      if (said.number == s.points[i].last.number) break;  // that is what holds now
      auto& r =
          out.emplace_back(ports::point_reading{i, said.wrong.empty() ? quality::good : quality::bad, said.wrong, {}});
      r.value.text = said.text;
      r.age_ms = now_ms() - said.at_ms;
      r.said = said.number;
    }
    out.push_back(now_of(s, i));
  }
  return out;
}

ports::point_reading client::now_of(const station& s, uint32_t i) const {
  const auto& p = s.points[i];
  ports::point_reading r{i, quality::bad, {}, {}};
  if (!p.refused.empty())
    r.why = p.refused;
  else if (!connected_)
    r.why = why_;
  else if (refused_.contains(p.where.topic))
    r.why = "the broker does not let this node hear " + p.where.topic;
  else if (p.last.at_ms < 0)
    r.why = "nothing has come on " + p.where.topic + " yet";
  else if (!p.last.wrong.empty())
    r.why = p.last.wrong;
  else
    r.state = s.told_once && !s.told.online ? quality::uncertain : quality::good;
  if (r.state == quality::uncertain) r.why = s.told.why;
  if (r.state == quality::bad) return r;
  r.value.text = p.last.text;
  r.age_ms = now_ms() - p.last.at_ms;
  r.said = p.last.number;
  return r;
}

}  // namespace skerry::drivers::mqtt
