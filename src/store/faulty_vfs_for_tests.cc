#include "store/faulty_vfs_for_tests.h"

#include <dlfcn.h>
#include <sqlite3.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <vector>

namespace sts::store {
namespace {

/// A write or, without bytes, a truncation.
struct Change {
  std::size_t offset;
  std::string bytes;
  bool truncation;
};
struct Contents {
  std::string synced;
  std::vector<Change> since;
};

DiskFaults faults;
int writes = 0, syncs = 0;
bool dark = false;
std::map<std::string, Contents> files;
sqlite3_vfs* real = nullptr;

struct File {
  sqlite3_file base;
  Contents* contents;  // null: not a file whose loss matters
  const char* path;
  sqlite3_file* below() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};
File* of(sqlite3_file* file) { return reinterpret_cast<File*>(file); }

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void apply(std::string& to, const Change& change) {
  if (change.truncation) return to.resize(std::min(to.size(), change.offset));
  to.resize(std::max(to.size(), change.offset + change.bytes.size()));
  to.replace(change.offset, change.bytes.size(), change.bytes);
}

/// SQLITE_OK where it may go on.
int change(File* file, Change one) {
  if (dark) return SQLITE_IOERR_WRITE;
  ++writes;
  if (writes == faults.write) return faults.error;
  const bool last = writes == faults.power_lost;
  if (last) one.bytes.resize(one.bytes.size() / 2);
  if (file->contents != nullptr) file->contents->since.push_back(std::move(one));
  dark = last;
  return last ? SQLITE_IOERR_WRITE : SQLITE_OK;
}

int close(sqlite3_file* file) { return of(file)->below()->pMethods->xClose(of(file)->below()); }
int read(sqlite3_file* file, void* to, int size, sqlite3_int64 at) {
  if (dark) return SQLITE_IOERR_READ;
  return of(file)->below()->pMethods->xRead(of(file)->below(), to, size, at);
}
int write(sqlite3_file* file, const void* from, int size, sqlite3_int64 at) {
  const auto bytes = std::string(static_cast<const char*>(from), static_cast<std::size_t>(size));
  if (const int bad = change(of(file), {static_cast<std::size_t>(at), bytes, false})) return bad;
  return of(file)->below()->pMethods->xWrite(of(file)->below(), from, size, at);
}
int truncate(sqlite3_file* file, sqlite3_int64 size) {
  if (const int bad = change(of(file), {static_cast<std::size_t>(size), {}, true})) return bad;
  return of(file)->below()->pMethods->xTruncate(of(file)->below(), size);
}
int sync(sqlite3_file* file, int) {
  if (dark) return SQLITE_IOERR_FSYNC;
  if (++syncs == faults.sync) return SQLITE_IOERR_FSYNC;
  if (auto* contents = of(file)->contents) {
    for (const auto& one : contents->since) apply(contents->synced, one);
    contents->since.clear();
  }
  return SQLITE_OK;  // the real disk doesn't matter
}
int size(sqlite3_file* file, sqlite3_int64* out) {
  return of(file)->below()->pMethods->xFileSize(of(file)->below(), out);
}
int lock(sqlite3_file* file, int how) {
  return of(file)->below()->pMethods->xLock(of(file)->below(), how);
}
int unlock(sqlite3_file* file, int how) {
  return of(file)->below()->pMethods->xUnlock(of(file)->below(), how);
}
int check_lock(sqlite3_file* file, int* out) {
  return of(file)->below()->pMethods->xCheckReservedLock(of(file)->below(), out);
}
int control(sqlite3_file* file, int what, void* argument) {
  return of(file)->below()->pMethods->xFileControl(of(file)->below(), what, argument);
}
int sector(sqlite3_file* file) {
  return of(file)->below()->pMethods->xSectorSize(of(file)->below());
}
// None of the real one's: power may be lost in the middle of a sector.
int characteristics(sqlite3_file*) { return 0; }
int map_shared(sqlite3_file* file, int page, int bytes, int extend, void volatile** out) {
  return of(file)->below()->pMethods->xShmMap(of(file)->below(), page, bytes, extend, out);
}
int lock_shared(sqlite3_file* file, int offset, int count, int flags) {
  return of(file)->below()->pMethods->xShmLock(of(file)->below(), offset, count, flags);
}
void barrier(sqlite3_file* file) { of(file)->below()->pMethods->xShmBarrier(of(file)->below()); }
int unmap_shared(sqlite3_file* file, int remove) {
  return of(file)->below()->pMethods->xShmUnmap(of(file)->below(), remove);
}

const sqlite3_io_methods methods = {2,
                                    close,
                                    read,
                                    write,
                                    truncate,
                                    sync,
                                    size,
                                    lock,
                                    unlock,
                                    check_lock,
                                    control,
                                    sector,
                                    characteristics,
                                    map_shared,
                                    lock_shared,
                                    barrier,
                                    unmap_shared,
                                    nullptr,
                                    nullptr};

int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  auto* made = of(file);
  made->base.pMethods = nullptr;
  made->contents = nullptr;
  if (dark) return SQLITE_CANTOPEN;
  const int opened = real->xOpen(real, name, made->below(), flags, out_flags);
  if (opened != SQLITE_OK) return opened;
  made->base.pMethods = &methods;
  if (name != nullptr) {
    const auto known = files.find(name);
    made->contents =
        &(known != files.end() ? known : files.emplace(name, Contents{read(name), {}}).first)
             ->second;
  }
  return SQLITE_OK;
}

int remove(sqlite3_vfs*, const char* name, int sync_directory) {
  if (dark) return SQLITE_IOERR_DELETE;
  if (const auto known = files.find(name); known != files.end()) known->second = {};
  return real->xDelete(real, name, sync_directory);
}

void install() {
  if (real != nullptr) return;
  void* library = ::dlopen("libsqlite3.so.0", RTLD_NOW | RTLD_LOCAL);
  const auto find =
      reinterpret_cast<decltype(&sqlite3_vfs_find)>(dlsym(library, "sqlite3_vfs_find"));
  const auto add =
      reinterpret_cast<decltype(&sqlite3_vfs_register)>(dlsym(library, "sqlite3_vfs_register"));
  if (find == nullptr || add == nullptr) std::abort();
  real = find(nullptr);
  static sqlite3_vfs faulty = *real;
  faulty.szOsFile = static_cast<int>(sizeof(File)) + real->szOsFile;
  faulty.zName = "faulty";
  faulty.xOpen = open;
  faulty.xDelete = remove;
  add(&faulty, 1);
}

}  // namespace

void inject(const DiskFaults& wanted) {
  install();
  faults = wanted;
  writes = syncs = 0;
  dark = false;
  files.clear();
}

int disk_writes() { return writes; }
int disk_syncs() { return syncs; }

void restore_power(std::uint64_t seed) {
  std::mt19937_64 chance(seed);
  for (auto& [path, contents] : files) {
    std::string text = contents.synced;
    for (const auto& one : contents.since) {
      if (seed != 0 && chance() % 2 == 0) apply(text, one);
    }
    if (!std::filesystem::exists(path)) continue;
    std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
    std::filesystem::remove(path + "-shm");
  }
  inject({});
}

}  // namespace sts::store
