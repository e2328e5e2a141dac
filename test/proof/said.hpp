#pragma once
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace skerry::test::proof {

/// What a process of the proof tells its parent, through a pipe: it stays said when the process is killed right after.
struct said {
  enum what_t : uint32_t {
    about,      ///< durable letter `number` of `flow` is about to be sent
    sent,       ///< the send returned
    state,      ///< state `number` of `key` is about to be sent
    shown,      ///< state `number` of `key` was handled at the other end
    up,         ///< the link of `flow` came up the first time in this life
    resumed,    ///< it came up again, `number` ms after it was suspended
    answered,   ///< a request was answered
    suspended,  ///< a request ended with errc::suspended
    failed,     ///< a request ended with another error
    hung,       ///< a request is without an end for `number` ms
    wrong,      ///< what must not be; the text went to standard error
    port,       ///< where it listens
    done        ///< all that it sent is settled
  };
  uint32_t what = 0, flow = 0, key = 0, zero = 0;
  uint64_t number = 0;
};

/// The child's end of the pipe. Writes of one struct are atomic.
class teller_pipe {
public:
  explicit teller_pipe(int fd) : fd_(fd) {}
  void say(said::what_t what, uint32_t flow, uint64_t number = 0, uint32_t key = 0) {
    said s{what, flow, key, 0, number};
    if (::write(fd_, &s, sizeof s) != sizeof s) std::_Exit(3);  // the parent is gone
  }
  void wrong(uint32_t flow, const char* text) {
    std::fprintf(stderr, "wrong: %s (flow %u)\n", text, flow);
    say(said::wrong, flow);
  }

private:
  int fd_;
};

}  // namespace skerry::test::proof
