#include "actors/telemetry/frame.hpp"

#include "actors/telemetry/bytes.hpp"
#include "actors/telemetry/column.hpp"
#include "schema/error.hpp"

namespace skerry::telemetry {

frame_builder::device& frame_builder::of(const source& from) {
  auto i = devices_.find(from.uid);
  return i != devices_.end() ? i->second : devices_.emplace(from.uid, device{from, {}}).first->second;
}

void frame_builder::add(const source& from, std::string_view property, sample s) {
  auto& properties = of(from).properties;
  auto i = properties.find(property);
  if (i == properties.end()) {
    i = properties.emplace(std::string{property}, std::vector<sample>{}).first;
    bytes_ += property.size() + 16;
  }
  if (const auto* text = std::get_if<std::string>(&s.value)) bytes_ += text->size();
  bytes_ += 4;
  i->second.push_back(std::move(s));
  ++samples_;
}

caf::error frame_builder::add(const letter<schema::SampleFrame>& frame) {
  if (auto ok = check_frame(frame); !ok) return ok.error();
  for (auto d : (*frame).getDevices()) {
    source from{std::string{view_of(d.getNamespace())}, std::string{view_of(d.getName())},
                std::string{view_of(d.getUid())}};
    auto e = visit_series(view_of(d.getSeries()), [&](std::string_view property, std::string_view column) {
      auto samples = unpack(column);
      if (!samples) return;  // it was checked
      for (auto& s : *samples) add(from, property, std::move(s));
    });
    if (e) return e;
  }
  return {};
}

letter<schema::SampleFrame> frame_builder::take() {
  auto devices = std::exchange(devices_, {});
  samples_ = bytes_ = 0;
  return letter<schema::SampleFrame>::build([&](schema::SampleFrame::Builder b) {
    auto list = b.initDevices(static_cast<unsigned>(devices.size()));
    unsigned i = 0;
    for (const auto& [uid, d] : devices) {
      auto to = list[i++];
      to.setNamespace(d.from.ns);
      to.setName(d.from.name);
      to.setUid(d.from.uid);
      std::string series;
      for (const auto& [property, samples] : d.properties) {
        put_text(series, property);
        put_text(series, pack(samples));
      }
      to.setSeries({reinterpret_cast<const kj::byte*>(series.data()), series.size()});
    }
  });
}

caf::error visit_series(std::string_view series,
                        const std::function<void(std::string_view property, std::string_view column)>& visit) {
  byte_reader in{series};
  while (!in.done()) {
    auto property = in.text();
    auto column = property ? in.text() : std::nullopt;
    if (!column) return make_error(errc::corrupt, "a frame of samples: a property is cut off");
    visit(*property, *column);
  }
  return {};
}

caf::expected<size_t> check_frame(const letter<schema::SampleFrame>& frame) {
  size_t samples = 0;
  caf::error bad;
  for (auto d : (*frame).getDevices()) {
    auto e = visit_series(view_of(d.getSeries()), [&](std::string_view property, std::string_view column) {
      auto read = unpack(column);
      if (property.empty() || property.find('\0') != std::string_view::npos)
        bad = make_error(errc::corrupt, "a frame of samples: a property without a name");
      else if (!read)
        bad = read.error();
      else
        samples += read->size();
    });
    if (e) return e;
    if (bad) return bad;
  }
  return samples;
}

}  // namespace skerry::telemetry
