#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

/// Who may reach whom over links.
namespace skerry::link {

/// What an island wants of an actor of another one.
struct passage {
  enum class errand : uint8_t {
    tell,   ///< a fleeting letter that wants no answer
    ask,    ///< a letter that wants an answer, or is kept until it is handled (latest, durable)
    watch,  ///< to hear when the actor ends
    exit,   ///< that it ends
  };
  std::string_view from;  ///< the island
  std::string_view to;    ///< the actor's path
  errand what = errand::ask;
  bool invited = false;  ///< of a REPL's actor: it wrote to `from` within the last invitation_ms
};

/// May it be let through? Asked for each letter; answers to requests are not asked about: they go to who asked.
using reach_policy = std::function<bool(const passage&)>;

/// The cloud and REPLs reach everything; controllers all but the inspectors (<island>/admin) of other islands. A node
/// reaches what stands below /cloud, but not /cloud/admin, and ends nobody; it tells (and no more) those actors of
/// REPLs that wrote to it lately: what they trace there. Nobody speaks for another island.
bool default_reach(const passage& p);

inline constexpr int64_t invitation_ms = 60'000;
inline constexpr size_t invitations_max = 16'384;  ///< then the ones that end first go

/// Which REPLs' actors have lately written to which islands. Callable from any thread.
class invitations {
public:
  /// The actor at `by`, of a REPL, writes to an actor of `island`.
  void note(std::string_view by, std::string_view island, int64_t now_ms);
  /// Did `by` write to `island` within the last invitation_ms?
  bool hold(std::string_view by, std::string_view island, int64_t now_ms) const;
  /// The island is gone: what it asked, and what it was asked.
  void forget(std::string_view island);
  size_t size() const;

private:
  struct pair {
    std::string by, island;
    auto operator<=>(const pair&) const = default;
  };
  mutable std::mutex mutex_;
  std::map<pair, int64_t> ends_ms_;
};

}  // namespace skerry::link
