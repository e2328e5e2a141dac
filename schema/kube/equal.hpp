#pragma once
#include "schema/json.hpp"

namespace skerry::kube {

/// True if both are the same value; the order of keys does not count, int64 and uint64 of the same number are the same.
/// (boost::json::object::operator== of 1.81 copies each member that it compares: some fifty times slower on a pod.)
bool equal(const json::value& a, const json::value& b);
bool equal(const json::object& a, const json::object& b);

}  // namespace skerry::kube
