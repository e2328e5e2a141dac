#pragma once
#include <boost/json/storage_ptr.hpp>

#include "schema/json.hpp"

namespace skerry {

/// As parse_json; the value takes its memory from `storage`, such as one block for the whole document.
json::value parse_json(std::string_view text, std::string& error, json::storage_ptr storage);

}  // namespace skerry
