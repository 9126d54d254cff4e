#include "cli/output_error.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstring>

#include "base/text.h"

namespace sts::cli {
namespace {

std::string hint(int number) {
  switch (number) {
    case ENOSPC:
    case EDQUOT:
      return "free space there, or keep fewer files with --rotate-size and --rotate-keep";
    case EACCES:
    case EPERM:
    case EROFS:
      return "let this user write there, or give another --output";
    case ENOENT:
    case ENOTDIR:
      return "make its directory first, or give another --output";
    default:
      return "give another --output";
  }
}

}  // namespace

tl::unexpected<Error> output_error(std::string_view what, const std::filesystem::path& path,
                                   int number) {
  return fail(Errc::io, fmt::format("{} {}: {}", what, path.string(), std::strerror(number)),
              hint(number));
}

tl::unexpected<Error> message_error(std::string_view topic, const std::filesystem::path& path,
                                    int number) {
  constexpr std::size_t most = 100;
  auto name = printable(topic.substr(0, most));
  if (topic.size() > most) name += "...";
  return output_error(fmt::format("cannot write the message on {} to", name), path, number);
}

bool write_whole(int fd, std::string_view text, std::size_t& written) {
  while (!text.empty()) {
    const ssize_t now = ::write(fd, text.data(), text.size());
    if (now < 0 && errno == EINTR) continue;
    if (now < 0) return false;
    written += static_cast<std::size_t>(now);
    text.remove_prefix(static_cast<std::size_t>(now));
  }
  return true;
}

}  // namespace sts::cli
