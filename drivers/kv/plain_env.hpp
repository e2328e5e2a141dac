#pragma once
#include <leveldb/env.h>

namespace skerry::drivers {

/// The file system for LevelDB, reading by pread where LevelDB's own maps whole files into memory (which counts as
/// ours, up to 2 MB a table), and without its LOG file.
class plain_env : public leveldb::EnvWrapper {
public:
  plain_env() : EnvWrapper(leveldb::Env::Default()) {}
  leveldb::Status NewRandomAccessFile(const std::string& path, leveldb::RandomAccessFile** result) override;
  leveldb::Status NewLogger(const std::string& path, leveldb::Logger** result) override;
};

}  // namespace skerry::drivers
