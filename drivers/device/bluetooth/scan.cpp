#include "drivers/device/bluetooth/scan.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>

#include "schema/error.hpp"

namespace skerry::drivers::bluetooth {
namespace {

// BlueZ's doc/mgmt-api.txt.
constexpr uint16_t start_discovery = 0x0023, stop_discovery = 0x0024, disconnect = 0x0014, remove_device = 0x0034;
constexpr uint16_t command_complete = 0x0001, command_status = 0x0002, device_found = 0x0012, discovering = 0x0013;
constexpr uint8_t low_energy = 0x06;  // LE public and LE random
constexpr size_t devices_max = 1'024, frame_bytes_max = 2'048;

caf::error unavailable(std::string why) { return make_error(errc::unavailable, std::move(why)); }

bool command(int fd, uint16_t what, uint16_t adapter, att::view parameters = att::view{&low_energy, 1}) {
  att::bytes frame;
  for (uint16_t w : {what, adapter, static_cast<uint16_t>(parameters.size())}) att::put(frame, w);
  frame.insert(frame.end(), parameters.begin(), parameters.end());
  return ::send(fd, frame.data(), frame.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(frame.size());
}

void take_field(advertisement& out, uint8_t type, att::view data) {
  if (type == 0x08 || type == 0x09) {
    out.name.assign(data.begin(), data.end());
    for (auto& c : out.name)
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  size_t size = type == 0x02 || type == 0x03 ? 2 : type == 0x06 || type == 0x07 ? 16 : 0;
  for (size_t at = 0; size > 0 && at + size <= data.size(); at += size)
    out.services.push_back(*att::uuid_in(data.subspan(at, size)));
}

}  // namespace

bool release_on(int fd, uint16_t adapter, att::view address, device::bluetooth_address_type type) {
  att::bytes who{address.begin(), address.end()};
  who.push_back(type == device::bluetooth_address_type::random_address ? 2 : 1);
  auto removed = command(fd, remove_device, adapter, who);
  return command(fd, disconnect, adapter, who) && removed;
}

std::optional<advertisement> advertisement_of(att::view p) {
  if (p.size() < 14 || (p[6] != 1 && p[6] != 2)) return {};
  advertisement out;
  for (size_t i = 6; i-- > 0;) {
    out.mac += "0123456789ABCDEF"[p[i] >> 4];
    out.mac += "0123456789ABCDEF"[p[i] & 15];
    if (i > 0) out.mac += ':';
  }
  if (p[6] == 2) out.type = device::bluetooth_address_type::random_address;
  out.rssi = static_cast<int8_t>(p[7]);
  out.connectable = (p[8] & 0x04) == 0;
  auto data = p.subspan(14);
  if (att::word(p, 12) < data.size()) data = data.first(att::word(p, 12));
  while (data.size() >= 2 && data[0] != 0 && size_t{data[0]} + 1 <= data.size()) {
    take_field(out, data[1], data.subspan(2, data[0] - 1U));
    data = data.subspan(size_t{data[0]} + 1);
  }
  return out;
}

caf::expected<std::vector<advertisement>> scan_on(int fd, uint16_t adapter, std::chrono::milliseconds how_long) {
  using clock = std::chrono::steady_clock;
  if (!command(fd, start_discovery, adapter)) return unavailable(std::string{"no scan: "} + ::strerror(errno));
  std::map<std::string, advertisement> heard;
  auto end = clock::now() + how_long;
  std::string failed;
  while (failed.empty()) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - clock::now()).count();
    if (left <= 0) break;
    pollfd p{fd, POLLIN, 0};
    auto polled = ::poll(&p, 1, static_cast<int>(left));
    if (polled < 0 && errno != EINTR) failed = ::strerror(errno);
    if (polled <= 0) continue;
    uint8_t frame[frame_bytes_max];
    auto n = ::recv(fd, frame, sizeof frame, 0);
    if (n <= 0) {
      if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      failed = n == 0 ? "closed" : ::strerror(errno);
      continue;
    }
    att::view event{frame, static_cast<size_t>(n)};
    if (event.size() < 6 || att::word(event, 2) != adapter) continue;
    auto what = att::word(event, 0);
    auto rest = event.subspan(6);
    if ((what == command_status || what == command_complete) && rest.size() >= 3 &&
        att::word(rest, 0) == start_discovery && rest[2] != 0 && rest[2] != 0x0a)  // busy: somebody else scans, too
      failed = "the kernel refuses to scan (status " + std::to_string(rest[2]) + "); is the adapter up?";
    // The kernel scans for 10 s at a time.
    if (what == discovering && rest.size() >= 2 && rest[1] == 0) command(fd, start_discovery, adapter);
    if (what != device_found) continue;
    auto a = advertisement_of(rest);
    if (a && (heard.size() < devices_max || heard.contains(a->mac))) {
      auto& slot = heard[a->mac];
      if (a->name.empty()) a->name = std::move(slot.name);
      if (a->services.empty()) a->services = std::move(slot.services);
      slot = std::move(*a);
    }
  }
  command(fd, stop_discovery, adapter);
  if (!failed.empty()) return unavailable("no scan: " + failed);
  std::vector<advertisement> out;
  for (auto& [mac, a] : heard) out.push_back(std::move(a));
  return out;
}

}  // namespace skerry::drivers::bluetooth
