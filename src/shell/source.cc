#include "shell/source.h"

#include <fmt/format.h>

#include <algorithm>

#include "store/file.h"

namespace sts::shell {

Result<void> Sources::push(const std::string& path) {
  if (files_.size() >= max_depth) {
    return fail(Errc::limit, fmt::format("{} files deep in 'source': no deeper", max_depth),
                "see that no file sources itself");
  }
  auto file = store::read_file(path, max_bytes);
  if (!file) return tl::unexpected(file.error());
  if (!*file) {
    return fail(Errc::bad_input, fmt::format("there is no file {}", path),
                "give the path of a file with commands, one a line");
  }
  files_.push_back({path, std::string(store::view((*file)->text))});
  return {};
}

std::optional<std::string> Sources::next() {
  while (!files_.empty() && files_.back().at >= files_.back().text.size()) files_.pop_back();
  if (files_.empty()) return std::nullopt;
  auto& file = files_.back();
  const auto end = std::min(file.text.find('\n', file.at), file.text.size());
  std::string line = file.text.substr(file.at, end - file.at);
  file.at = end + 1;
  ++file.line;
  return line;
}

std::string Sources::where() const {
  return files_.empty() ? "" : fmt::format("{}:{}: ", files_.back().path, files_.back().line);
}

}  // namespace sts::shell
