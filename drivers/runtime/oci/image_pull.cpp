#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <schema/error.hpp>
#include <schema/json.hpp>

#include "fs.hpp"
#include "images.hpp"
#include "layer.hpp"
#include "process.hpp"

namespace skerry::drivers::oci {
namespace {

constexpr size_t manifest_bytes_max = 4 * 1024 * 1024;  ///< as registries bound them

bool says(const std::string& text, std::initializer_list<const char*> any) {
  return std::any_of(any.begin(), any.end(), [&](auto* t) { return text.find(t) != std::string::npos; });
}

/// What a failure of skopeo means, told by its words (it has no exit codes for this).
errc classify(const std::string& text, bool registry) {
  if (says(text, {"no space left on device"})) return errc::full;
  if (says(text, {"manifest unknown", "name unknown", "repository name not known", "NAME_UNKNOWN", "404 (Not Found)",
                  "status 404"}))
    return errc::not_found;
  if (says(text, {"unauthorized", "authentication required", "access to the resource is denied", "requested access",
                  "status 401", "403 (Forbidden)", "invalid username/password"}))
    return errc::unauthorized;
  if (says(text, {"igest did not match", "does not match", "unexpected EOF", "invalid tar header",
                  "gzip:", "invalid character", "corrupt", "unknown compression", "not a valid", "expected"}))
    return errc::corrupt;
  return registry ? errc::unavailable : errc::corrupt;
}

/// The message of skopeo's last log line, without its frame.
std::string fatal_message(const std::string& text) {
  auto at = text.rfind("msg=\"");
  if (at == std::string::npos) return text.substr(0, text.find_last_not_of("\r\n ") + 1);
  auto out = text.substr(at + 5, text.rfind('"') - at - 5);
  for (size_t i; (i = out.find("\\\"")) != std::string::npos;) out.erase(i, 1);
  return out;
}

class scratch {
public:
  explicit scratch(std::string path) : path_{std::move(path)} {}
  ~scratch() { (void)remove_tree(path_); }
  const std::string& path() const { return path_; }

private:
  std::string path_;
};

}  // namespace

/// Puts a hole of the right size where each blob would go whose layer is unpacked already: skopeo then does not fetch
/// it. Those layers are reserved, and told by the hex of the blob's digest.
std::map<std::string, std::string> images::offer_known(const std::string& directory) {
  std::map<std::string, std::string> out;
  std::lock_guard guard{mutex_};
  for (auto& hex : names_in(o_.data_dir + "/blobs/layers")) {
    auto text = read_file(o_.data_dir + "/blobs/layers/" + hex, 256);
    auto diff_id = text ? text->substr(0, text->find(' ')) : std::string{};
    if (!is_sha256(diff_id) || text->size() < 73 || !is_directory(layer_path(diff_id))) continue;
    descriptor fd{open((directory + "/" + hex).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)};
    if (!fd || ftruncate(fd.get(), atoll(text->c_str() + 72)) != 0) {
      unlink((directory + "/" + hex).c_str());
      continue;
    }
    reserved_.insert(diff_id);
    out.emplace(hex, std::move(diff_id));
  }
  return out;
}

caf::expected<std::string> images::skopeo(std::vector<std::string> arguments, const std::string& what, bool registry,
                                          size_t output_max) {
  command c;
  c.arguments = {find_program("skopeo")};
  if (!exists("/etc/containers/policy.json")) c.arguments.push_back("--insecure-policy");
  c.arguments.insert(c.arguments.end(), {"--tmpdir", o_.data_dir + "/tmp"});
  c.arguments.insert(c.arguments.end(), std::make_move_iterator(arguments.begin()),
                     std::make_move_iterator(arguments.end()));
  c.environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8", "GOMAXPROCS=2", "GOGC=50"};
  for (auto* name : {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"})
    if (auto* value = getenv(name)) c.environment.push_back(std::string{name} + "=" + value);
  c.cancel = &cancelled_;
  auto r = run(c, o_.pull_ms_max, output_max);
  if (!r) return std::move(r.error());
  if (cancelled_) return make_error(errc::cancelled, what + ": the driver stops");
  if (r->timed_out)
    return make_error(errc::unavailable, what + ": not done within " + std::to_string(o_.pull_ms_max / 1000) + " s");
  if (r->exit_code != 0) return make_error(classify(r->output, registry), what + ": " + fatal_message(r->output));
  return std::move(r->output);
}

caf::expected<image_record> images::pull(const reference& r) {
  scratch directory{o_.data_dir + "/tmp/pull-" + std::to_string(++last_)};
  if (auto d = make_directories(directory.path() + "/blobs/sha256"); !d) return std::move(d.error());
  {
    std::lock_guard guard{mutex_};
    ++pulls_;
  }
  fetched f;
  auto out = pull_to(directory.path(), r, f);
  std::lock_guard guard{mutex_};
  --pulls_;
  for (auto& [hex, diff_id] : f.known) reserved_.erase(reserved_.find(diff_id));
  return out;
}

/// First what the name stands for now, then exactly that: so the digest that is told is the registry's own (skopeo
/// turns docker's manifests into OCI's on the way), and an image that is here already is not fetched again.
caf::expected<image_record> images::pull_to(const std::string& directory, const reference& r, fetched& f) {
  bool insecure = is_loopback(r.registry) || std::find(o_.insecure_registries.begin(), o_.insecure_registries.end(),
                                                       r.registry) != o_.insecure_registries.end();
  auto what = "cannot pull " + r.text();
  std::vector<std::string> look{"inspect", "--raw"},
      copy{"copy", "--quiet", "--dest-shared-blob-dir", directory + "/blobs"};
  if (insecure) {
    look.push_back("--tls-verify=false");
    copy.push_back("--src-tls-verify=false");
  }
  if (!o_.auth_file.empty()) {
    look.insert(look.end(), {"--authfile", o_.auth_file});
    copy.insert(copy.end(), {"--src-authfile", o_.auth_file});
  }
  look.push_back("docker://" + r.text());
  auto raw = skopeo(std::move(look), what, true, manifest_bytes_max);
  if (!raw) return std::move(raw.error());
  f.name = r.text();
  auto digest = r.digest.empty() ? "sha256:" + sha256_hex(*raw) : r.digest;
  f.digest_name = r.repository_name() + "@" + digest;
  if (auto here = lookup(r); here && here->digest_name == f.digest_name && here->name == f.name) return *here;
  f.known = offer_known(directory + "/blobs/sha256");
  copy.insert(copy.end(), {"docker://" + f.digest_name, "oci:" + directory + "/layout:image"});
  if (auto c = skopeo(std::move(copy), what, true, 8 * 1024); !c) return std::move(c.error());
  auto index = read_file(directory + "/layout/index.json");
  if (!index) return std::move(index.error());
  std::string error;
  auto v = parse_json(*index, error);
  auto& manifests = array_at(v, "manifests");
  auto manifest = manifests.empty() ? std::string{} : std::string{string_at(manifests[0], "digest")};
  if (!is_sha256(manifest)) return make_error(errc::corrupt, what + ": skopeo's layout names no manifest");
  f.blobs = directory + "/blobs/sha256";
  auto text = read_file(f.blobs + "/" + manifest.substr(7));
  if (!text) return std::move(text.error());
  f.manifest = std::move(*text);
  return take(f);
}

/// An archive's own name for its one image.
caf::expected<std::string> images::name_in(const std::string& archive, bool docker, const std::string& index) {
  command show;
  show.arguments = {find_program("tar"), "--extract", "--to-stdout", "--file=" + archive, index};
  show.environment = {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"};
  show.cancel = &cancelled_;
  auto text = run_ok(show, o_.pull_ms_max, manifest_bytes_max);
  if (!text) return std::move(text.error());
  std::string error;
  auto v = parse_json(*text, error);
  if (docker && v.is_array() && v.get_array().size() == 1) {
    auto& tags = array_at(v.get_array()[0], "RepoTags");
    if (!tags.empty() && tags[0].is_string()) return std::string{tags[0].get_string()};
  } else if (!docker && array_at(v, "manifests").size() == 1) {
    auto& notes = object_at(array_at(v, "manifests")[0], "annotations");
    for (auto* key : {"io.containerd.image.name", "org.opencontainers.image.ref.name"})
      if (auto* s = notes.if_contains(key); s && s->is_string()) return std::string{s->get_string()};
  }
  return make_error(errc::invalid, archive + " does not say one name: give one with --name");
}

caf::expected<image_record> images::import(const std::string& archive, const std::string& name) {
  if (!exists(archive)) return make_error(errc::not_found, "cannot import " + archive + ": there is no such file");
  command list;
  list.arguments = {find_program("tar"), "--list", "--file=" + archive, "--exclude=blobs/*"};
  list.environment = {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8"};
  list.cancel = &cancelled_;
  auto names = run(list, o_.pull_ms_max, 256 * 1024);
  if (!names) return std::move(names.error());
  if (!names->ok()) return make_error(errc::corrupt, "cannot import " + archive + ": " + names->output);
  auto has = [&](const std::string& file) {
    return ("\n" + names->output).find("\n" + file + "\n") != std::string::npos;
  };
  bool docker = has("manifest.json");
  if (!docker && !has("index.json") && !has("./index.json"))
    return make_error(errc::corrupt, "cannot import " + archive + ": it is neither an OCI nor a docker archive");
  auto wanted = name.empty() ? name_in(archive, docker,
                                       docker              ? "manifest.json"
                                       : has("index.json") ? "index.json"
                                                           : "./index.json")
                             : caf::expected<std::string>{name};
  if (!wanted) return std::move(wanted.error());
  auto r = parse_reference(*wanted);
  if (!r) return std::move(r.error());
  // skopeo splits at colons: the archive is given to it under a path of ours.
  if (!archive.starts_with('/'))
    return make_error(errc::invalid, "cannot import " + archive + ": give its absolute path");
  scratch link{o_.data_dir + "/tmp/archive-" + std::to_string(++last_)},
      directory{o_.data_dir + "/tmp/import-" + std::to_string(last_)};
  if (symlink(archive.c_str(), link.path().c_str()) != 0) return io_error("cannot link", link.path());
  if (auto d = make_directories(directory.path()); !d) return std::move(d.error());
  auto source = (docker ? "docker-archive:" : "oci-archive:") + link.path();
  {
    std::lock_guard guard{mutex_};
    ++pulls_;
  }
  auto copied =
      skopeo({"copy", "--quiet", source, "dir:" + directory.path()}, "cannot import " + archive, false, 8 * 1024);
  auto text = copied ? read_file(directory.path() + "/manifest.json") : std::move(copied);
  auto out =
      text ? take({std::move(*text), directory.path(), r->text(), "", {}}) : caf::expected<image_record>{text.error()};
  {
    std::lock_guard guard{mutex_};
    --pulls_;
  }
  if (out) return out;
  auto said = message_of(out.error());
  for (size_t at; (at = said.find(link.path())) != std::string::npos;) said.replace(at, link.path().size(), archive);
  if (said.find(archive) == std::string::npos) said = "cannot import " + archive + ": " + said;
  return make_error(code_of(out.error()), said);
}

caf::expected<void> images::unpack(const fetched& from, const blob& layer, const std::string& diff_id) {
  auto hex = layer.digest.substr(7);
  auto file = from.blobs + "/" + hex;
  if (auto known = from.known.find(hex); known != from.known.end())
    return make_error(errc::corrupt,
                      "layer " + layer.digest + " holds " + known->second + ", not " + diff_id + " as the image says");
  scratch half{o_.data_dir + "/tmp/layer-" + std::to_string(++last_)};
  if (auto r = make_directories(half.path()); !r) return r;
  if (auto r = unpack_layer(file, diff_id, half.path(), o_.pull_ms_max, cancelled_); !r) return r;
  {
    descriptor fd{open(half.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!fd || syncfs(fd.get()) != 0) return io_error("cannot sync", half.path());
  }
  if (rename(half.path().c_str(), layer_path(diff_id).c_str()) != 0)
    return io_error("cannot place layer", layer_path(diff_id));
  return write_atomic(o_.data_dir + "/blobs/layers/" + layer.digest.substr(7),
                      diff_id + " " + std::to_string(layer.size_bytes));
}

}  // namespace skerry::drivers::oci
