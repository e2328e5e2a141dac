#include <cstdio>

#include "schema/error.hpp"
#include "tools/skerry/commands.hpp"
#include "tools/skerry/data_dir.hpp"

namespace skerry::tools {

int run_kubeconfig(const options& o) {
  auto text = read_file(o.data_dir + "/admin.kubeconfig");
  if (!text)
    return fail(o, message_of(text.error()) + "; start `skerry cloud` or `skerry up` with this --data-dir first");
  std::fputs(text->c_str(), stdout);
  return 0;
}

}  // namespace skerry::tools
