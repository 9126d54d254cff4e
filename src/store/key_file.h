// A file with one secret key in it: 44 characters of base64 on a line, and '#' comments.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/keys.h"

namespace sts::store {

/// More than any such file has; what is longer is something else.
inline constexpr std::size_t key_file_limit = 65536;

/// The key in `text`; `name` says in the error where it came from.
Result<crypto::Secret<32>> parse_key_file(const std::string& name, std::string_view text);

/// The key in the file, nullopt where there is none. Refused where others can read the file.
Result<std::optional<crypto::Secret<32>>> read_key_file(const std::filesystem::path& path);

/// The key as a PSK; refused where it is all zero, since that means none.
Result<crypto::Psk> to_psk(crypto::Secret<32> key);

}  // namespace sts::store
