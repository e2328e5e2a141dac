#pragma once
#include <string>

#include "schema/admin.capnp.h"
#include "tools/skerry/repl/codec.hpp"

/// Answers as people read them. Pure.
namespace skerry::tools::repl {

/// Marks by colour what asks for attention, or does not.
struct style {
  bool colour = false;
  size_t width = 0;  ///< lines are cut there; 0: not cut
};

std::string tree_text(schema::Tree::Reader t, const style& s);
std::string names_text(schema::Names::Reader n);
std::string info_text(schema::Info::Reader i);
std::string crashes_text(schema::Crashes::Reader c);
std::string links_text(schema::Links::Reader l, const style& s);
/// `title` is the first line.
std::string top_text(schema::Top::Reader t, const std::string& title, const style& s);
/// One line; `words` decode what the letter holds.
std::string traced_text(schema::Traced::Reader t, const std::string& decoded, const style& s);

/// "running", as the schema names it.
std::string phase_text(schema::ActorView::Phase p);
std::string text_of(capnp::Text::Reader t);

}  // namespace skerry::tools::repl
