#include "client/secret_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <filesystem>

#include "store/file.h"

namespace sts::client {
namespace {

constexpr std::size_t longest = 65535;  // what an MQTT string or binary data holds
constexpr auto sources = "file:PATH, fd:NUMBER, env:NAME, cred:NAME or prompt";

Result<std::string> checked(std::string_view source, std::string secret) {
  if (secret.ends_with('\n')) secret.pop_back();
  if (secret.ends_with('\r')) secret.pop_back();
  if (secret.empty()) {
    return fail(Errc::bad_input, fmt::format("{}: there is nothing in it", source));
  }
  if (secret.size() > longest) {
    return fail(Errc::bad_input, fmt::format("{}: longer than 65535 bytes", source));
  }
  return secret;
}

Result<std::string> read_file(std::string_view source, const std::filesystem::path& path) {
  auto file = store::read_file(path, longest + 2);
  if (!file) return tl::unexpected(file.error());
  if (!*file) {
    return fail(Errc::bad_input, fmt::format("there is no file {}", path.string()));
  }
  if (auto safe = store::check_private(path, **file); !safe) return tl::unexpected(safe.error());
  return checked(source, std::string(store::view((*file)->text)));
}

Result<std::string> read_descriptor(std::string_view source, std::string_view number) {
  int fd = -1;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), fd);
  if (error != std::errc() || end != number.data() + number.size() || fd < 0) {
    return fail(Errc::bad_input, fmt::format("'{}' is not the number of a descriptor", number));
  }
  auto read = store::read_descriptor(fd, std::string(source), longest + 2);
  if (!read) {
    return fail(Errc::io, read.error().message, "open it for sts, for instance with 3<FILE");
  }
  return checked(source, std::string(store::view(*read)));
}

Result<std::string> read_environment(std::string_view source, const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) {
    return fail(Errc::bad_input, fmt::format("the environment has no variable {}", name));
  }
  return checked(source, value);
}

Result<std::string> read_credential(std::string_view source, std::string_view name) {
  const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
  if (directory == nullptr) {
    return fail(Errc::bad_input, fmt::format("{}: systemd passed no credentials", source),
                "LoadCredential= in the unit does");
  }
  if (name.empty() || name.find('/') != std::string_view::npos) {
    return fail(Errc::bad_input, fmt::format("'{}' is not the name of a credential", name));
  }
  return read_file(source, std::filesystem::path(directory) / name);
}

/// The terminal without echo, as it was before once this is gone.
class Silent {
 public:
  explicit Silent(int fd) : fd_(fd), ok_(tcgetattr(fd, &before_) == 0) {
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    if (ok_) tcsetattr(fd_, TCSAFLUSH, &quiet);
  }
  ~Silent() {
    if (ok_) tcsetattr(fd_, TCSAFLUSH, &before_);
  }
  Silent(const Silent&) = delete;
  Silent& operator=(const Silent&) = delete;

 private:
  int fd_;
  termios before_{};
  bool ok_;
};

Result<std::string> ask(std::string_view what) {
  const int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) {
    return fail(Errc::bad_input, "prompt: there is no terminal to ask on",
                fmt::format("use {}", sources));
  }
  std::string secret;
  {
    const Silent silent(fd);
    dprintf(fd, "%.*s: ", static_cast<int>(what.size()), what.data());
    char c = 0;
    while (secret.size() <= longest && read(fd, &c, 1) == 1 && c != '\n') secret += c;
  }
  dprintf(fd, "\n");
  close(fd);
  return checked("prompt", std::move(secret));
}

}  // namespace

Result<std::string> read_secret(std::string_view source, std::string_view what) {
  const auto colon = source.find(':');
  const auto kind = source.substr(0, colon);
  const auto name = colon == std::string_view::npos ? "" : source.substr(colon + 1);
  if (source == "prompt") return ask(what);
  if (kind == "file") return read_file(source, std::string(name));
  if (kind == "fd") return read_descriptor(source, name);
  if (kind == "env") return read_environment(source, std::string(name));
  if (kind == "cred") return read_credential(source, name);
  return fail(Errc::bad_input, "that doesn't say where the secret is",  // it may be the secret
              fmt::format("one of {}", sources));
}

}  // namespace sts::client
