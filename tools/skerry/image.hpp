#pragma once
#include <functional>
#include <string>

#include "actors/ports/runtime.hpp"

namespace skerry::tools {

/// Answers a request of `skerry image` over the runtime: {"verb": "import" | "pull" | "list" | "remove", "file",
/// "name"} ->
/// {"images": [{"id", "names", "size"}]} or {"error"}. `reply` is called once. The running agent serves it on its
/// admin socket; without an agent the command calls it itself.
void serve_images(ports::runtime& runtime, const std::string& request, std::function<void(std::string)> reply);

}  // namespace skerry::tools
