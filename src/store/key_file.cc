#include "store/key_file.h"

#include <fmt/format.h>

#include "base/text.h"
#include "store/file.h"

namespace sts::store {

Result<crypto::Secret<32>> parse_key_file(const std::string& name, std::string_view text) {
  constexpr std::string_view hint = "one line of 44 characters of base64, and '#' comments";
  std::optional<crypto::Secret<32>> key;
  std::size_t number = 0;
  for (const auto whole : split_lines(text)) {
    ++number;
    const auto line = trim(whole);
    if (line.empty() || line.starts_with('#')) continue;
    if (key) {
      return fail(Errc::bad_input, fmt::format("{}:{}: a second key", name, number),
                  std::string(hint));
    }
    auto parsed = crypto::parse_secret_key(line);
    if (!parsed) {
      return fail(Errc::bad_input, fmt::format("{}:{}: {}", name, number, parsed.error().message),
                  std::string(hint));
    }
    key = std::move(*parsed);
  }
  if (!key) return fail(Errc::bad_input, fmt::format("{}: no key in it", name), std::string(hint));
  return std::move(*key);
}

Result<std::optional<crypto::Secret<32>>> read_key_file(const std::filesystem::path& path) {
  auto file = read_file(path, key_file_limit);
  if (!file) return tl::unexpected(file.error());
  if (!*file) return std::nullopt;
  auto safe = check_private(path, **file);
  if (!safe) return tl::unexpected(safe.error());
  auto key = parse_key_file(path.string(), view((*file)->text));
  if (!key) return tl::unexpected(key.error());
  return std::move(*key);
}

Result<crypto::Psk> to_psk(crypto::Secret<32> key) {
  crypto::Psk psk(std::move(key));
  if (psk == crypto::Secret<32>()) {
    return fail(Errc::bad_input, "a psk of zeros, which means none", "'sts key psk' makes one");
  }
  return psk;
}

}  // namespace sts::store
