#include "cli/qr.h"

#include <dlfcn.h>
#include <qrencode.h>

#include <memory>

namespace sts::cli {
namespace {

/// Loaded when it is wanted: one command in a thousand shows a code, and linked it would cost all
/// of them memory (docs/dependencies.md).
class Library {
 public:
  Library() : handle_(::dlopen("libqrencode.so.4", RTLD_NOW | RTLD_LOCAL)) {}
  ~Library() {
    if (handle_ != nullptr) ::dlclose(handle_);
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  /// Null where there is none of that name, or no library.
  template <typename Function>
  Function* find(const char* name) const {
    return handle_ == nullptr ? nullptr : reinterpret_cast<Function*>(::dlsym(handle_, name));
  }

 private:
  void* handle_;
};

constexpr int quiet_zone = 4;  // modules around the code that must be light

bool is_light(const QRcode& code, int x, int y) {
  if (x < 0 || y < 0 || x >= code.width || y >= code.width) return true;
  return (code.data[y * code.width + x] & 1U) == 0;
}

}  // namespace

std::optional<std::string> qr_code(const std::string& text) {
  const Library library;
  const auto encode = library.find<decltype(QRcode_encodeString8bit)>("QRcode_encodeString8bit");
  const auto release = library.find<decltype(QRcode_free)>("QRcode_free");
  if (encode == nullptr || release == nullptr) return std::nullopt;
  const std::unique_ptr<QRcode, decltype(release)> code(encode(text.c_str(), 0, QR_ECLEVEL_L),
                                                        release);
  if (!code) return std::nullopt;
  std::string out;
  for (int y = -quiet_zone; y < code->width + quiet_zone; y += 2) {
    out += "\033[40;37;1m";  // light on black: readers want the code itself to be the dark part
    for (int x = -quiet_zone; x < code->width + quiet_zone; ++x) {
      const bool above = is_light(*code, x, y), below = is_light(*code, x, y + 1);
      out += above ? (below ? "█" : "▀") : (below ? "▄" : " ");
    }
    out += "\033[0m\n";
  }
  return out;
}

}  // namespace sts::cli
