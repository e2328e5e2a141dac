#pragma once
#include "schema/json.hpp"

namespace skerry::kube {

/// Makes a cell of a table: `arguments` is what stands behind the function's name in served.tsv.
using column_function = json::value (*)(const json::value& object, std::string_view arguments, int64_t now_ms);

/// Returns the function that served.tsv calls @name, or nullptr. As
/// k8s.io/kubernetes/pkg/printers/internalversion/printers.go prints.
column_function find_column(std::string_view name);

}  // namespace skerry::kube
