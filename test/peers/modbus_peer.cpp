// A Modbus TCP server for the end-to-end tests, on libmodbus: modbus_peer PORT. Until it is ended, holding register 0
// counts each 100 ms, registers 1 to 89 hold 1001 and on, register 90 how many requests came, registers 100 and above
// answer Illegal data address; input register 0 holds 215, coils are off.
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "test/modbus/server.hpp"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  skerry::test::modbus_server server{std::atoi(argv[1])};
  server.with([](modbus_mapping_t& m) {
    for (int i = 1; i < 90; ++i) m.tab_registers[i] = static_cast<uint16_t>(1000 + i);
    m.tab_input_registers[0] = 215;
  });
  std::printf("listening on %d\n", server.port());
  std::fflush(stdout);
  const timespec tick{0, 100'000'000};
  while (sigtimedwait(&ends, nullptr, &tick) < 0)
    server.with([&](modbus_mapping_t& m) {
      ++m.tab_registers[0];
      m.tab_registers[90] = static_cast<uint16_t>(server.requests());
    });
}
