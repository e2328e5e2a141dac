#pragma once
#include <actors/ports/log.hpp>
#include <actors/ports/runtime.hpp>
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>

#include "image_config.hpp"
#include "oci.hpp"
#include "reference.hpp"

namespace skerry::drivers::oci {

/// A name and what it stands for.
struct image_record {
  std::string name;              ///< normalised
  std::string manifest, config;  ///< digests
  std::string digest_name;       ///< "<repository>@sha256:…" if pulled, the configuration's digest if imported
  uint64_t size_bytes = 0;
  std::vector<std::string> diff_ids;  ///< lowest first
};

/// Images and their unpacked layers. Calls block; all are safe beside each other. A layer is unpacked once, whoever
/// asks.
class images {
public:
  images(const options& o, ports::log& log);

  /// Reads the records; drops those whose parts are missing.
  caf::expected<void> load();
  /// The record of a name, or of a digest reference whose image is here under another name.
  std::optional<image_record> lookup(const reference& r) const;
  caf::expected<image_record> pull(const reference& r);
  caf::expected<image_record> import(const std::string& archive, const std::string& name);
  std::vector<ports::image_info> list() const;
  ports::image_info info(const image_record& r) const;
  /// Forgets one name. Layers go with collect().
  caf::expected<void> remove(const reference& r);
  /// Removes layers and blobs that no name and none of the `used` configuration digests needs.
  void collect(const std::set<std::string>& used);
  caf::expected<image_config> config(const std::string& digest) const;
  /// Directory names below layers/, topmost first, as overlayfs' lowerdir= wants them.
  static std::vector<std::string> lower_directories(const std::vector<std::string>& diff_ids);
  /// Pulls under way fail soon.
  void cancel() { cancelled_ = true; }
  std::string layers_directory() const { return o_.data_dir + "/layers"; }

private:
  struct fetched {
    std::string manifest;  ///< its bytes
    std::string blobs;     ///< directory of files named by the hex of their digests
    std::string name, digest_name;
    std::map<std::string, std::string> known;  ///< hex -> diffID of blobs that are holes: their layers are here
  };
  caf::expected<std::string> skopeo(std::vector<std::string> arguments, const std::string& what, bool registry,
                                    size_t output_max);
  caf::expected<image_record> pull_to(const std::string& directory, const reference& r, fetched& f);
  caf::expected<std::string> name_in(const std::string& archive, bool docker, const std::string& index);
  caf::expected<image_record> take(const fetched& f);
  caf::expected<void> ensure_layer(const fetched& from, const blob& layer, const std::string& diff_id);
  caf::expected<void> unpack(const fetched& from, const blob& layer, const std::string& diff_id);
  std::map<std::string, std::string> offer_known(const std::string& directory);
  std::vector<std::string> bury(const std::set<std::string>& used);
  std::string layer_path(const std::string& diff_id) const;
  std::string blob_path(const std::string& digest) const;
  std::string record_path(const std::string& name) const;

  const options& o_;
  ports::log& log_;
  mutable std::mutex mutex_;
  std::condition_variable unpacked_;
  std::map<std::string, image_record> records_;
  std::set<std::string> unpacking_;      ///< diffIDs
  std::multiset<std::string> reserved_;  ///< diffIDs of pulls under way: not collected
  uint32_t pulls_ = 0;                   ///< under way: blobs are not collected
  std::atomic<uint64_t> last_{0};
  std::atomic<bool> cancelled_{false};
};

}  // namespace skerry::drivers::oci
