#pragma once
#include <caf/error.hpp>

#include "tools/skerry/options.hpp"

namespace skerry::tools {

struct extensions;

/// Exit codes of every command: 0 done, 1 failed, 2 wrong usage. Errors go to standard error.
int run_cloud(const options& o, const extensions& with);
int run_edge(const options& o, const extensions& with);
int run_up(const options& o, const extensions& with);
int run_token(const options& o);
int run_image(const options& o);
int run_discover(const options& o);
int run_kubeconfig(const options& o);
int run_version(const options& o);
/// Becomes the program skerry-repl, with the arguments of this one; returns only if that fails.
int run_repl(const options& o, char** argv);

/// Prints "skerry COMMAND: message" and returns 1.
int fail(const options& o, const std::string& message);
/// The same for an error; one about the values that were given (errc::invalid) is wrong usage, 2.
int fail(const options& o, const caf::error& error);
/// Prints the message and the way to the help, and returns 2.
int misuse(const options& o, const std::string& message);

}  // namespace skerry::tools
