#pragma once
#include <caf/expected.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "actors/telemetry/sample.hpp"

namespace skerry::telemetry {

/// The samples of one property in the order in which they were taken, in few bytes: times as the difference of their
/// differences (a steady cycle costs a byte each), qualities only where one is not good, integers and decimal numbers
/// as differences, other numbers as the bytes in which they differ from the one before (Pelkonen and others, "Gorilla:
/// A Fast, Scalable, In-Memory Time Series Database", VLDB 2015, section 4.1, with bytes in place of bits), texts as
/// numbers of texts that came before. All integers are of variable length.
///
///   count, form, first time, time differences ..., qualities (runs), values of all that are not bad ...
std::string pack(const std::vector<sample>& samples);

/// The other way round. Errors: errc::corrupt for bytes that are no such column, for more than
/// limits::column_samples_max samples, and for texts of more than limits::column_text_bytes_max in all.
caf::expected<std::vector<sample>> unpack(std::string_view column);

/// How many samples there are; 0 if it is no column.
uint64_t count_of(std::string_view column);

}  // namespace skerry::telemetry
