#include "images.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <schema/error.hpp>
#include <schema/json.hpp>

#include "fs.hpp"

namespace skerry::drivers::oci {
namespace {

json::array to_json(const std::vector<std::string>& list) {
  json::array out;
  for (auto& s : list) out.emplace_back(s);
  return out;
}

}  // namespace

images::images(const options& o, ports::log& log) : o_{o}, log_{log} {}

std::string images::layer_path(const std::string& diff_id) const {
  return layers_directory() + "/" + diff_id.substr(7, 24);
}
std::string images::blob_path(const std::string& digest) const {
  return o_.data_dir + "/blobs/sha256/" + digest.substr(7);
}
std::string images::record_path(const std::string& name) const {
  return o_.data_dir + "/images/" + sha256_hex(name).substr(0, 32) + ".json";
}

std::vector<std::string> images::lower_directories(const std::vector<std::string>& diff_ids) {
  std::vector<std::string> out;
  for (auto i = diff_ids.rbegin(); i != diff_ids.rend(); ++i) out.push_back(i->substr(7, 24));
  if (out.empty()) out.push_back("empty");  // FROM scratch, with nothing in it
  return out;
}

caf::expected<void> images::load() {
  for (auto* d : {"/images", "/layers/empty", "/blobs/sha256", "/blobs/layers"})
    if (auto r = make_directories(o_.data_dir + d); !r) return r;
  std::lock_guard guard{mutex_};
  for (auto& file : names_in(o_.data_dir + "/images")) {
    auto path = o_.data_dir + "/images/" + file;
    auto text = read_file(path);
    std::string error = text ? "" : message_of(text.error());
    auto v = text ? parse_json(*text, error) : json::value{};
    image_record r;
    r.name = string_at(v, "name");
    r.manifest = string_at(v, "manifest");
    r.config = string_at(v, "config");
    r.digest_name = string_at(v, "digestName");
    r.size_bytes = static_cast<uint64_t>(int_at(v, "size"));
    for (auto& d : array_at(v, "diffIDs"))
      if (d.is_string()) r.diff_ids.emplace_back(d.get_string().c_str());
    bool whole =
        error.empty() && !r.name.empty() && is_sha256(r.config) && is_sha256(r.manifest) && exists(blob_path(r.config));
    for (auto& d : r.diff_ids) whole = whole && is_sha256(d) && is_directory(layer_path(d));
    if (whole && path == record_path(r.name)) {
      records_[r.name] = std::move(r);
    } else {
      log_.warning("oci/images", "dropped the record " + path + ": its image is not whole; it will be pulled again");
      unlink(path.c_str());
    }
  }
  return caf::unit;
}

std::optional<image_record> images::lookup(const reference& r) const {
  std::lock_guard guard{mutex_};
  if (auto i = records_.find(r.text()); i != records_.end()) return i->second;
  if (r.digest.empty()) return std::nullopt;
  for (auto& [name, record] : records_)
    if (record.digest_name == r.text() || record.manifest == r.digest) return record;
  return std::nullopt;
}

ports::image_info images::info(const image_record& r) const {
  std::lock_guard guard{mutex_};
  ports::image_info out;
  out.id = r.config;
  out.size_bytes = r.size_bytes;
  for (auto& [name, other] : records_)
    if (other.config == r.config) out.names.push_back(name);
  return out;
}

std::vector<ports::image_info> images::list() const {
  std::lock_guard guard{mutex_};
  std::map<std::string, ports::image_info> by_id;
  for (auto& [name, r] : records_) {
    auto& i = by_id[r.config];
    i.id = r.config;
    i.size_bytes = r.size_bytes;
    i.names.push_back(name);
  }
  std::vector<ports::image_info> out;
  for (auto& [id, i] : by_id) out.push_back(std::move(i));
  return out;
}

caf::expected<void> images::remove(const reference& r) {
  std::lock_guard guard{mutex_};
  auto i = records_.find(r.text());
  if (i == records_.end()) return caf::unit;
  if (unlink(record_path(i->first).c_str()) != 0 && errno != ENOENT)
    return io_error("cannot remove", record_path(i->first));
  records_.erase(i);
  return caf::unit;
}

caf::expected<image_config> images::config(const std::string& digest) const {
  auto text = read_file(blob_path(digest));
  if (!text) return std::move(text.error());
  return parse_image_config(*text);
}

void images::collect(const std::set<std::string>& used) {
  // What takes long, removing trees, is done when others may look things up again.
  for (auto& grave : bury(used))
    if (auto r = remove_tree(grave); !r) log_.warning("oci/images", message_of(r.error()));
}

std::vector<std::string> images::bury(const std::set<std::string>& used) {
  std::vector<std::string> graves;
  std::lock_guard guard{mutex_};
  std::set<std::string> blobs, layers{"empty"};
  for (auto& [name, r] : records_) {
    blobs.insert(r.manifest.substr(7));
    blobs.insert(r.config.substr(7));
    for (auto& d : r.diff_ids) layers.insert(d.substr(7, 24));
  }
  for (auto& digest : used) {
    if (!is_sha256(digest)) continue;
    blobs.insert(digest.substr(7));
    if (auto c = config(digest))
      for (auto& d : c->diff_ids) layers.insert(d.substr(7, 24));
  }
  for (auto& d : reserved_) layers.insert(d.substr(7, 24));
  for (auto& name : names_in(layers_directory())) {
    if (layers.contains(name)) continue;
    // Renamed first: a half-removed layer must never be found under its own name.
    auto grave = o_.data_dir + "/tmp/layer-" + name + "-" + std::to_string(++last_);
    if (rename((layers_directory() + "/" + name).c_str(), grave.c_str()) == 0) graves.push_back(std::move(grave));
  }
  if (pulls_ > 0) return graves;
  for (auto& name : names_in(o_.data_dir + "/blobs/sha256"))
    if (!blobs.contains(name)) unlink((o_.data_dir + "/blobs/sha256/" + name).c_str());
  for (auto& name : names_in(o_.data_dir + "/blobs/layers")) {
    auto path = o_.data_dir + "/blobs/layers/" + name;
    auto text = read_file(path);
    if (!text || text->size() < 31 || !layers.contains(text->substr(7, 24))) unlink(path.c_str());
  }
  return graves;
}

caf::expected<image_record> images::take(const fetched& f) {
  auto& name = f.name;
  auto m = parse_manifest(f.manifest);
  if (!m) return std::move(m.error());
  auto config_text = read_file(f.blobs + "/" + m->config.digest.substr(7));
  if (!config_text) return std::move(config_text.error());
  if ("sha256:" + sha256_hex(*config_text) != m->config.digest)
    return make_error(errc::corrupt, name + ": its configuration is not what its manifest says");
  auto c = parse_image_config(*config_text);
  if (!c) return std::move(c.error());
  if (c->diff_ids.size() != m->layers.size())
    return make_error(errc::corrupt, name + ": its manifest has " + std::to_string(m->layers.size()) +
                                         " layers, its configuration " + std::to_string(c->diff_ids.size()));
  image_record r;
  r.name = name;
  r.manifest = "sha256:" + sha256_hex(f.manifest);
  r.config = m->config.digest;
  r.digest_name = f.digest_name.empty() ? r.config : f.digest_name;
  r.diff_ids = c->diff_ids;
  r.size_bytes = m->config.size_bytes;
  for (auto& l : m->layers) r.size_bytes += l.size_bytes;
  {
    std::lock_guard guard{mutex_};
    for (auto& d : r.diff_ids) reserved_.insert(d);
  }
  caf::error failed;
  for (size_t i = 0; i < m->layers.size() && !failed; ++i)
    if (auto done = ensure_layer(f, m->layers[i], c->diff_ids[i]); !done) failed = done.error();
  std::lock_guard guard{mutex_};
  for (auto& d : r.diff_ids) reserved_.erase(reserved_.find(d));
  if (failed) return make_error(code_of(failed), name + ": " + message_of(failed));
  if (auto w = write_atomic(blob_path(r.manifest), f.manifest); !w) return std::move(w.error());
  if (auto w = write_atomic(blob_path(r.config), *config_text); !w) return std::move(w.error());
  json::object v{{"name", r.name},       {"manifest", r.manifest},
                 {"config", r.config},   {"digestName", r.digest_name},
                 {"size", r.size_bytes}, {"diffIDs", to_json(r.diff_ids)}};
  if (auto w = write_atomic(record_path(name), json::serialize(v)); !w) return std::move(w.error());
  records_[name] = r;
  return r;
}

caf::expected<void> images::ensure_layer(const fetched& from, const blob& layer, const std::string& diff_id) {
  auto place = layer_path(diff_id);
  {
    std::unique_lock lock{mutex_};
    unpacked_.wait(lock, [&] { return !unpacking_.contains(diff_id); });
    if (is_directory(place)) return caf::unit;
    unpacking_.insert(diff_id);
  }
  auto done = unpack(from, layer, diff_id);
  std::lock_guard guard{mutex_};
  unpacking_.erase(diff_id);
  unpacked_.notify_all();
  return done;
}

}  // namespace skerry::drivers::oci
