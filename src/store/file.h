// Files that hold secrets: read into wiped memory, written whole or not at all.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "crypto/wiped.h"
#include "store/home.h"

namespace sts::store {

/// Text that may hold secrets: wiped wherever it is freed. A vector, since a short std::string
/// would lie outside of the allocator's reach.
using WipedText = std::vector<char, crypto::WipingAllocator<char>>;

inline std::string_view view(const WipedText& text) { return {text.data(), text.size()}; }
inline void append(WipedText& to, std::string_view more) {
  to.insert(to.end(), more.begin(), more.end());
}

/// A file as it was read, and who owned it and could reach it at that moment.
struct File {
  WipedText text;
  mode_t mode = 0;
  uid_t owner = 0;
};

/// All of a regular file or pipe, `limit` bytes at most; nullopt where there is none of that name.
Result<std::optional<File>> read_file(const std::filesystem::path& path, std::size_t limit);
/// All that comes from the open `descriptor` until its end; `name` is for the error.
Result<WipedText> read_descriptor(int descriptor, const std::string& name, std::size_t limit);

/// Refuses a file that anyone but us and root can read or write, with the command that mends it.
Result<void> check_private(const std::filesystem::path& path, const File& file);
/// Refuses a file that anyone but us and root can write.
Result<void> check_trusted(const std::filesystem::path& path, const File& file);

/// Refuses a home where anyone but us and root can put another file in a file's place. One that
/// does not exist yet is fine.
Result<void> check_home(const Home& home);

/// `text` as one word of a shell, for hints.
std::string shell_word(const std::string& text);

/// Takes `text` apart at its line ends, the ends (LF or CRLF) left out; no empty last line.
std::vector<std::string_view> split_lines(std::string_view text);

/// Holds the home for one process at a time, while alive; makes the directory, 0700, where it is
/// missing.
class HomeLock {
 public:
  /// Waits until no other process holds it.
  static Result<HomeLock> acquire(const Home& home);
  HomeLock(HomeLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  HomeLock& operator=(HomeLock&&) = delete;
  ~HomeLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

 private:
  explicit HomeLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

enum class Existing { keep, replace };

/// Stores `text` in a file of mode 0600 that has its name only once all of it is on the disk: after
/// a crash or on a full disk there is the old file or the new one. With Existing::keep a file that
/// is there already is an error. `path` lies in the home that the lock holds.
Result<void> write_file(const HomeLock&, const std::filesystem::path& path, std::string_view text,
                        Existing existing);

}  // namespace sts::store
