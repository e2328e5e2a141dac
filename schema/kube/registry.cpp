#include "schema/kube/registry.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>

extern "C" {
extern const char skerry_table_types[], skerry_table_types_end[];
extern const char skerry_table_resources[], skerry_table_resources_end[];
extern const char skerry_table_served[], skerry_table_served_end[];
}

namespace skerry::kube {
namespace {

/// Cuts `text` at the first `by` and returns what stood before it.
std::string_view cut(std::string_view& text, char by) {
  auto at = text.find(by);
  auto head = text.substr(0, at);
  text = at == std::string_view::npos ? std::string_view{} : text.substr(at + 1);
  return head;
}

std::vector<std::string_view> split(std::string_view text, char by) {
  std::vector<std::string_view> out;
  if (text.empty() || text == "-") return out;
  while (!text.empty()) out.push_back(cut(text, by));
  return out;
}

[[noreturn]] void fail(std::string_view table, std::string_view line, std::string_view why) {
  throw std::runtime_error("schema/kubernetes/" + std::string{table} + ": " + std::string{why} + ": " +
                           std::string{line});
}

struct scalar {
  std::string_view name;
  wire what;
};
constexpr scalar scalars[] = {
    {"any", wire::any},           {"any-object", wire::any_object}, {"boolean", wire::boolean},
    {"bytes", wire::bytes},       {"double", wire::real},           {"int-or-string", wire::int_or_string},
    {"int32", wire::int32},       {"int64", wire::int64},           {"microtime", wire::microtime},
    {"quantity", wire::quantity}, {"string", wire::string},         {"time", wire::time}};

bool wrapped(std::string_view s, char open, char close) {
  return s.size() > 2 && s.front() == open && s.back() == close;
}

/// Reads the shape off a wire type and returns the name inside.
std::string_view unwrap(std::string_view type, shape& form) {
  if (wrapped(type, '[', ']')) {
    form = shape::list;
    return type.substr(1, type.size() - 2);
  }
  if (!wrapped(type, '{', '}')) return type;
  form = shape::map;
  type = type.substr(1, type.size() - 2);
  if (!wrapped(type, '[', ']')) return type;
  form = shape::map_of_lists;
  return type.substr(1, type.size() - 2);
}

void read_flags(field_info& f, std::string_view flags, std::string_view line) {
  while (!flags.empty()) {
    auto flag = cut(flags, ' ');
    auto name = cut(flag, '=');
    if (name == "required") {
      f.required = true;
    } else if (name == "list" || name == "map") {
      f.merge = flag == "atomic" ? merge_type::atomic
                : flag == "set"  ? merge_type::set
                : flag == "map"  ? merge_type::keyed
                                 : merge_type::granular;
    } else if (name == "patch") {
      f.patch_merge = flag == "merge" || flag == "merge,retainKeys";
      f.patch_retain_keys = flag == "retainKeys" || flag == "merge,retainKeys";
      f.patch_replace = flag == "replace";
    } else if (name == "mergeKey") {
      f.merge_key = flag;
    } else if (name == "keys") {
      f.keys = flag;
    } else if (!name.empty()) {
      fail("types.tsv", line, "unknown flag");
    }
  }
}

/// REST verbs of the table in the words of discovery.
std::vector<std::string_view> verbs_of(std::string_view text) {
  std::vector<std::string_view> out;
  for (auto v : split(text, ',')) {
    out.push_back(v == "post" ? "create" : v == "put" ? "update" : v);
    if (v == "list") out.push_back("watch");
  }
  std::sort(out.begin(), out.end());
  return out;
}

column_info read_column(std::string_view text, std::string_view line) {
  column_info c;
  c.name = cut(text, '=');
  if (!c.name.empty() && c.name.back() == '+') {
    c.wide = true;
    c.name.remove_suffix(1);
  }
  c.source = cut(text, '|');
  c.absent = text;
  if (c.source.empty()) c.source = c.name == "Name" ? ".metadata.name" : c.name == "Age" ? "@age" : "";
  if (c.name.empty() || (c.source[0] != '.' && c.source[0] != '@')) fail("served.tsv", line, "column without a source");
  return c;
}

/// A line of resources.tsv.
struct table_row {
  std::string_view group_version, resource, kind, kind_group_version, scope, verbs;
};

void split_group_version(std::string_view gv, std::string_view& group, std::string_view& version) {
  auto slash = gv.find('/');
  group = slash == std::string_view::npos ? std::string_view{} : gv.substr(0, slash);
  version = slash == std::string_view::npos ? gv : gv.substr(slash + 1);
}

/// Names of one type differ in length and in these three letters more often than not.
size_t slot_hash(std::string_view s) {
  if (s.empty()) return 0;
  auto c = [&](size_t i) { return static_cast<size_t>(static_cast<unsigned char>(s[i])); };
  return s.size() * 7 + c(0) * 31 + c(s.size() / 2) * 5 + c(s.size() - 1) * 3;
}

std::string lower(std::string_view s) {
  std::string out{s};
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

}  // namespace

const field_info* type_info::find(std::string_view field) const {
  if (slots.empty()) return nullptr;
  auto mask = slots.size() - 1;
  for (auto at = slot_hash(field) & mask; slots[at] != 0; at = (at + 1) & mask)
    if (const auto& f = fields[slots[at] - 1U]; f.name == field) return &f;
  return nullptr;
}

const subresource_info* resource_info::subresource(std::string_view wanted) const {
  for (const auto& s : subresources)
    if (s.name == wanted) return &s;
  return nullptr;
}

registry::registry()
    : registry({skerry_table_types, skerry_table_types_end}, {skerry_table_resources, skerry_table_resources_end},
               {skerry_table_served, skerry_table_served_end}) {}

registry::registry(std::string_view types, std::string_view resources, std::string_view served) {
  parse_types(types);
  parse_resources(resources, served);
}

void registry::parse_types(std::string_view text) {
  // Two passes: names first, as fields refer to types that come later; fields_ is sized before any span is taken.
  std::vector<std::pair<size_t, size_t>> ranges;
  std::vector<std::string_view> type_names;
  for (auto rest = text; !rest.empty();) {
    auto line = cut(rest, '\n');
    if (line.empty() || line[0] == '#') continue;
    if (line[0] != '\t') {
      auto flags = line;
      auto& t = types_.emplace_back();
      t.name = cut(flags, '\t');
      t.atomic = flags.find("map=atomic") != std::string_view::npos;
      by_type_.emplace(types_.back().name, &types_.back());
      if (auto at = flags.find("gvk="); at != std::string_view::npos) {
        auto gvk = flags.substr(at + 4);
        by_gvk_.emplace(cut(gvk, ' '), &types_.back());
      }
      ranges.emplace_back(fields_.size(), fields_.size());
      continue;
    }
    if (ranges.empty()) fail("types.tsv", line, "a field before any type");
    auto columns = line.substr(1);
    field_info f;
    f.name = cut(columns, '\t');
    type_names.push_back(unwrap(cut(columns, '\t'), f.form));
    read_flags(f, columns, line);
    fields_.push_back(f);
    ranges.back().second = fields_.size();
  }
  for (size_t i = 0; i < fields_.size(); ++i) {
    auto it = std::lower_bound(std::begin(scalars), std::end(scalars), type_names[i],
                               [](const scalar& s, std::string_view n) { return s.name < n; });
    if (it != std::end(scalars) && it->name == type_names[i]) {
      fields_[i].what = it->what;
    } else if (const auto* t = find_type(type_names[i])) {
      fields_[i].what = wire::object;
      fields_[i].type = t;
    } else {
      fail("types.tsv", type_names[i], "unknown type");
    }
  }
  fields_.shrink_to_fit();
  for (size_t i = 0; i < types_.size(); ++i) {
    std::span<field_info> mine{fields_.data() + ranges[i].first, ranges[i].second - ranges[i].first};
    std::sort(mine.begin(), mine.end(), [](const field_info& a, const field_info& b) { return a.name < b.name; });
    if (mine.size() > 200) fail("types.tsv", types_[i].name, "more than 200 fields");
    types_[i].fields = mine;
  }
  index_types();
}

void registry::index_types() {
  auto slots_of = [](const type_info& t) {
    size_t n = 2;
    while (n < t.fields.size() * 2) n *= 2;
    return n;
  };
  size_t total = 0;
  for (const auto& t : types_) total += slots_of(t);
  slots_.assign(total, 0);
  total = 0;
  for (auto& t : types_) {
    std::span<uint8_t> mine{slots_.data() + total, slots_of(t)};
    total += mine.size();
    for (size_t i = 0; i < t.fields.size(); ++i) {
      auto at = slot_hash(t.fields[i].name) & (mine.size() - 1);
      while (mine[at] != 0) at = (at + 1) & (mine.size() - 1);
      mine[at] = static_cast<uint8_t>(i + 1);
      t.required = static_cast<uint16_t>(t.required + (t.fields[i].required ? 1 : 0));
    }
    t.slots = mine;
    t.wants = t.required > 0;
  }
  // What is wanted below is wanted above; types refer to each other in rings, so until nothing changes.
  for (bool changed = true; changed;) {
    changed = false;
    for (auto& t : types_)
      for (const auto& f : t.fields)
        if (!t.wants && f.type != nullptr && f.type->wants) t.wants = changed = true;
  }
}

void registry::parse_resources(std::string_view resources, std::string_view served) {
  std::vector<table_row> rows;
  for (auto rest = resources; !rest.empty();) {
    auto line = cut(rest, '\n');
    if (line.empty() || line[0] == '#') continue;
    table_row r;
    for (auto* part : {&r.group_version, &r.resource, &r.kind, &r.kind_group_version, &r.scope, &r.verbs})
      *part = cut(line, '\t');
    rows.push_back(r);
  }
  auto row = [&](std::string_view gv, std::string_view plural, std::string_view sub) -> const table_row* {
    for (const auto& r : rows) {
      auto rest = r.resource;
      auto head = cut(rest, '/');
      if (r.group_version == gv && head == plural && rest == sub) return &r;
    }
    return nullptr;
  };
  auto type_of = [&](const table_row& r, std::string_view line) {
    auto it = by_gvk_.find(std::string{r.kind_group_version} + "/" + std::string{r.kind});
    if (it == by_gvk_.end()) fail("served.tsv", line, "kind without a type in types.tsv");
    return it->second;
  };
  for (auto rest = served; !rest.empty();) {
    auto line = cut(rest, '\n');
    if (line.empty() || line[0] == '#') continue;
    auto whole = line;
    auto gv = cut(line, '\t');
    auto plural = cut(line, '\t');
    const auto* r = row(gv, plural, {});
    if (r == nullptr) fail("served.tsv", whole, "not in resources.tsv");
    auto& info = resources_.emplace_back();
    split_group_version(gv, info.group, info.version);
    info.api_version = gv;
    info.plural = plural;
    info.id = info.group.empty() ? std::string{plural} : std::string{plural} + "." + std::string{info.group};
    info.kind = r->kind;
    info.singular = lower(r->kind);
    info.list_kind = std::string{r->kind} + "List";
    info.namespaced = r->scope == "namespaced";
    info.verbs = verbs_of(r->verbs);
    info.type = type_of(*r, whole);
    info.short_names = split(cut(line, '\t'), ',');
    info.categories = split(cut(line, '\t'), ',');
    info.field_selectors = split(cut(line, '\t'), ',');
    for (auto name : split(cut(line, '\t'), ',')) {
      const auto* s = row(gv, plural, name);
      if (s == nullptr) fail("served.tsv", whole, "subresource not in resources.tsv");
      subresource_info sub{name, s->kind, {}, {}, verbs_of(s->verbs), type_of(*s, whole)};
      split_group_version(s->kind_group_version, sub.group, sub.version);
      info.subresources.push_back(std::move(sub));
    }
    for (auto c : split(line, ';')) info.columns.push_back(read_column(c, whole));
    by_id_.emplace(info.id, &info);
  }
}

const resource_info* registry::find(std::string_view group, std::string_view version, std::string_view plural) const {
  for (const auto& r : resources_)
    if (r.plural == plural && r.group == group && r.version == version) return &r;
  return nullptr;
}

const resource_info* registry::find_id(std::string_view id) const {
  auto it = by_id_.find(id);
  return it == by_id_.end() ? nullptr : it->second;
}

const resource_info* registry::find_kind(std::string_view api_version, std::string_view kind) const {
  for (const auto& r : resources_)
    if (r.kind == kind && r.api_version == api_version) return &r;
  return nullptr;
}

const type_info* registry::find_type(std::string_view name) const {
  auto it = by_type_.find(name);
  return it == by_type_.end() ? nullptr : it->second;
}

}  // namespace skerry::kube
