#include <bluetooth/bluetooth.h>
#include <bluetooth/hci.h>
#include <bluetooth/hci_lib.h>
#include <bluetooth/l2cap.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "drivers/device/bluetooth/radio.hpp"
#include "drivers/device/bluetooth/scan.hpp"
#include "schema/error.hpp"

namespace skerry::drivers::bluetooth {
namespace {

constexpr uint16_t att_channel = 4;  // L2CAP's fixed channel of the Attribute Protocol
constexpr int rssi_ms_max = 300;

caf::error unavailable(const std::string& what, int error) {
  if (error == EAFNOSUPPORT)
    return make_error(errc::unavailable, "this machine has no Bluetooth (its kernel offers no AF_BLUETOOTH)");
  return make_error(errc::unavailable, what + ": " + ::strerror(error));
}

struct descriptor {
  int fd = -1;
  explicit descriptor(int f) : fd(f) {}
  descriptor(descriptor&& other) noexcept : fd(std::exchange(other.fd, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(fd, other.fd);
    return *this;
  }
  ~descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

uint8_t kernel_type(device::bluetooth_address_type t) {
  return t == device::bluetooth_address_type::random_address ? BDADDR_LE_RANDOM : BDADDR_LE_PUBLIC;
}

/// The adapter of this name, or the first that is up.
caf::expected<int> adapter_of(const std::string& name) {
  auto id = name.empty() ? ::hci_get_route(nullptr) : ::hci_devid(name.c_str());
  if (id >= 0) return id;
  if (errno == EAFNOSUPPORT) return unavailable({}, errno);
  if (name.empty()) return make_error(errc::unavailable, "no Bluetooth adapter is up; try `bluetoothctl power on`");
  return unavailable("adapter " + name, errno);
}

/// A socket of the kernel's Bluetooth management interface.
caf::expected<descriptor> management() {
  descriptor s{::socket(AF_BLUETOOTH, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, BTPROTO_HCI)};
  if (s.fd < 0) return unavailable("no HCI socket", errno);
  sockaddr_hci control{};
  control.hci_family = AF_BLUETOOTH;
  control.hci_dev = HCI_DEV_NONE;
  control.hci_channel = HCI_CHANNEL_CONTROL;
  if (::bind(s.fd, reinterpret_cast<sockaddr*>(&control), sizeof control) < 0)
    return unavailable("the kernel's Bluetooth management", errno);
  return s;
}

caf::error release(int adapter, const bdaddr_t& who, device::bluetooth_address_type type) {
  auto s = management();
  auto done = s && release_on(s->fd, static_cast<uint16_t>(adapter), att::view{who.b, sizeof who.b}, type);
  return make_error(errc::locked,
                    std::string{"another program of this machine (BlueZ's daemon, for a paired device) had the "
                                "connection to the device; it was "} +
                        (done ? "ended" : "not to be ended: is this root?"));
}

class bluez_radio final : public radio {
public:
  caf::expected<int> open(const device::bluetooth_address& where, device::bluetooth_address_type type) override {
    auto id = adapter_of(where.adapter);
    if (!id) return id.error();
    descriptor s{::socket(PF_BLUETOOTH, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, BTPROTO_L2CAP)};
    if (s.fd < 0) return unavailable("no L2CAP socket", errno);
    sockaddr_l2 from{};
    from.l2_family = AF_BLUETOOTH;
    from.l2_cid = htobs(att_channel);
    from.l2_bdaddr_type = BDADDR_LE_PUBLIC;
    if (::hci_devba(*id, &from.l2_bdaddr) < 0) return unavailable("adapter hci" + std::to_string(*id), errno);
    if (::bind(s.fd, reinterpret_cast<sockaddr*>(&from), sizeof from) < 0)
      return unavailable("the channel of the Attribute Protocol", errno);
    bt_security security{};
    security.level = where.security == device::bluetooth_security::high     ? BT_SECURITY_HIGH
                     : where.security == device::bluetooth_security::medium ? BT_SECURITY_MEDIUM
                                                                            : BT_SECURITY_LOW;
    if (::setsockopt(s.fd, SOL_BLUETOOTH, BT_SECURITY, &security, sizeof security) < 0)
      return unavailable("security of the connection", errno);
    auto to = from;
    ::str2ba(where.mac.c_str(), &to.l2_bdaddr);
    to.l2_bdaddr_type = kernel_type(type);
    if (::connect(s.fd, reinterpret_cast<sockaddr*>(&to), sizeof to) < 0 && errno != EINPROGRESS && errno != EAGAIN)
      return errno == EBUSY ? release(*id, to.l2_bdaddr, type) : unavailable("cannot connect", errno);
    return std::exchange(s.fd, -1);
  }

  bool raise_security(int fd) override {
    bt_security now{};
    socklen_t size = sizeof now;
    if (::getsockopt(fd, SOL_BLUETOOTH, BT_SECURITY, &now, &size) < 0 || now.level >= BT_SECURITY_HIGH) return false;
    bt_security wanted{};
    wanted.level = static_cast<uint8_t>(std::max<int>(now.level, BT_SECURITY_LOW) + 1);
    return ::setsockopt(fd, SOL_BLUETOOTH, BT_SECURITY, &wanted, sizeof wanted) == 0;
  }

  caf::expected<int> rssi(int fd, const device::bluetooth_address& where) override {
    l2cap_conninfo info{};
    socklen_t size = sizeof info;
    if (::getsockopt(fd, SOL_L2CAP, L2CAP_CONNINFO, &info, &size) < 0) return unavailable("no handle", errno);
    auto id = adapter_of(where.adapter);
    if (!id) return id.error();
    descriptor hci{::hci_open_dev(*id)};
    if (hci.fd < 0) return unavailable("hci" + std::to_string(*id), errno);
    int8_t dbm = 127;
    if (::hci_read_rssi(hci.fd, info.hci_handle, &dbm, rssi_ms_max) < 0)
      return unavailable("the adapter does not tell the signal's strength", errno);
    if (dbm == 127) return make_error(errc::unavailable, "the adapter does not know the signal's strength");
    return dbm;
  }

  caf::expected<std::vector<advertisement>> scan(const std::string& adapter,
                                                 std::chrono::milliseconds how_long) override {
    auto id = adapter_of(adapter);
    if (!id) return id.error();
    auto s = management();
    if (!s) return s.error();
    return scan_on(s->fd, static_cast<uint16_t>(*id), how_long);
  }
};

}  // namespace

std::unique_ptr<radio> make_bluez_radio() { return std::make_unique<bluez_radio>(); }

}  // namespace skerry::drivers::bluetooth
