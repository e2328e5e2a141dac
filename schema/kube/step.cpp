#include "schema/kube/step.hpp"

namespace skerry::kube {
namespace {
void append(std::string& out, const step* s) {
  if (s == nullptr) return;
  append(out, s->up);
  if (s->index == step::is_key) {
    out.append("[").append(s->name).append("]");
  } else if (s->index != step::no_index) {
    out.append("[").append(std::to_string(s->index)).append("]");
  } else if (!s->name.empty()) {
    if (!out.empty()) out += '.';
    out += s->name;
  }
}
}  // namespace

std::string step::path() const {
  std::string out;
  append(out, this);
  return out;
}

}  // namespace skerry::kube
